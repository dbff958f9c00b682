/// Where something was written: a line of a file, or the command line.
package enum Place: Sendable, Equatable {
  /// A line of a file, from 1.
  case file(String, line: Int)
  /// A `key=value` of the command line, as it was given.
  case override(String)
  /// Nowhere: it was left out.
  case nowhere(String)

  /// How an error begins.
  var text: String {
    switch self {
    case .file(let name, let line): "\(name):\(line)"
    case .override(let text): "'\(text)'"
    case .nowhere(let name): name
    }
  }
}

/// What can be wrong with a recipe, a plan or a run's record. The only place of this wording.
package enum RunError: Error, Equatable, Sendable {
  /// A file cannot be read.
  case unreadable(file: String, reason: String)
  /// Text that is no YAML.
  case notYAML(Place, reason: String)
  /// A key that there is not.
  case unknownKey(Place, key: String, section: String, nearest: String?, known: [String])
  /// A value of the wrong type.
  case wrongType(Place, key: String, expected: String, found: String)
  /// A number outside its range.
  case outOfRange(Place, key: String, value: String, allowed: String)
  /// A word that is none of the choices.
  case notAChoice(Place, key: String, value: String, choices: [String], nearest: String?)
  /// A word that a list has already.
  case twice(Place, key: String, value: String)
  /// None or several of keys that exclude each other.
  case notExactlyOne(Place, section: String, keys: [String], found: [String])
  /// A key that must be there.
  case missing(Place, key: String, hint: String)
  /// A key that does not go with another.
  case doesNotGoWith(Place, key: String, other: String, hint: String)
  /// A variable that is not set.
  case unsetVariable(Place, key: String, variable: String)
  /// A strategy that there is not.
  case unknownPlugin(Place, key: String, id: String, nearest: String?, catalog: PartCatalog)
  /// A strategy that several files have.
  case severalPlugins(Place, key: String, id: String, files: [String])
  /// A file that has several strategies of the role.
  case severalStrategies(Place, key: String, file: String, ids: [String])
  /// A strategy in the wrong place.
  case wrongRole(Place, key: String, id: String, actual: PartRole, expected: PartRole)
  /// A parameter that a strategy does not have.
  case unknownParameter(Place, id: String, key: String, nearest: String?, known: [String])
  /// A strategy for another task.
  case wrongTask(Place, id: String, tasks: [String], task: String)
  /// A schedule that the objective does not accept.
  case scheduleRefused(Place, schedule: String, objective: String, accepted: [String])
  /// A schedule that does not give an updater all its sets in one step.
  case updaterNeeds(Place, updater: String, sets: [String], schedule: String, accepted: [String])
  /// A swap when the run is over or has not begun.
  case swapOutside(Place, at: String, epochs: Int)
  /// A swap of a part that can only change at an epoch's end.
  case swapWithinEpoch(Place, at: String, role: String)
  /// A swap that changes nothing.
  case emptySwap(Place)
  /// Something that needs what there is not.
  case needs(Place, what: String, need: String)
  /// An override that is no `key=value`.
  case badOverride(String, reason: String)
  /// A request to a run that cannot be understood or granted.
  case badRequest(String, reason: String)
  /// A sweep that is no `key=a,b,c`.
  case badSweep(String, reason: String)
  /// A method that the recipe does not have.
  case unknownMethod(String, nearest: String?, known: [String])
  /// A `plan.yaml` that cannot be read.
  case unreadablePlan(file: String, reason: String)
  /// A line of `events.jsonl` that cannot be read.
  case unreadableEvent(file: String, line: Int, reason: String)
  /// A record of a run without its beginning.
  case noBeginning(file: String)

  /// The exit code of the command: 66 for a file that is not there, 64 for a malformed argument, else 65.
  package var exitCode: Int32 {
    switch self {
    case .unreadable: 66
    case .badOverride, .badSweep, .unknownMethod, .badRequest: 64
    default: 65
    }
  }

  /// The path of the key and what did not fit, in one line.
  static func reason(_ error: DecodingError) -> String {
    func at(_ context: DecodingError.Context) -> String {
      context.codingPath.isEmpty ? "" : "'\(context.codingPath.map(\.stringValue).joined(separator: "."))': "
    }
    return switch error {
    case .typeMismatch(_, let context): "\(at(context))\(context.debugDescription)"
    case .valueNotFound(_, let context): "\(at(context))a value is missing"
    case .keyNotFound(let key, let context): "\(at(context))the key '\(key.stringValue)' is missing"
    case .dataCorrupted(let context): "\(at(context))\(context.debugDescription)"
    @unknown default: "it cannot be decoded"
    }
  }
}

extension RunError: CustomStringConvertible {
  /// What, where, and what would be right.
  package var description: String {
    switch self {
    case .unreadable(let file, let reason): "\(file): \(reason)"
    case .notYAML(let place, let reason): "\(place.text): not YAML: \(reason)"
    case .unknownKey, .wrongType, .outOfRange, .notAChoice, .twice, .notExactlyOne, .missing, .doesNotGoWith,
      .unsetVariable:
      keyDescription
    case .unknownPlugin, .severalPlugins, .severalStrategies, .wrongRole, .unknownParameter, .wrongTask,
      .scheduleRefused, .updaterNeeds:
      partDescription
    case .swapOutside(let place, let at, let epochs):
      "\(place.text): a swap at '\(at)' is outside a run of \(epochs) epoch\(epochs == 1 ? "" : "s"); "
        + (epochs > 1 ? "'epoch 1' to 'epoch \(epochs - 1)' are inside" : "no epoch ends inside it")
    case .swapWithinEpoch(let place, let at, let role):
      "\(place.text): the \(role) changes only at an epoch's end, not at '\(at)'; write 'epoch N'"
    case .emptySwap(let place):
      "\(place.text): a swap that changes nothing; give objective, reweighter, mask, updater, schedule, learning_rate or tune"
    case .needs(let place, let what, let need): "\(place.text): \(what) needs \(need)"
    case .badOverride(let text, let reason): "'\(text)': \(reason); an override is KEY.PATH=VALUE"
    case .badRequest(let text, let reason): "'\(text)': \(reason)"
    case .badSweep(let text, let reason): "--sweep '\(text)': \(reason); a sweep is KEY.PATH=A,B,C"
    case .unknownMethod(let name, let nearest, let known):
      "no method '\(name)'\(Self.suggestion(nearest)); the recipe has \(Self.list(known))"
    case .unreadablePlan(let file, let reason): "\(file): not a plan that can be carried out: \(reason)"
    case .unreadableEvent(let file, let line, let reason): "\(file):\(line): not an event: \(reason)"
    case .noBeginning(let file): "\(file): the record of the run has no beginning"
    }
  }

  private var keyDescription: String {
    switch self {
    case .unknownKey(let place, let key, let section, let nearest, let known):
      "\(place.text): unknown key '\(key)'\(section.isEmpty ? "" : " under '\(section)'")"
        + (nearest.map { "; did you mean '\($0)'?" } ?? "; the keys are \(Self.list(known))")
    case .wrongType(let place, let key, let expected, let found):
      "\(place.text): '\(key)' must be \(expected), not \(found)"
    case .outOfRange(let place, let key, let value, let allowed):
      "\(place.text): '\(key)' is \(value); it must be \(allowed)"
    case .notAChoice(let place, let key, let value, let choices, let nearest):
      "\(place.text): '\(key)' cannot be '\(value)'\(Self.suggestion(nearest)); it is one of \(Self.list(choices))"
    case .twice(let place, let key, let value): "\(place.text): '\(key)' has '\(value)' twice; once is enough"
    case .notExactlyOne(let place, let section, let keys, let found):
      "\(place.text): '\(section)' takes exactly one of \(Self.list(keys)), not "
        + (found.isEmpty ? "none" : found.map { "'\($0)'" }.joined(separator: " and "))
    case .missing(let place, let key, let hint): "\(place.text): '\(key)' is missing; \(hint)"
    case .doesNotGoWith(let place, let key, let other, let hint):
      "\(place.text): '\(key)' does not go with \(other); \(hint)"
    case .unsetVariable(let place, let key, let variable):
      "\(place.text): '\(key)' needs the environment variable \(variable), which is not set"
    default: preconditionFailure("no error about a key")
    }
  }

  private var partDescription: String {
    switch self {
    case .unknownPlugin(let place, let key, let id, let nearest, let catalog):
      "\(place.text): '\(key)': no plugin '\(id)'\(Self.suggestion(nearest)); "
        + (catalog.parts.isEmpty ? "there are none" : "there are \(Self.list(catalog.parts.map(\.id)))")
        + "; searched: \(catalog.folders.isEmpty ? "no folder" : catalog.folders.joined(separator: ", "))"
        + catalog.refusals.map { "; refused \($0.file): \($0.reason)" }.joined()
    case .severalPlugins(let place, let key, let id, let files):
      "\(place.text): '\(key)': several files have the plugin '\(id)': \(Self.list(files)); keep one of them"
    case .severalStrategies(let place, let key, let file, let ids):
      "\(place.text): '\(key)': '\(file)' has several strategies of this role: \(Self.list(ids)); write the one that is meant"
    case .wrongRole(let place, let key, let id, let actual, let expected):
      "\(place.text): '\(key)': '\(id)' is \(actual.withArticle), not \(expected.withArticle)"
    case .unknownParameter(let place, let id, let key, let nearest, let known):
      "\(place.text): '\(id)' has no parameter '\(key)'\(Self.suggestion(nearest)); "
        + (known.isEmpty ? "it has none" : "it has \(Self.list(known))")
    case .wrongTask(let place, let id, let tasks, let task):
      "\(place.text): '\(id)' is for \(Self.list(tasks)), and this recipe is \(task)"
    case .scheduleRefused(let place, let schedule, let objective, let accepted):
      "\(place.text): the objective '\(objective)' does not accept the schedule '\(schedule)'; it accepts "
        + Self.list(accepted)
    case .updaterNeeds(let place, let updater, let sets, let schedule, let accepted):
      "\(place.text): the updater '\(updater)' needs \(Self.list(sets)) in one step, which the schedule '\(schedule)' "
        + "does not give; "
        + (accepted.isEmpty ? "no schedule of this objective does" : "use \(accepted.joined(separator: " or "))")
    default: preconditionFailure("no error about a part")
    }
  }

  static func suggestion(_ nearest: String?) -> String { nearest.map { " (did you mean '\($0)'?)" } ?? "" }

  private static func list(_ words: [String]) -> String { words.joined(separator: ", ") }
}
