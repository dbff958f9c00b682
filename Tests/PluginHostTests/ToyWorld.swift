import Learning
import Tensors
import Testing

@testable import PluginHost

/// A linear model of two inputs and three classes, or of the noise in images of two numbers; and what plugins said about it.
final class ToyWorld: StrategyWorld {
  let device = Device.cpu
  let seed: UInt64 = 7
  let task: TaskFacts
  let diffusion: DiffusionFacts?
  /// Where `batchLosses` was last told that the step stands.
  private(set) var progress: Progress?
  let weight: Tensor
  let bias: Tensor
  private(set) var lines: [PluginLog] = []
  private(set) var reports: [PluginReport] = []

  /// - Parameter conditions: for a world of a denoiser, the classes it is conditioned on; nil for one of a classifier.
  init(conditions: Int? = nil) throws {
    task = TaskFacts(kind: conditions == nil ? "classification" : "diffusion", classes: 3, forget: 4, retain: 8)
    diffusion = try conditions.map {
      DiffusionFacts(
        timesteps: 10, dimensions: 2, conditions: $0, gamma: try Tensor.arange(10, dtype: .float32) * -0.1 + 1,
        sigma: try Tensor.arange(10, dtype: .float32) * 0.1)
    }
    weight = try Tensor([Float](arrayLiteral: 0.1, -0.2, 0.3, 0.4, -0.5, 0.6), shape: [3, 2])
    bias = try Tensor([Float](arrayLiteral: 0.5, 0, -0.5), shape: [3])
    for tensor in [weight, bias] { try tensor.setRequiresGrad(true) }
  }

  var named: NamedTensors { NamedTensors(names: ["weight", "bias"], tensors: [weight, bias]) }

  func model(named name: String) -> ModelHandle? {
    ["model": ModelHandle(0), "original": ModelHandle(1)][name]
  }

  func forward(_ model: ModelHandle, inputs: Tensor, evaluation: Bool) throws -> Tensor {
    try inputs.linear(weight, bias: bias)
  }

  func parameters(of model: ModelHandle) throws -> NamedTensors { named }
  func buffers(of model: ModelHandle) throws -> NamedTensors { NamedTensors(names: [], tensors: []) }
  func resize(_ parameter: String, of model: ModelHandle, to value: Tensor) throws {
    try withoutGradients { try (parameter == "weight" ? weight : bias).become(value.clone()) }
  }
  func losses(outputs: Tensor, labels: Tensor) throws -> Tensor {
    try outputs.crossEntropy(labels, reduction: .none)
  }
  func referenceLoss(over set: SampleSet) throws -> Double { 0.25 }
  func batchLosses(
    _ model: ModelHandle, of batch: Batch, progress: Progress?
  ) throws -> (losses: Tensor, timesteps: Tensor?) {
    self.progress = progress
    guard diffusion == nil else {
      let timesteps = try Tensor.full([batch.inputs.shape[0]], 4, dtype: .int64)
      let predicted = try denoise(model, DenoiseInput(noisy: batch.inputs, timesteps: timesteps))
      return (try diffusionLosses(prediction: predicted, target: batch.inputs), timesteps)
    }
    return (try losses(outputs: forward(model, inputs: batch.inputs, evaluation: false), labels: batch.labels), nil)
  }
  /// The first two rows of the weight, plus the timestep, plus the condition.
  func denoise(_ model: ModelHandle, _ input: DenoiseInput) throws -> Tensor {
    let rows = try weight.narrow(0, start: 0, length: 2)
    let shape = input.noisy.shape
    var out = try input.noisy.reshape([shape[0], 2]).linear(rows) + input.timesteps.reshape([-1, 1])
    if let conditions = input.conditions { out = try out + conditions.reshape([-1, 1]) * (1 + input.guidance) }
    return try (input.evaluation ? out : out * 2).reshape(shape)
  }
  func diffusionLosses(prediction: Tensor, target: Tensor) throws -> Tensor {
    let difference = try prediction - target
    return try (difference * difference).reshape([prediction.shape[0], -1]).sum(along: [1])
  }
  func referenceCurve(over set: SampleSet, at timesteps: [Int]) throws -> [Double] {
    timesteps.map { Double($0) + (set == .forget ? 0.5 : 0.25) }
  }
  func batch(_ number: Int, of pass: DataPass) throws -> Batch {
    let count = min(pass.batch, (pass.set == .forget ? 4 : 8) - number * pass.batch)
    return Batch(
      forgetCount: pass.set == .forget ? count : 0, retainCount: pass.set == .forget ? 0 : count,
      inputs: try Tensor.ones([count, 2]), labels: try Tensor.zeros([count], dtype: .int64),
      indices: try Tensor.arange(count))
  }
  private(set) var artifacts: [ArtifactName: [Tensor]] = [:]
  func artifact(_ name: ArtifactName) throws -> [Tensor]? { artifacts[name] }
  func store(_ tensors: [Tensor], as name: ArtifactName) throws { artifacts[name] = tensors }

  func progress(done: Int, total: Int) {}
  func log(_ line: PluginLog) { lines.append(line) }
  func report(_ report: PluginReport) { reports.append(report) }

  /// Levels and texts of what was logged.
  var log: [String] { lines.map { "\($0.level.rawValue): \($0.text)" } }
}

/// A toy world with its session, and what the fixture's strategies are shown.
final class Toy {
  let world: ToyWorld
  let cancel = CancelFlag()
  let session: HostSession

  init(conditions: Int? = nil) throws {
    world = try ToyWorld(conditions: conditions)
    session = HostSession(world: world, cancel: cancel)
  }

  // MARK: Instances of the fixture

  static let progress = Progress(step: 17, steps: 100, epoch: 1, epochs: 10, stepInEpoch: 7, stepsInEpoch: 10)

  private func handle(_ id: String, _ role: StrategyRole) throws -> StrategyHandle {
    try LoadedPlugin(Fixture.good.get(), trust: .tests).strategy(id, role: role)
  }

  func reweighter(_ mode: String, eta: Double = 0.5, ready: Bool = true) throws -> ReweighterInstance {
    let made = try ReweighterInstance(
      handle("test.reweighter", .reweighter), session: session, parameters: [.string(mode), .float(eta)])
    if ready { try made.prepare() }
    return made
  }

  func objective(_ mode: String) throws -> ObjectiveInstance {
    let made = try ObjectiveInstance(
      handle("test.objective", .objective), session: session, parameters: [.string(mode)])
    try made.prepare()
    return made
  }

  func mask(_ mode: String) throws -> MaskInstance {
    let made = try MaskInstance(handle("test.mask", .mask), session: session, parameters: [.string(mode)])
    try made.prepare()
    return made
  }

  func updater(_ mode: String) throws -> UpdaterInstance {
    let made = try UpdaterInstance(handle("test.updater", .updater), session: session, parameters: [.string(mode)])
    try made.prepare()
    return made
  }

  // MARK: What they are shown

  func batch() throws -> Batch {
    Batch(
      forgetCount: 4, retainCount: 0,
      inputs: try Tensor([Float](arrayLiteral: 0, 1, 1, 0, 0.5, 0.5, 0.25, 1), shape: [4, 2]),
      labels: try Tensor([Int64](arrayLiteral: 0, 1, 2, 1), shape: [4]),
      indices: try Tensor([Int64](arrayLiteral: 3, 1, 4, 15), shape: [4]))
  }

  static let losses: [Float] = [0.5, 1.25, 2, 0.125]

  func term() throws -> Term {
    Term(
      name: "forget", set: .forget, losses: try Tensor(Self.losses, shape: [4]),
      indices: try Tensor([Int64](arrayLiteral: 3, 1, 4, 15), shape: [4]))
  }
}
