import PluginHost
import Tensors

/// What a metric is shown, and what it answers.
extension Rig {
  /// The sets that the metric of this rig is shown.
  private var measuredSets: [MeasuredSet] {
    guard handle.manifest.sees != [.samples] else { return [] }
    let own = handle.manifest.sets.compactMap { MeasuredSet(rawValue: $0) }
    return own.isEmpty ? MeasuredSet.allCases : own
  }

  /// All samples of one set, or those that a model drew; the same for the same set and number.
  private func samples(of set: MeasuredSet?, _ number: Int) throws -> MetricBatch {
    let count = 2 * (set == .forget || set == .test ? variant.forget : variant.retain)
    let place = number * 64 + 16 * Int(set?.bit ?? 16)
    let generator = try Generator(seed: 3000 + UInt64(place))
    let batch = try world.batch(forget: count, retain: 0, place: place)
    func changed(_ tensor: Tensor) throws -> Tensor {
      let changed = try variant.poison.map { try poisoned(tensor, $0) } ?? tensor
      return variant.hasGaps ? try gapped(changed) : changed
    }
    guard let set else {
      let drawn = try Tensor.randomUniform([count, 1, 2, 3], generator: generator) * 2 - 1
      return MetricBatch(set: nil, count: count, labels: batch.labels, samples: try changed(drawn))
    }
    var shown = MetricBatch(
      set: set, count: count, labels: variant.hasGaps ? try gapped(batch.labels) : batch.labels,
      indices: batch.indices, inputs: try changed(batch.inputs))
    if world.diffusion == nil {
      let logits = try Tensor.randomNormal([count, CheckWorld.classes], generator: generator) * 2
      shown.outputs = try changed(logits)
      shown.losses = try changed(world.losses(outputs: logits, labels: batch.labels))
    } else {
      shown.losses = try changed(Tensor.randomUniform([count], generator: generator) * 3)
      shown.timesteps = try Tensor.randomIntegers(0..<CheckWorld.timesteps, [count], generator: generator)
    }
    return shown
  }

  /// Measures a made-up model once, in batches of at most `size` samples.
  func measure(_ metric: MetricInstance, _ number: Int, batch size: Int? = nil) throws -> Answer {
    let shown: [MeasuredSet?] = measuredSets + (metric.sees.contains(.samples) && world.diffusion != nil ? [nil] : [])
    try metric.begin(name: "unlearned", sets: measuredSets)
    for set in shown {
      let all = try samples(of: set, number)
      let step = size ?? max(1, all.count / 2)
      for start in stride(from: 0, to: all.count, by: step) {
        let batch = try all.narrowed(start, min(step, all.count - start))
        let lent = [
          ("labels", batch.labels), ("indices", batch.indices), ("outputs", batch.outputs), ("losses", batch.losses),
          ("timesteps", batch.timesteps), ("inputs", batch.inputs), ("samples", batch.samples),
        ].compactMap { name, tensor in tensor.map { (name, $0) } }
        try watching(lent + named(world.parameters, "parameter")) { try metric.update(batch) }
      }
    }
    var answer = Answer()
    for result in try metric.results() {
      let name = "'\(result.name)'\(result.set.map { " of the \($0.rawValue) set" } ?? "")"
      let ends = result.interval.map { [$0.lowerBound, $0.upperBound] } ?? []
      try answer.add(name, try Tensor([result.value] + ends, shape: [1 + ends.count]))
    }
    return answer
  }
}

extension MetricBatch {
  /// Some of its samples.
  fileprivate func narrowed(_ start: Int, _ length: Int) throws -> MetricBatch {
    func part(_ tensor: Tensor?) throws -> Tensor? { try tensor?.narrow(0, start: start, length: length) }
    return MetricBatch(
      set: set, count: length, labels: try part(labels), indices: try part(indices), outputs: try part(outputs),
      losses: try part(losses), timesteps: try part(timesteps), inputs: try part(inputs), samples: try part(samples))
  }
}
