import Foundation
package import Learning
package import Runs
import Tensors

/// Measures what a step costs: several plans side by side in one process, taking turns, on images made of noise.
package struct Benchmark {
  /// One row: seconds of each counted step.
  package struct Row: Sendable {
    /// What was measured.
    package let name: String
    /// Seconds, in the order measured.
    package let seconds: [Double]
    /// The middle one.
    package var median: Double {
      let sorted = seconds.sorted()
      return sorted.count % 2 == 1
        ? sorted[sorted.count / 2] : (sorted[sorted.count / 2 - 1] + sorted[sorted.count / 2]) / 2
    }
    /// The middle half.
    package var quartiles: (Double, Double) {
      let sorted = seconds.sorted()
      return (sorted[sorted.count / 4], sorted[(3 * sorted.count) / 4])
    }
  }

  /// A step that can be taken again and again; gives its seconds.
  package typealias Step = () throws -> Double

  private let cancel: CancelFlag

  package init(cancel: CancelFlag) {
    self.cancel = cancel
  }

  /// A plan's step, as a run takes it, on `count` images of noise of this shape.
  package func step(of plan: RunPlan, shape: [Int], classes: Int, count: Int) throws -> Step {
    guard let parts = plan.pipeline else { throw EngineError.noPipeline }
    let reporter = Reporter(sink: { _ in })
    let shared = try noise(plan, shape: shape, classes: classes, count: count)
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("lethe-bench")
    let work = try Unlearning(
      plan: plan, pipeline: parts, model: shared.original, shared: shared, folder: RunFolder(url: folder),
      cancel: cancel, reporter: reporter)
    try work.begin(from: nil)
    return { try work.timedStep() }
  }

  /// The optimizer's update alone, along gradients of noise; `isMasked` holds every other weight still.
  package func update(of plan: RunPlan, isMasked: Bool, shape: [Int], classes: Int) throws -> Step {
    guard let parts = plan.pipeline else { throw EngineError.noPipeline }
    let shared = try noise(plan, shape: shape, classes: classes, count: 2)
    let learner = try Learner(model: shared.original, settings: parts.optimizer.settings)
    let gradients = try learner.parameters.map { try Tensor.zeros(like: $0.detach()) }
    for gradient in gradients { try gradient.fillNormal(nil) }
    if isMasked {
      let active = try WeightMask.selecting(gradients.map { try $0.absolute() }, keep: 0.5)
      try learner.setMask(WeightMask(active: active, like: learner.parameters), hard: true)
    }
    let runtime = try TorchRuntime.shared()
    let clock = ContinuousClock()
    return {
      let began = clock.now
      try learner.optimizer.step(gradients, learningRate: 1e-3, held: learner.held)
      try runtime.synchronize(shared.device)
      return (clock.now - began).seconds
    }
  }

  /// The same arithmetic without any plugin: forward, mean cross-entropy, backward, step.
  package func plainStep(of plan: RunPlan, shape: [Int], classes: Int, count: Int) throws -> Step {
    guard let parts = plan.pipeline else { throw EngineError.noPipeline }
    let shared = try noise(plan, shape: shape, classes: classes, count: count)
    let learner = try Learner(model: shared.original, settings: parts.optimizer.settings)
    let source = try BatchSource(
      store: shared.data.train,
      augmentation: Augmentation(crop: plan.data.augment.crop, flip: plan.data.augment.flip),
      channelsLast: plan.channelsLast, seed: plan.seed, device: shared.device)
    let order = EpochPlan(
      seed: plan.seed, epoch: 0, forget: [], retain: shared.data.split.retain, batch: parts.batch, schedule: .retainOnly
    )
    try source.begin(order)
    var number = 0
    let clock = ContinuousClock()
    return {
      let began = clock.now
      try seedStep(plan.seed, number)
      try learner.begin()
      let batch = try source.batch(order.steps[number % order.steps.count], step: number)
      let loss = try plan.forward(learner.model, batch.images, training: true).crossEntropy(batch.labels)
      let gradients = try gradient(of: [loss], withRespectTo: learner.parameters).compactMap(\.self)
      try learner.step(gradients, loss: loss.detach(), learningRate: parts.optimizer.learningRate)
      try TorchRuntime.shared().synchronize(shared.device)
      number += 1
      return (clock.now - began).seconds
    }
  }

  /// Drawing one batch of images from a plan's diffusion model of this shape.
  package func sampling(of plan: RunPlan, shape: [Int], classes: Int) throws -> Step {
    let shared = try noise(plan, shape: shape, classes: classes, count: 2)
    guard let model = shared.original as? Denoiser, let task = shared.task as? DiffusionTask,
      let generation = plan.evaluate.generation
    else { throw EngineError.mismatch("images are drawn from diffusion models") }
    let sampler = try Sampler(task.table.schedule, generation.sampler.settings)
    let clock = ContinuousClock()
    let cancel = cancel
    return {
      let began = clock.now
      _ = try sampler.sample(
        model, seed: plan.seed, images: 0..<generation.batch,
        conditions: model.conditions > 0 ? [Int](repeating: 0, count: generation.batch) : nil, batch: generation.batch,
        cancel: cancel,
        forward: { try plan.denoise(model, $0, timesteps: $1, conditions: $2, training: false) })
      try TorchRuntime.shared().synchronize(shared.device)
      return (clock.now - began).seconds
    }
  }

  /// Takes turns: one step of each, `rounds` times after `warmup` that are not counted.
  package func alternate(
    _ steps: [(name: String, step: Step)], rounds: Int, warmup: Int = 3, progress: (Int, Int) -> Void = { _, _ in }
  ) throws -> [Row] {
    var seconds = [[Double]](repeating: [], count: steps.count)
    for round in 0..<warmup + rounds {
      for (index, entry) in steps.enumerated() {
        try cancel.check()
        let taken = try entry.step()
        if round >= warmup { seconds[index].append(taken) }
      }
      progress(round + 1, warmup + rounds)
    }
    return zip(steps, seconds).map { Row(name: $0.name, seconds: $1) }
  }

  /// Choosing half of `count` weights by score, choosing nine tenths ... one tenth, and sorting the same scores.
  func selection(count: Int, rounds: Int, device: Device) throws -> [Row] {
    let scores = try Tensor.randomUniform([count], device: device)
    let runtime = try TorchRuntime.shared()
    try runtime.synchronize(device)
    let clock = ContinuousClock()
    func timed(_ body: @escaping () throws -> Void) -> Step {
      {
        let began = clock.now
        try body()
        try runtime.synchronize(device)
        return (clock.now - began).seconds
      }
    }
    return try alternate(
      [
        ("selection", timed { _ = try WeightMask.selecting([scores], keep: 0.5) }),
        (
          "nine", timed { _ = try WeightMask.selecting([scores], keeping: (1...9).map { Double($0) / 10 }) { _, _ in } }
        ),
        ("sort", timed { _ = try scores.sorted() }),
      ], rounds: rounds, warmup: 1)
  }

  private func noise(_ plan: RunPlan, shape: [Int], classes: Int, count: Int) throws -> Workbench.Shared {
    var random = Philox(seed: plan.seed, label: "bench")
    let pixels = (0..<count * shape.reduce(1, *)).map { _ in UInt8(truncatingIfNeeded: random.next32()) }
    let images = ImageArrays(
      count: count, channels: shape[0], height: shape[1], width: shape[2], pixels: pixels,
      labels: (0..<count).map { Int32($0 % classes) }, classNames: (0..<classes).map { "class \($0)" })
    let device = try plan.openDevice()
    let data = try PreparedData(training: images, forgetting: count / 2, plan: plan, device: device)
    return Workbench.Shared(
      key: Workbench.Key(plan), device: device, data: data, task: try plan.openTask(device),
      original: try ModelLibrary.blank(plan, data, device, seed: plan.seed), retrained: nil)
  }
}
