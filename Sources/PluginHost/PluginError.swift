/// What can go wrong with plugins and with plain C functions.
package enum PluginError: Error, Equatable, Sendable {
  // MARK: Files

  /// No such file or folder.
  case notThere(path: String)
  /// The system refuses to read a file that is there.
  case unreadable(path: String, reason: String)
  /// Not a shared library of this machine.
  case notALibrary(path: String, LibraryProblem)
  /// A shared library, but no plugin, or one whose note is damaged.
  case note(path: String, NoteProblem)
  /// A note whose text is no manifest.
  case manifest(path: String, ManifestProblem)
  /// A plugin that this host cannot serve.
  case unfit(plugin: String, path: String, AdmissionProblem)
  /// A file, or a folder above it, that somebody else could have changed.
  case untrusted(path: String, component: String, TrustProblem)
  /// A file whose bytes are not in the list, where nothing else is let in.
  case unlisted(path: String, sha256: String, list: String)
  /// A file that is let in by its bytes alone, and brings libraries that are not among them.
  case ownLibraries(path: String, [String])
  /// A list of trusted plugins that cannot be used.
  case lock(path: String, reason: String)
  /// The dynamic linker refuses.
  case notLoadable(path: String, reason: String)
  /// The file is not the one that was checked.
  case replaced(path: String)
  /// What the code says is not what the manifest says, or not what the headers ask for.
  case table(plugin: String, path: String, TableProblem)

  // MARK: Choice

  /// Two files hold plugins or strategies of one id.
  case duplicate(id: String, first: String, second: String)
  /// No plugin has a strategy of that id.
  case unknown(id: String, nearest: [String], known: [String], searched: [String])
  /// A strategy that is there, asked to be what it is not.
  case wrongRole(strategy: String, role: String, wanted: StrategyRole)
  /// A value for a parameter that cannot be.
  case parameter(strategy: String, key: String, ParameterProblem)

  // MARK: Calls

  /// A call failed, or broke what its header promises.
  case call(PluginCall, CallProblem)

  // MARK: Plain functions

  /// A plain C function that cannot be called.
  case function(library: String, symbol: String, FunctionProblem)

  /// The command's exit code.
  package var exitCode: Int32 {
    switch self {
    case .notThere, .unknown, .untrusted, .unlisted, .ownLibraries: 66
    case .unreadable: 74
    case .notALibrary, .note, .manifest, .unfit, .notLoadable, .replaced, .table, .call: 70
    case .duplicate, .wrongRole, .parameter, .lock: 65
    case .function(_, _, .noLibrary): 66
    case .function(_, _, .notLoadable), .function(_, _, .badWeights), .function(_, _, .badValue),
      .function(_, _, .badResult):
      70
    case .function: 65
    }
  }
}

/// Which call of which plugin.
package struct PluginCall: Error, Equatable, Sendable {
  package var plugin: String
  package var version: String
  /// The file's name, without its folder.
  package var file: String
  /// `objective.terms`.
  package var call: String
  /// The step of the run, from 0; nil outside steps.
  package var step: Int?
}

/// Why a file is no shared library of this machine.
package enum LibraryProblem: Error, Equatable, Sendable {
  case tooShort
  case notElf
  case notLittleEndian64
  case notShared
  case otherMachine
  case notAFile
  case damaged(String)
}

/// Why a library's note cannot be read.
package enum NoteProblem: Error, Equatable, Sendable {
  case missing
  case several(Int)
  case truncated
  case unterminated
  /// The comments of a source file end before the manifest does.
  case unclosed
  case empty
  case zeroInside
  case notUTF8
  case tooLarge(Int)
}

/// Why text is no manifest. Keys are written with their place, `strategies[0].params[1].key`.
package enum ManifestProblem: Error, Equatable, Sendable {
  case notJSON(line: Int, column: Int, reason: String)
  case schema(found: Int64, wanted: Int64)
  case missing(key: String)
  case wrongType(key: String, found: String, wanted: String)
  case badName(key: String, found: String, pattern: String)
  case badNumber(key: String, found: Int64)
  case notOneOf(key: String, found: String, allowed: [String])
  case twice(key: String, value: String)
  case needlessDefault(key: String)
  case badDefault(key: String, problem: ParameterProblem)
  case onlyFor(key: String, type: String)
  case emptyRange(key: String, minimum: Double, maximum: Double)
  case logScale(key: String)

  static func notJSON(_ problem: JSONProblem) -> ManifestProblem {
    .notJSON(line: problem.line, column: problem.column, reason: problem.reason)
  }
}

/// Why this host cannot serve a plugin.
package enum AdmissionProblem: Error, Equatable, Sendable {
  /// It was built for another generation of the ABI; by its manifest or by the entry symbols it exports.
  case generation(found: [Int], wanted: Int)
  case minor(needed: Int, offered: Int)
  case service(String, known: [String])
  case platform(found: String, wanted: String)
  case swift(found: String, wanted: String)
  case noEntry(symbol: String)
}

/// Why a file or folder is not trusted.
package enum TrustProblem: Error, Equatable, Sendable {
  /// It belongs to somebody who is neither root nor the user.
  case owner(name: String)
  case worldWritable
  case groupWritable(group: String)
}

/// Why a plugin's table is refused.
package enum TableProblem: Error, Equatable, Sendable {
  case missing
  case badSize(of: String, found: UInt32, least: Int)
  case badStride(found: UInt32, least: Int)
  case noText(of: String)
  case differs(what: String, table: String, manifest: String)
  case notInManifest(strategy: String)
  case notInTable(strategy: String)
  case twice(strategy: String)
  case noRoleTable(strategy: String, role: String)
  case noCallback(strategy: String, callback: String)
  case halfState(strategy: String)
}

/// What is wrong with a parameter's value.
package enum ParameterProblem: Error, Equatable, Sendable {
  case unknown(nearest: String?, known: [String])
  case missing
  case wrongType(wanted: String)
  case notFinite
  case outOfRange(found: String, minimum: Double?, maximum: Double?)
  case notOneOf(found: String, choices: [String], nearest: String?)
  case notTunable
}

/// How a call failed.
package enum CallProblem: Error, Equatable, Sendable {
  /// The plugin says why.
  case said(String)
  /// A failure without a word.
  case silent(status: Int32)
  /// A status that no header knows.
  case unknownStatus(Int32, message: String)
  /// It says that it was cancelled, and nobody asked.
  case notCancelled
  /// It went well, but gave no table.
  case noTable
  /// A call of an instance that is not in the state for it.
  case lifeCycle(LifeState)
  /// A state that the host or the stream cannot take.
  case state(String)

  // MARK: What an objective promises

  case noTerms(wanted: [String])
  case term(String, TermProblem)

  // MARK: What the other roles promise

  case weights(term: String, TensorProblem)
  case scores(parameter: String, TensorProblem)
  case walk(flags: UInt32, batch: Int64)
  case guidance(Double)
  case noDirection
  case direction(parameter: String, TensorProblem)
  case scale(term: String, TensorProblem)
  case noResults
  case result(String, ResultProblem)
}

/// What is wrong with a term of an objective.
package enum TermProblem: Error, Equatable, Sendable {
  case badName
  case badFlags(UInt32)
  case twice
  case badSet(UInt32)
  case badCoefficient
  case neither
  case both
  case setOfPenalty
  case penaltyWithSamples
  case noGraph(String)
  case tensor(String, TensorProblem)
}

/// What is wrong with a tensor that a plugin gave.
package enum TensorProblem: Error, Equatable, Sendable {
  case missing
  case shape(found: [Int], wanted: String)
  case dtype(found: String, wanted: String)
  case device(found: String, wanted: String)
  case notFinite
  case negative
  case sum(Double)
  /// A device found it; which value it was is not known.
  case promise(WeightPromise)
  case notBinary
}

/// Why a plain C function cannot be used.
package enum FunctionProblem: Error, Equatable, Sendable {
  case noLibrary
  case notLoadable(reason: String)
  case noSymbol
  /// A variable has that name.
  case notAFunction
  case signature(text: String, column: Int, reason: String)
  case argument(name: String, FunctionArgumentProblem)
  case unusedValue(key: String, arguments: [String])
  case badWeights(term: String, TensorProblem)
  /// A transform gives, of a finite loss, something that is not.
  case badValue(of: String, term: String, sample: Int, loss: Double, found: Double)
  /// A metric is not a finite number.
  case badResult(set: String, found: Double)
  /// The form for one sample has no second function for the derivative.
  case noDerivative
  /// The form for all samples has one.
  case needlessDerivative
  case test(FunctionTestProblem)
}

/// What is wrong with a function's test, or with the function by its test.
package enum FunctionTestProblem: Error, Equatable, Sendable {
  /// The test does not say what an argument is given.
  case missing(name: String)
  /// It says so of something that is none.
  case unknown(name: String, known: [String])
  /// Lists of the test are not of one length.
  case lengths(name: String, found: Int, wanted: Int)
  /// A list where there is one number for all samples.
  case notAList(name: String)
  case outOfRange(name: String, value: Double, type: String)
  case expected(index: Int, found: Double, wanted: Double)
  case slope(index: Int, loss: Double, derivative: Double, numeric: Double)
  case mixes(index: Int, with: Int)
}

/// Why an argument of a plain C function cannot be bound.
package enum FunctionArgumentProblem: Error, Equatable, Sendable {
  case unknown(known: [String])
  case pointer
  case notPointer
  case mustBeConst
  case mustNotBeConst
  /// Something that only the form for all samples fills in.
  case onlyWhole
  case wrongType(wanted: String)
  case outOfRange(value: String, type: String)
  case notANumber
  /// A name of the host's that is among the values given along.
  case fromHost
  /// A term has no such numbers.
  case notInTerm(String)
  /// A run of this kind has no such numbers.
  case notInTask
  case needed
}
