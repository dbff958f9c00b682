extension RunPlan {
  /// Every request, in the order in which they are forgotten.
  package var requests: [ForgetPlan] { sequence ?? [forget] }

  /// Whether this is the plan of several requests that are forgotten one after another, each in a run of its own.
  package var isSequence: Bool { sequence != nil && stage == nil }

  /// The folder of a stage, inside of the run's.
  package static func stageFolder(_ stage: Int, of folder: String) -> String { "\(folder)/stage-\(stage)" }

  /// A run for each request. Each begins with the weights that the stage before it left; only the last one, when all is
  /// forgotten, is compared with a retrained model.
  ///
  /// - Parameter folder: where the run is, absolute.
  /// - Precondition: `isSequence`.
  package func stages(in folder: String) -> [RunPlan] {
    precondition(isSequence, "only a sequence has stages")
    return requests.indices.map { index in
      var plan = self
      plan.stage = index + 1
      plan.forget = requests[index]
      plan.variant = [variant, "stage \(index + 1)"].compactMap(\.self).joined(separator: ", ")
      if index > 0 {
        plan.base = .weights(file: RunPlan.stageFolder(index, of: folder) + "/unlearned.safetensors")
      }
      if index + 1 < requests.count {
        plan.retrained = .none
        plan.evaluate.metrics.removeAll(where: \.needsRetrained)
      }
      return plan
    }
  }
}
