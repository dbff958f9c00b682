extension PluginError: CustomStringConvertible {
  package var description: String {
    switch self {
    case .notThere(let path): "'\(path)': no such file or folder"
    case .unreadable(let path, let reason): "'\(path)' cannot be read: \(reason)"
    case .notALibrary(let path, let problem): "'\(path)' is not a shared library for this machine: \(problem)"
    case .note(let path, .missing):
      "'\(path)' is not a plugin: "
        + (SourceManifest.isSource(path)
          ? "there is no line '\(SourceManifest.opening)' among the comments at its top" : "\(NoteProblem.missing)")
    case .note(let path, let problem): "'\(path)' has a malformed manifest note: \(problem)"
    case .manifest(let path, let problem): "the manifest of '\(path)' is wrong: \(problem)"
    case .unfit(let plugin, let path, let problem): "plugin '\(plugin)' ('\(path)') cannot be used: \(problem)"
    case .untrusted(let path, let component, let problem):
      "'\(path)' is not trusted: '\(component)' \(problem); if that is a mistake, run: \(problem.remedy(component)); "
        + "to let in just these bytes: lethe plugin trust \(TrustProblem.shell(path))"
    case .unlisted(let path, let sha256, let list):
      "'\(path)' is not in '\(list)', and with --locked nothing else is loaded (sha256 \(sha256)); "
        + "list it with: lethe plugin trust \(TrustProblem.shell(path))"
    case .ownLibraries(let path, let libraries):
      "'\(path)' is let in by its own bytes alone, but brings \(quoted(libraries)), which somebody else could change; "
        + "put all of them into a folder that only you can write to"
    case .lock(let path, let reason): "the list of trusted plugins '\(path)' cannot be used: \(reason)"
    case .notLoadable(let path, let reason): "'\(path)' cannot be loaded: \(reason)"
    case .replaced(let path):
      "'\(path)' was replaced while it was in use or being loaded; give a rebuilt plugin a new file name, or start again"
    case .table(let plugin, let path, let problem):
      "plugin '\(plugin)' ('\(path)') does not keep to its manifest: \(problem)"
    case .duplicate(let id, let first, let second):
      "'\(id)' is in two plugins, '\(first)' and '\(second)'; remove one of the files or its folder from the search path"
    case .unknown(let id, let nearest, let known, let searched): Self.unknown(id, nearest, known, searched)
    case .wrongRole(let strategy, let role, let wanted):
      "strategy '\(strategy)' has the role '\(role)' and cannot be used as \(wanted.word)"
    case .parameter(let strategy, let key, .unknown(let nearest, let known)):
      "strategy '\(strategy)' has no parameter '\(key)'; " + Self.suggestion(nearest, known, none: "it has none")
    case .parameter(let strategy, let key, let problem): "parameter '\(key)' of '\(strategy)': \(problem)"
    case .call(let call, let problem): "\(call): \(problem)"
    case .function(let library, let symbol, let problem): "function '\(symbol)' of '\(library)': \(problem)"
    }
  }

  private static func unknown(_ id: String, _ nearest: [String], _ known: [String], _ searched: [String]) -> String {
    var text = "no plugin has a strategy '\(id)'"
    if let first = nearest.first { text += "; did you mean '\(first)'?" }
    text += known.isEmpty ? "; no plugins were found" : "; there are \(quoted(known))"
    return text + "; looked in \(quoted(searched))"
  }

  static func suggestion(_ nearest: String?, _ known: [String], none: String) -> String {
    if let nearest { return "did you mean '\(nearest)'?" }
    return known.isEmpty ? none : "it has \(quoted(known))"
  }
}

/// Words in quotes with commas.
private func quoted(_ words: [String]) -> String { words.map { "'\($0)'" }.joined(separator: ", ") }

extension PluginCall: CustomStringConvertible {
  package var description: String {
    "plugin '\(plugin)' \(version) (\(file)) failed in \(call)" + (step.map { " at step \($0)" } ?? "")
  }
}

extension LibraryProblem: CustomStringConvertible {
  package var description: String {
    switch self {
    case .tooShort: "it is shorter than an ELF header"
    case .notElf: "it does not begin as an ELF file does"
    case .notLittleEndian64: "it is not 64-bit and little-endian"
    case .notShared: "it is a program or an object file"
    case .otherMachine: "it is for another processor"
    case .notAFile: "it is not a regular file"
    case .damaged(let what): what
    }
  }
}

extension NoteProblem: CustomStringConvertible {
  package var description: String {
    switch self {
    case .missing: "it has no manifest note of owner 'lethe'"
    case .several(let count): "there are \(count) of them, one would be right"
    case .truncated: "it runs past its section"
    case .unterminated: "its text does not end with a zero byte"
    case .unclosed: "the comments end before the line '\(SourceManifest.closing)' that would close it"
    case .empty: "it has no text"
    case .zeroInside: "its text has a zero byte inside"
    case .notUTF8: "its text is not UTF-8"
    case .tooLarge(let bytes): "it has \(bytes) bytes, at most \(ElfFile.largestManifest) are allowed"
    }
  }
}

extension ManifestProblem: CustomStringConvertible {
  package var description: String {
    switch self {
    case .notJSON(let line, let column, let reason): "line \(line), column \(column): \(reason)"
    case .schema(let found, let wanted): "'schema' is \(found), this version of Lethe reads \(wanted)"
    case .missing(let key): "'\(key)' is missing or empty"
    case .wrongType(let key, let found, let wanted): "'\(key)' is \(found), \(wanted) would be right"
    case .badName(let key, let found, let pattern): "'\(key)' is '\(found)', it must look like \(pattern)"
    case .badNumber(let key, let found): "'\(key)' is \(found), a whole number from 0 would be right"
    case .notOneOf(let key, let found, let allowed): "'\(key)' is '\(found)', it can be \(quoted(allowed))"
    case .twice(let key, let value): "'\(key)' has '\(value)' twice"
    case .needlessDefault(let key): "'\(key)' is given for a required parameter"
    case .badDefault(let key, let problem): "'\(key)' does not fit: \(problem)"
    case .onlyFor(let key, let type): "'\(key)' is only for \(type)"
    case .emptyRange(let key, let minimum, let maximum): "'\(key)' is \(minimum), which is above max \(maximum)"
    case .logScale(let key): "'\(key)' is 'log', which needs a number with a min above 0"
    }
  }
}

extension AdmissionProblem: CustomStringConvertible {
  package var description: String {
    switch self {
    case .generation(let found, let wanted):
      "it was built for generation \(found.map(String.init).joined(separator: ", ")) of the plugin ABI, this version "
        + "of Lethe has generation \(wanted): "
        + (found.contains { $0 > wanted }
          ? "upgrade Lethe" : "its author has to build it against the headers that 'lethe sdk path' names")
    case .minor(let needed, let offered):
      "it needs minor \(needed) of the plugin ABI, this version of Lethe has \(offered); a newer Lethe would be right"
    case .service(let id, let known): "it needs the service '\(id)', this version of Lethe has \(quoted(known))"
    case .platform(let found, let wanted): "it was built for '\(found)', this machine is '\(wanted)'"
    case .swift(let found, let wanted):
      "it shares the Swift runtime and was built with Swift \(found), Lethe with \(wanted); build it with that version "
        + "or with its own runtime ('-static-stdlib')"
    case .noEntry(let symbol): "it does not export '\(symbol)'"
    }
  }
}

extension TrustProblem: CustomStringConvertible {
  package var description: String {
    switch self {
    case .owner(let name): "belongs to '\(name)', who is neither root nor you"
    case .worldWritable: "can be written by everybody"
    case .groupWritable(let group): "can be written by the group '\(group)'"
    }
  }

  /// A word as a shell reads it.
  static func shell(_ path: String) -> String {
    "'" + path.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''") + "'"
  }

  /// The command that mends it.
  func remedy(_ component: String) -> String {
    let path = Self.shell(component)
    return switch self {
    case .owner: "sudo chown root \(path)"
    case .worldWritable: "chmod o-w \(path)"
    case .groupWritable: "chmod g-w \(path)"
    }
  }
}

extension TableProblem: CustomStringConvertible {
  package var description: String {
    switch self {
    case .missing: "its entry function gives no table"
    case .badSize(let what, let found, let least): "the size of \(what) is \(found), at least \(least) would be right"
    case .badStride(let found, let least): "the stride of its strategies is \(found), at least \(least) would be right"
    case .noText(let what): "\(what) has no text"
    case .differs(let what, let table, let manifest):
      "\(what) is '\(table)' in its table and '\(manifest)' in its manifest"
    case .notInManifest(let strategy): "its table has a strategy '\(strategy)' that its manifest does not have"
    case .notInTable(let strategy): "its manifest has a strategy '\(strategy)' that its table does not have"
    case .twice(let strategy): "its table has the strategy '\(strategy)' twice"
    case .noRoleTable(let strategy, let role): "strategy '\(strategy)' has no table for its role '\(role)'"
    case .noCallback(let strategy, let callback): "strategy '\(strategy)' has no '\(callback)'"
    case .halfState(let strategy):
      "strategy '\(strategy)' has one of 'save_state' and 'load_state', both or neither would be right"
    }
  }
}

extension ParameterProblem: CustomStringConvertible {
  package var description: String {
    switch self {
    case .unknown(let nearest, let known): PluginError.suggestion(nearest, known, none: "there is no such parameter")
    case .missing: "it must be given"
    case .wrongType(let wanted): "\(wanted) would be right"
    case .notFinite: "it is not a finite number"
    case .outOfRange(let found, let minimum, let maximum): "\(found) is not \(Self.range(minimum, maximum))"
    case .notOneOf(let found, let choices, let nearest):
      "'\(found)' is not one of \(quoted(choices))" + (nearest.map { "; did you mean '\($0)'?" } ?? "")
    case .notTunable: "it cannot change during a run"
    }
  }

  private static func range(_ minimum: Double?, _ maximum: Double?) -> String {
    switch (minimum, maximum) {
    case (let minimum?, let maximum?): "between \(minimum) and \(maximum)"
    case (let minimum?, nil): "at least \(minimum)"
    case (nil, let maximum?): "at most \(maximum)"
    case (nil, nil): "a number"
    }
  }
}
