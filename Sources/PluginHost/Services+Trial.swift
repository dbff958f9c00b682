import CLethe
import Learning
import Tensors

/// The part of "lethe.step/1" that tries weights before a direction is chosen.
extension HostSession {
  func evaluate(_ input: UnsafePointer<lethe_evaluation>?) throws(Refusal) {
    let step = try combinedStep()
    guard let input = unsafe input else { throw .argument(1, "argument 1 is NULL") }
    guard unsafe CStruct.size(input) >= MemoryLayout<lethe_evaluation>.size else {
      throw .argument(
        1, "the size of 'lethe_evaluation' is \(unsafe CStruct.size(input)), set it to sizeof of the struct")
    }
    let asked = unsafe input.pointee
    let sets = SampleSet(rawValue: asked.sets)
    guard !sets.isEmpty, sets.isSubset(of: .both) else {
      throw .argument(1, "sets is \(asked.sets), 1 (forget), 2 (retain) or 3 (both) would be right")
    }
    guard asked.round <= LETHE_ROUNDS else {
      throw .argument(1, "round \(asked.round) is not in 0 ... \(LETHE_ROUNDS)")
    }
    guard asked.flags & ~LETHE_EVALUATE_LOSSES == 0 else {
      throw .argument(1, "flags \(asked.flags) has bits that no header names")
    }
    guard !cancel.isCancelled else { throw Refusal(LETHE_E_CANCELLED, "the run was asked to stop") }
    let takesGradients = asked.flags & LETHE_EVALUATE_LOSSES == 0
    let (caller, recording) = (frame, GradientMode.isOn)
    caller.isEvaluating = true
    round = Int(asked.round)
    GradientMode.set(takesGradients)
    defer {
      GradientMode.set(recording)
      round = 0
      caller.isEvaluating = false
    }
    try attempt {
      try step.evaluate(sets: sets, round: Int(asked.round), takesGradients: takesGradients)
    }
  }

  func advance(_ direction: [Tensor?], _ rate: Double, _ flags: UInt32) throws(Refusal) {
    let step = try combinedStep()
    guard rate.isFinite, rate >= 0 else { throw .argument(3, "the learning rate \(rate) is no finite number from 0") }
    guard flags & ~LETHE_ADVANCE_SHARED == 0 else {
      throw .argument(4, "flags \(flags) has bits that no header names")
    }
    let parameters = try attempt { try world.parameters(of: ModelHandle(0)) }
    guard direction.count == parameters.tensors.count else {
      throw .argument(2, "the direction has \(direction.count) tensors, \(parameters.tensors.count) would be right")
    }
    for (index, tensor) in direction.enumerated() {
      guard let tensor, let problem = UpdaterInstance.problem(tensor, parameters.tensors[index]) else { continue }
      throw .argument(1, "the direction of '\(parameters.names[index])': \(problem)")
    }
    try attempt {
      let filled = try zip(direction, parameters.tensors).map { tensor, parameter in
        if let tensor { return try tensor.detach() }
        guard let parameter else { preconditionFailure("every parameter has a tensor") }
        return try Tensor.zeros(like: parameter.detach())
      }
      try step.advance(
        along: filled, learningRate: rate, sharesMoments: flags & LETHE_ADVANCE_SHARED != 0)
    }
  }
}
