import Runs

/// What can be wrong with how the command was called. The only place of this wording.
enum CommandError: Error, Equatable {
  /// An argument that is no recipe where one is needed.
  case noRecipe(command: String)
  /// A recipe given with `--resume`.
  case recipeAndResume
  /// `--live` with `--quiet`.
  case liveAndQuiet
  /// `--live` and `--json` on one terminal.
  case liveAndJSON
  /// An argument after a recipe that is no override.
  case notAnOverride(String)
  /// `lethe evaluate` without `weights=FILE`.
  case noWeights
  /// `lethe mask` of a recipe without one.
  case noMask(method: String?)
  /// `lethe mask` of several requests.
  case masksOfSequence
  /// A file that is not there.
  case noFile(String)
  /// A strategy that there is not.
  case noStrategy(id: String, nearest: String?, known: [String], searched: [String])
  /// No strategy of a role that a benchmark needs.
  case noPart(role: String)
  /// A benchmark that there is not.
  case noBenchmark(String, known: [String])
  /// Two runs of a comparison that are the same.
  case sameRun(String)
  /// A folder or file that cannot be made.
  case cannotWrite(path: String, reason: String)
  /// A name that a plugin cannot have.
  case badName(String, reason: String)
  /// A role that plugins of that language cannot have yet.
  case noTemplate(role: String, language: String, roles: [String])
  /// Something that is there already.
  case isThere(String)
  /// An installation without the kit.
  case noSDK(searched: [String])
  /// LibTorch is not here and could not be fetched.
  case noLibTorch(code: Int32)
  /// A disk that takes no more.
  case diskFull(path: String)
  /// A program that does not start, or ends with an error.
  case cannotStart(String)
  /// Standard output takes no more.
  case outputFailed
  /// The Python side of a benchmark did not do what it should.
  case python(String)
  /// A process of an audit ended with its job undone.
  case workerFailed(job: String, reason: String, code: Int32)
  /// A signal stopped an audit.
  case auditInterrupted(signal: Int32)
  /// A question without a terminal.
  case nobodyToAsk
  /// An entry that a list does not have.
  case notListed(String, list: String)
  /// A plugin that cannot be led through anything.
  case notFuzzed(reason: String, code: Int32)
  /// A record that does not hold.
  case notVerified(Int, of: Int)
  /// `--without` without `--resume`.
  case withoutAlone
  /// A contained run that a plugin ended.
  case contained(String)
  /// A run answered that it cannot do what was asked.
  case refused(String)
  /// A replay gave other weights.
  case notReproduced(Int, of: Int)
  /// Some runs of a comparison ended early; the others' table was printed.
  case someRunsFailed(Int, of: Int, code: Int32)

  /// The exit code.
  var exitCode: Int32 {
    switch self {
    case .noRecipe, .recipeAndResume, .liveAndQuiet, .liveAndJSON, .notAnOverride, .noWeights, .noMask,
      .masksOfSequence, .noBenchmark, .sameRun,
      .withoutAlone, .badName, .noTemplate, .nobodyToAsk:
      64
    case .noFile, .noStrategy, .noPart, .noSDK, .notListed: 66
    case .refused: 65
    case .contained: 70
    case .notReproduced, .notVerified: 1
    case .cannotWrite, .isThere: 73
    case .cannotStart, .diskFull, .outputFailed, .python: 74
    case .someRunsFailed(_, _, let code), .workerFailed(_, _, let code), .noLibTorch(let code), .notFuzzed(_, let code):
      code
    case .auditInterrupted(let signal): 128 + signal
    }
  }
}

extension CommandError: CustomStringConvertible {
  var description: String {
    switch self {
    case .nobodyToAsk: "standard input is no terminal, so nobody can be asked; --yes lists them without asking"
    case .notListed(let word, let list):
      "'\(list)' has no entry of the id, file or hash '\(word)'; see lethe plugin trust --list"
    case .notFuzzed(let reason, _): reason
    case .notVerified(let bad, let count): "\(bad) of \(count) are not as the record says"
    case .withoutAlone: "--without goes with --resume; a new run leaves a part out with 'pipeline.reweighter=null'"
    case .contained(let message): message
    case .refused(let message): message
    case .notReproduced(let differing, let count):
      "\(differing) of \(count) tensors are not those of the run"
    case .noRecipe(let command): "there is no recipe; write: lethe \(command) RECIPE"
    case .recipeAndResume:
      "--resume goes on with a run as it was planned; a recipe or a changed key would make it another run"
    case .liveAndQuiet: "--live shows everything and --quiet nothing; choose one of them"
    case .liveAndJSON:
      "--json would write on the terminal that --live draws on; send it elsewhere: lethe run … --live --json > events.jsonl"
    case .notAnOverride(let text): "'\(text)' is neither a recipe nor KEY.PATH=VALUE"
    case .noWeights: "there is no model to measure; write: lethe evaluate RECIPE weights=FILE"
    case .noMask(let method):
      "\(method.map { "the method '\($0)'" } ?? "the recipe's pipeline") has no mask; "
        + "name a method that has one with --method, or a plugin with pipeline.mask=ID"
    case .masksOfSequence:
      "'forget' is a list, and each request has a mask of its own; name one of them with forget={…}"
    case .noFile(let path): "\(path): there is no such file"
    case .noStrategy(let id, let nearest, let known, let searched):
      "no plugin '\(id)'\(nearest.map { " (did you mean '\($0)'?)" } ?? ""); "
        + (known.isEmpty ? "there are none" : "there are \(known.joined(separator: ", "))")
        + "; searched: \(searched.isEmpty ? "no folder" : searched.joined(separator: ", "))"
    case .noPart(let role):
      "the benchmark needs a plugin of the role '\(role)', and none is installed; see lethe plugin list"
    case .noBenchmark(let name, let known): "no benchmark '\(name)'; there are \(known.joined(separator: ", "))"
    case .sameRun(let label): "two runs of the comparison are the same plan: '\(label)'"
    case .cannotWrite(let path, let reason): "cannot write '\(path)': \(reason); choose another folder with --output"
    case .badName(let name, let reason): "no plugin can be called '\(name)': \(reason)"
    case .noTemplate(let role, let language, let roles):
      "there is no template of the role '\(role)' in \(language); there are \(roles.joined(separator: ", "))"
    case .isThere(let path): "'\(path)' is there already; choose another folder with --directory"
    case .noSDK(let searched):
      "the kit for plugins is not where this command expects it; looked in \(searched.joined(separator: ", "))"
    case .noLibTorch:
      "LibTorch is not on this machine and could not be fetched; set LIBTORCH to the folder that holds lib/libtorch_cpu.so"
    case .diskFull(let path): "writing '\(path)' failed: the disk is full; what was written before is whole"
    case .cannotStart(let program): "'\(program)' cannot be started, or did not end well"
    case .outputFailed: "the result cannot be written: standard output is closed or its disk is full"
    case .python(let reason): "the Python of LETHE_PYTHON: \(reason)"
    case .workerFailed(let job, let reason, _):
      "\(job): \(reason); the models that are made are kept, and the same command goes on"
    case .auditInterrupted:
      "interrupted; the models that are made are kept, and the same command goes on"
    case .someRunsFailed(let failed, let total, _): "\(failed) of \(total) runs did not finish"
    }
  }
}
