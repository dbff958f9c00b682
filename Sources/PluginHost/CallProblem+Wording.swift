extension CallProblem: CustomStringConvertible {
  package var description: String {
    switch self {
    case .said(let message): message
    case .silent(let status): "status \(status) (\(Self.name(status))) without a message"
    case .unknownStatus(let status, let message):
      "unknown status \(status)" + (message.isEmpty ? " without a message" : ": \(message)")
    case .notCancelled: "it says that it was cancelled, but nobody asked it to stop"
    case .noTable: "it succeeded but gave no table"
    case .lifeCycle(.failed): "it failed before, and a failed instance can only be destroyed"
    case .lifeCycle(let state): "the instance is '\(state.rawValue)', and the call is not legal then"
    case .state(let reason): reason
    case .noTerms(let wanted): "it added no term for \(wanted.joined(separator: " or "))"
    case .term(let name, let problem): "term '\(name)': \(problem)"
    case .weights(let term, let problem): "weights of term '\(term)': \(problem)"
    case .scores(let parameter, let problem): "scores of '\(parameter)': \(problem)"
    case .guidance(let strength):
      "the walk has guidance \(strength), which needs a finite number and a network that is conditioned on classes"
    case .walk(let flags, let batch):
      "the walk has flags \(flags) and batch \(batch); flags of lethe/mask.h and a batch above 0 would be right"
    case .noDirection: "it succeeded but set no direction"
    case .direction(let parameter, let problem): "direction of '\(parameter)': \(problem)"
    case .scale(let term, let problem): "scale of term '\(term)': \(problem)"
    case .noResults: "it was shown batches and reported no number"
    case .result(let name, let problem): "result '\(name)': \(problem)"
    }
  }

  /// A status by the name that the headers give it.
  static func name(_ status: Int32) -> String {
    switch status {
    case 1: "cancelled"
    case 2: "unknown"
    case 3: "invalid argument"
    case 5: "not found"
    case 8: "exhausted"
    case 9: "precondition"
    case 12: "unimplemented"
    case 13: "internal"
    case 17: "stale"
    case 18: "wrong thread"
    case 19: "busy"
    default: "unknown"
    }
  }

  /// Whether the headers name that status.
  static func isKnown(_ status: Int32) -> Bool { status == 2 || name(status) != "unknown" }
}

extension TermProblem: CustomStringConvertible {
  package var description: String {
    switch self {
    case .badName: "its name must look like [a-z][a-z0-9_-]*"
    case .badFlags(let flags): "its flags \(flags) have bits that no header names"
    case .twice: "the step has a term of that name already"
    case .badSet(let set): "its set is \(set), 1 (forget), 2 (retain) or 0 (a penalty) would be right"
    case .badCoefficient: "its coefficient is not a finite number"
    case .neither: "it has neither losses nor a penalty"
    case .both: "it has both losses and a penalty"
    case .setOfPenalty: "a penalty belongs to no set, set 0 would be right"
    case .penaltyWithSamples: "a penalty has no samples: only 'penalty' may be given"
    case .noGraph(let field): "'\(field)' is not part of the graph, so no gradient can flow"
    case .tensor(let field, let problem): "'\(field)': \(problem)"
    }
  }
}

extension TensorProblem: CustomStringConvertible {
  package var description: String {
    switch self {
    case .missing: "there is no tensor"
    case .shape(let found, let wanted): "the shape is \(found), \(wanted) would be right"
    case .dtype(let found, let wanted): "the type is \(found), \(wanted) would be right"
    case .device(let found, let wanted): "the device is \(found), \(wanted) would be right"
    case .notFinite: "an entry is not finite"
    case .negative: "an entry is negative"
    case .sum(let sum): "the sum is \(sum), 1 within 1e-5 would be right"
    case .promise(let promise): "they are not '\(promise.rawValue)' as the manifest promises"
    case .notBinary: "an entry is neither 0 nor 1"
    }
  }
}

extension FunctionProblem: CustomStringConvertible {
  package var description: String {
    switch self {
    case .noLibrary: "no such library"
    case .notLoadable(let reason): "the library cannot be loaded: \(reason)"
    case .noSymbol: "the library does not export it"
    case .notAFunction: "the library exports a variable of that name; a function would be right"
    case .signature(let text, let column, let reason): "signature '\(text)', column \(column): \(reason)"
    case .argument(let name, let problem): "argument '\(name)' \(problem)"
    case .unusedValue(let key, let arguments):
      "'args' has '\(key)', which is no argument; the arguments are \(arguments.joined(separator: ", "))"
    case .badWeights(let term, let problem): "weights of term '\(term)': \(problem)"
    case .badValue(let what, let term, let sample, let loss, let found):
      "term '\(term)', sample \(sample): the \(what) at the loss \(loss) is \(found), a finite number would be right"
    case .badResult(let set, let found): "of the \(set) set it gives \(found), a finite number would be right"
    case .noDerivative:
      "it gives back a value, and nothing gives the derivative; name a second function of the same signature "
        + "under 'derivative', or take the form 'void(int64_t n, const float *loss, float *value, float *derivative)'"
    case .needlessDerivative: "it fills in its derivative itself; leave 'derivative' out"
    case .test(let problem): "its test fails: \(problem)"
    }
  }
}

extension FunctionTestProblem: CustomStringConvertible {
  package var description: String {
    switch self {
    case .missing(let name): "it does not say what '\(name)' is"
    case .unknown(let name, let known):
      "'\(name)' is nothing that the function is given; it is given \(known.joined(separator: ", "))"
    case .lengths(let name, let found, let wanted): "'\(name)' has \(found) numbers, \(wanted) would be right"
    case .notAList(let name): "'\(name)' is one number for all samples and cannot be a list"
    case .outOfRange(let name, let value, let type): "\(value) of '\(name)' does not fit \(type)"
    case .expected(let index, let found, let wanted): "entry \(index) is \(found), \(wanted) was expected"
    case .slope(let index, let loss, let derivative, let numeric):
      "entry \(index): the derivative at the loss \(loss) is \(derivative), the values around it rise by \(numeric)"
    case .mixes(let index, let other):
      "the value of entry \(other) changes with the loss of entry \(index); a transform looks at each loss alone"
    }
  }
}

extension FunctionArgumentProblem: CustomStringConvertible {
  package var description: String {
    switch self {
    case .unknown(let known): "is unknown; it can be \(known.joined(separator: ", ")) or a key of 'args'"
    case .pointer: "is one number for all samples and cannot be a pointer"
    case .notPointer: "is a number a sample and must be a pointer in the form for a whole batch"
    case .mustBeConst: "is read only: 'const' is missing"
    case .mustNotBeConst: "is what the function fills in: it cannot be 'const'"
    case .wrongType(let wanted): "must be \(wanted)"
    case .outOfRange(let value, let type): "is \(value), which does not fit \(type)"
    case .notANumber: "is not a number in 'args'"
    case .needed: "is missing"
    case .onlyWhole: "is filled in by the form for all samples only, 'void(int64_t n, …)'"
    case .fromHost: "is given by the host and cannot be in 'args'"
    case .notInTask:
      "is asked for, but a run of this kind has no such numbers: classifiers have predictions, diffusion models timesteps"
    case .notInTerm(let term): "is asked for, but the term '\(term)' has no such numbers"
    }
  }
}
