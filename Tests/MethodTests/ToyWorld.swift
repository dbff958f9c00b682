import Learning
import PluginHost
import Tensors
import Testing

/// The smallest thing that plugins can run in: a network of two layers over eight numbers, in double precision.
final class ToyWorld: StrategyWorld {
  let device = Device.cpu
  let seed: UInt64
  let task: TaskFacts
  /// "model" and "original": first weights [6, 8], biases [6], then weights [C, 6], biases [C].
  let models: [[Tensor]]
  private let names = ["first.weight", "first.bias", "second.weight", "second.bias"]

  init(classes: Int = 5, seed: UInt64 = 1) throws {
    self.seed = seed
    task = TaskFacts(classes: classes, forget: 40, retain: 60)
    let generator = try Generator(seed: 7)
    let weights = try [[6, 8], [6], [classes, 6], [classes]].map { shape in
      try Tensor.randomNormal(shape, dtype: .float64, generator: generator)
    }
    let copy = try weights.map { try $0.clone() }
    for tensor in weights { try tensor.setRequiresGrad(true) }
    models = [weights, copy]
  }

  func model(named name: String) -> ModelHandle? {
    ["model", "original"].firstIndex(of: name).map { ModelHandle($0) }
  }

  func forward(_ model: ModelHandle, inputs: Tensor, evaluation: Bool) throws -> Tensor {
    let weights = models[model.number]
    return try inputs.linear(weights[0], bias: weights[1]).tanh().linear(weights[2], bias: weights[3])
  }

  func parameters(of model: ModelHandle) throws -> NamedTensors {
    NamedTensors(names: names, tensors: models[model.number])
  }

  func buffers(of model: ModelHandle) throws -> NamedTensors { NamedTensors(names: [], tensors: []) }

  func resize(_ parameter: String, of model: ModelHandle, to value: Tensor) throws {
    let index = try #require(names.firstIndex(of: parameter))
    try withoutGradients { try models[model.number][index].become(value.clone()) }
  }

  func losses(outputs: Tensor, labels: Tensor) throws -> Tensor {
    try outputs.crossEntropy(labels, reduction: .none)
  }

  func referenceLoss(over set: SampleSet) throws -> Double { 1 }

  var diffusion: DiffusionFacts? { nil }

  func batchLosses(
    _ model: ModelHandle, of batch: Batch, progress: Progress?
  ) throws -> (losses: Tensor, timesteps: Tensor?) {
    (try losses(outputs: forward(model, inputs: batch.inputs, evaluation: false), labels: batch.labels), nil)
  }

  func denoise(_ model: ModelHandle, _ input: DenoiseInput) throws -> Tensor { throw NoDenoiser() }
  func diffusionLosses(prediction: Tensor, target: Tensor) throws -> Tensor { throw NoDenoiser() }
  func referenceCurve(over set: SampleSet, at timesteps: [Int]) throws -> [Double] { throw NoDenoiser() }

  struct NoDenoiser: Error {}

  /// All samples of a set: 40 to forget, then 60 to retain.
  func batch(_ number: Int, of pass: DataPass) throws -> Batch {
    let (first, samples) = pass.set == .forget ? (0, 40) : (40, 60)
    let start = number * pass.batch
    let count = min(pass.batch, samples - start)
    let generator = try Generator(seed: 11)
    let all = try Tensor.randomUniform([100, 8], dtype: .float64, generator: generator)
    let labels = try Tensor.randomIntegers(0..<task.classes, [100], generator: generator)
    let indices = try Tensor.arange(Double(first + start), Double(first + start + count))
    return Batch(
      forgetCount: pass.set == .forget ? count : 0, retainCount: pass.set == .forget ? 0 : count,
      inputs: try all.indexSelect(0, indices), labels: try labels.indexSelect(0, indices), indices: indices)
  }

  private(set) var artifacts: [ArtifactName: [Tensor]] = [:]
  func artifact(_ name: ArtifactName) throws -> [Tensor]? { artifacts[name] }
  func store(_ tensors: [Tensor], as name: ArtifactName) throws { artifacts[name] = tensors }

  func progress(done: Int, total: Int) {}

  func log(_ line: PluginLog) {}
  func report(_ report: PluginReport) {}
}

/// The toy world with the plugins that were built beside the tests.
final class Bench: PluginBench {
  let world: ToyWorld

  init(classes: Int = 5, seed: UInt64 = 1) throws {
    world = try ToyWorld(classes: classes, seed: seed)
    try super.init(around: world)
  }

  /// A batch of random inputs and labels, the same for the same arguments.
  func batch(forget: Int, retain: Int, seed: UInt64 = 3) throws -> Batch {
    let count = forget + retain
    let generator = try Generator(seed: seed)
    let inputs = try Tensor.randomUniform([count, 8], dtype: .float64, generator: generator)
    let labels = try Tensor.randomIntegers(0..<world.task.classes, [count], generator: generator)
    return Batch(
      forgetCount: forget, retainCount: retain, inputs: inputs, labels: labels, indices: try Tensor.arange(count))
  }

  /// The task's losses of a batch under the model.
  func losses(_ batch: Batch, labels: Tensor? = nil) throws -> [Double] {
    let outputs = try world.forward(ModelHandle(0), inputs: batch.inputs, evaluation: false)
    return try world.losses(outputs: outputs, labels: labels ?? batch.labels).doubles()
  }
}

/// Step `step` of a run of two epochs of five steps.
func progress(_ step: Int = 0) -> Progress {
  Progress(step: step, steps: 10, epoch: step / 5, epochs: 2, stepInEpoch: step % 5, stepsInEpoch: 5)
}

/// Two lists of numbers agree but for rounding.
func isClose(_ a: [Double], _ b: [Double], within tolerance: Double = 1e-12) -> Bool {
  a.count == b.count && zip(a, b).allSatisfy { abs($0 - $1) <= tolerance * max(1, abs($1)) }
}
