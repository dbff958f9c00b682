import Foundation
import Learning
import PluginHost
import Tensors
import Testing

/// The smallest diffusion that plugins can run in: images of six numbers and a network of two layers over them, the
/// timestep and the class.
final class DiffusionWorld: StrategyWorld {
  let device = Device.cpu
  let seed: UInt64
  let task: TaskFacts
  let diffusion: DiffusionFacts?
  /// "model", "original" and "proxy": weights [5, 7 + C], biases [5], then weights [6, 5], biases [6].
  let models: [[Tensor]]
  private(set) var reports: [String: Double] = [:]
  /// How many samples each forward pass had.
  private(set) var passes: [Int] = []
  /// The reference loss at a timestep.
  var curve: (SampleSet, Int) -> Double = { _, _ in 1 }
  /// Weights that predictions without a graph are made with: how a target that is stopped looks from weights nearby.
  var stopped: [Tensor]?
  private let hasProxy: Bool
  private static let names = ["first.weight", "first.bias", "second.weight", "second.bias"]

  /// - Parameters:
  ///   - conditions: classes that the network is conditioned on.
  ///   - noise: gamma and sigma of every timestep; nil for a thousand steps of linear betas.
  ///   - given: the weights of the model; nil for random ones.
  init(
    conditions: Int = 0, noise: [(gamma: Double, sigma: Double)]? = nil, forget: Int = 4, retain: Int = 8,
    seed: UInt64 = 1, dtype: DType = .float64, hasProxy: Bool = false, model given: [Tensor]? = nil
  ) throws {
    self.seed = seed
    self.hasProxy = hasProxy
    task = TaskFacts(kind: "diffusion", classes: max(conditions, 1), forget: forget, retain: retain)
    let noise = noise ?? Self.linear
    diffusion = DiffusionFacts(
      timesteps: noise.count, dimensions: 6, conditions: conditions,
      gamma: try Tensor(noise.map { Float($0.gamma) }, shape: [noise.count]),
      sigma: try Tensor(noise.map { Float($0.sigma) }, shape: [noise.count]))
    let generator = try Generator(seed: 7)
    models = try (0..<3).map { number in
      let weights = try [[5, 7 + conditions], [5], [6, 5], [6]].map { shape in
        try Tensor.randomNormal(shape, dtype: .float64, generator: generator).to(dtype)
      }
      if number == 0, let given { return given }
      if number == 0 { for tensor in weights { try tensor.setRequiresGrad(true) } }
      return weights
    }
    // The original is the model as it was.
    try withoutGradients { for (copy, own) in zip(models[1], models[0]) { try copy.assign(own) } }
  }

  private static let linear: [(gamma: Double, sigma: Double)] = {
    var product = 1.0
    return (0..<1000).map {
      product *= 1 - (1e-4 + (0.02 - 1e-4) * Double($0) / 999)
      return (product.squareRoot(), (1 - product).squareRoot())
    }
  }()

  func model(named name: String) -> ModelHandle? {
    (hasProxy ? ["model", "original", "proxy"] : ["model", "original"]).firstIndex(of: name).map { ModelHandle($0) }
  }

  func denoise(_ model: ModelHandle, _ input: DenoiseInput) throws -> Tensor {
    guard let diffusion else { preconditionFailure("the world is one of diffusion") }
    guard input.guidance == 0 else {
      var plain = input
      plain.guidance = 0
      let guided = try denoise(model, plain)
      plain.conditions = try Tensor.full([input.noisy.shape[0]], -1, dtype: .int64)
      return try guided * (1 + input.guidance) - denoise(model, plain) * input.guidance
    }
    let weights = GradientMode.isOn ? models[model.number] : stopped ?? models[model.number]
    let (n, dtype) = (input.noisy.shape[0], weights[0].dtype)
    passes.append(n)
    let time = try input.timesteps.to(dtype).reshape([n, 1]) / Double(diffusion.timesteps)
    var parts = [try input.noisy.reshape([n, 6]).to(dtype), time]
    if let conditions = input.conditions {
      // The null condition is a row of zeros.
      parts.append(
        try (conditions + 1).oneHot(diffusion.conditions + 1).narrow(1, start: 1, length: diffusion.conditions).to(
          dtype))
    }
    let hidden = try Tensor.cat(parts, along: 1).linear(weights[0], bias: weights[1]).tanh()
    return try hidden.linear(weights[2], bias: weights[3]).reshape(input.noisy.shape)
  }

  func diffusionLosses(prediction: Tensor, target: Tensor) throws -> Tensor {
    let difference = try prediction - target
    return try (difference * difference).reshape([prediction.shape[0], -1]).sum(along: [1])
  }

  func batchLosses(
    _ model: ModelHandle, of batch: Batch, progress: PluginHost.Progress?
  ) throws -> (losses: Tensor, timesteps: Tensor?) {
    let timesteps = try Tensor.full([batch.inputs.shape[0]], 3, dtype: .int64)
    let predicted = try denoise(model, DenoiseInput(noisy: batch.inputs, timesteps: timesteps))
    return (try diffusionLosses(prediction: predicted, target: batch.inputs), timesteps)
  }

  func referenceCurve(over set: SampleSet, at timesteps: [Int]) throws -> [Double] {
    timesteps.map { curve(set, $0) }
  }

  func referenceLoss(over set: SampleSet) throws -> Double { 1 }

  struct IsNoClassifier: Error {}
  func forward(_ model: ModelHandle, inputs: Tensor, evaluation: Bool) throws -> Tensor { throw IsNoClassifier() }
  func losses(outputs: Tensor, labels: Tensor) throws -> Tensor { throw IsNoClassifier() }
  func resize(_ parameter: String, of model: ModelHandle, to value: Tensor) throws { throw IsNoClassifier() }

  func parameters(of model: ModelHandle) throws -> NamedTensors {
    NamedTensors(names: Self.names, tensors: models[model.number])
  }

  func buffers(of model: ModelHandle) throws -> NamedTensors { NamedTensors(names: [], tensors: []) }

  /// One sample after the other, the same for the same number.
  func batch(_ number: Int, of pass: DataPass) throws -> Batch {
    let generator = try Generator(seed: UInt64(1000 + number))
    return Batch(
      forgetCount: pass.set == .forget ? pass.batch : 0, retainCount: pass.set == .forget ? 0 : pass.batch,
      inputs: try Tensor.randomUniform([pass.batch, 1, 2, 3], dtype: .float64, generator: generator) * 2 - 1,
      labels: try Tensor.randomIntegers(0..<task.classes, [pass.batch], generator: generator),
      indices: try Tensor.arange(pass.batch))
  }

  private(set) var artifacts: [ArtifactName: [Tensor]] = [:]
  func artifact(_ name: ArtifactName) throws -> [Tensor]? { artifacts[name] }
  func store(_ tensors: [Tensor], as name: ArtifactName) throws { artifacts[name] = tensors }

  func progress(done: Int, total: Int) {}
  func log(_ line: PluginLog) {}
  func report(_ report: PluginReport) {
    switch report.value {
    case .number(let number): reports[report.key] = number
    case .tensor(let tensor): reports[report.key] = try? tensor.item()
    case .text: break
    }
  }
}

/// A world of diffusion with the plugins that were built beside the tests.
final class DiffusionBench: PluginBench {
  let world: DiffusionWorld

  init(_ world: DiffusionWorld) throws {
    self.world = world
    try super.init(around: world)
  }

  convenience init(conditions: Int = 0, seed: UInt64 = 1) throws {
    try self.init(DiffusionWorld(conditions: conditions, seed: seed))
  }

  /// A batch of random images in [-1, 1], the same for the same arguments.
  func batch(forget: Int, retain: Int, dtype: DType = .float64) throws -> Batch {
    let generator = try Generator(seed: 3)
    let images = try Tensor.randomUniform([forget + retain, 1, 2, 3], dtype: .float64, generator: generator) * 2 - 1
    return Batch(
      forgetCount: forget, retainCount: retain, inputs: try images.to(dtype),
      labels: try Tensor.randomIntegers(0..<world.task.classes, [forget + retain], generator: generator),
      indices: try Tensor.arange(forget + retain))
  }
}

/// What the host makes of a term without a reweighter: coefficient * mean of importance * loss.
func value(of term: Term) throws -> Tensor {
  guard let losses = term.losses else { return try #require(term.penalty) * term.coefficient }
  let weighed = try term.importance.map { try $0 * losses } ?? losses
  return try weighed.sum() * (term.coefficient / Double(losses.count))
}

/// The same of all terms of a step.
func value(of terms: [Term]) throws -> Tensor {
  try terms.dropFirst().reduce(try value(of: terms[0])) { try $0 + value(of: $1) }
}

/// The gradient of the terms' sum agrees with differences of `loss` at weights a little apart.
func expectGradient(
  _ world: DiffusionWorld, of terms: [Term], is loss: () throws -> Double, within tolerance: Double = 1e-6
) throws {
  let gradients = try gradient(of: [value(of: terms)], withRespectTo: world.models[0])
  for (weights, gradient) in zip(world.models[0], gradients) {
    let found = try #require(gradient).doubles()
    let step = 1e-5
    for index in [0, weights.count / 2, weights.count - 1] {
      func moved(_ by: Double) throws -> Double {
        let place = try Tensor([Int64(index)], shape: [1])
        try withoutGradients {
          let flat = try weights.view([-1])
          try flat.copy(along: 0, at: place, flat.indexSelect(0, place) + by)
        }
        return try loss()
      }
      let above = try moved(step)
      let below = try moved(-2 * step)
      _ = try moved(step)
      let difference = (above - below) / (2 * step)
      #expect(abs(found[index] - difference) <= tolerance * max(1, abs(difference)))
    }
  }
}
