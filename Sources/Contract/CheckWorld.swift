import Learning
import PluginHost
import Tensors

/// The smallest thing that plugins can run in: images of two by three, and a network of two layers that tells five classes
/// apart, or predicts the noise in an image of a class at one of a few timesteps.
final class CheckWorld: StrategyWorld {
  static let classes = 5
  static let timesteps = 24
  static let samples = (forget: 4, retain: 6)
  private static let names = ["first.weight", "first.bias", "second.weight", "second.bias"]
  private static let pixels = 6

  let device = Device.cpu
  let seed: UInt64
  let task: TaskFacts
  let diffusion: DiffusionFacts?
  let dtype: DType
  /// "model", "original" and "proxy", four tensors each: weights, biases, weights, biases.
  let models: [[Tensor]]
  private var artifacts: [ArtifactName: [Tensor]] = [:]
  /// What plugins did that they must not do, as the host put it.
  private(set) var misuses: [String] = []
  /// Whether the model that is unlearned was asked without a graph.
  private(set) var wasAskedWithoutGraph = false
  /// The step whose random numbers losses of batches have, when it is another one than that which asks.
  var stepOfNumbers: Int?
  /// Type of the outputs of the network, when it is another one than that of its weights.
  var outputs: DType?

  /// - Parameters:
  ///   - isDiffusion: whether the model predicts noise.
  ///   - dtype: type of weights and images.
  init(isDiffusion: Bool, dtype: DType = .float32, seed: UInt64 = 1) throws {
    self.seed = seed
    self.dtype = dtype
    task = TaskFacts(
      kind: isDiffusion ? "diffusion" : "classification", classes: Self.classes, forget: Self.samples.forget,
      retain: Self.samples.retain)
    let noise = Self.noise
    diffusion =
      isDiffusion
      ? DiffusionFacts(
        timesteps: Self.timesteps, dimensions: Self.pixels, conditions: Self.classes,
        gamma: try Tensor(noise.map { Float($0.gamma) }, shape: [Self.timesteps]),
        sigma: try Tensor(noise.map { Float($0.sigma) }, shape: [Self.timesteps])) : nil
    let shapes =
      isDiffusion
      ? [[8, Self.pixels + 1 + Self.classes], [8], [Self.pixels, 8], [Self.pixels]]
      : [[8, Self.pixels], [8], [Self.classes, 8], [Self.classes]]
    let generator = try Generator(seed: 7)
    models = try (0..<3).map { number in
      let weights = try shapes.map { try Tensor.randomNormal($0, dtype: .float64, generator: generator).to(dtype) }
      if number == 0 { for tensor in weights { try tensor.setRequiresGrad(true) } }
      return weights
    }
    // The original is near the model, so that methods that look at the difference see one.
    try withoutGradients {
      for (original, model) in zip(models[1], models[0]) { try original.assign(model * 0.9) }
    }
  }

  /// Linear betas, as many steps as there are.
  private static let noise: [(gamma: Double, sigma: Double)] = {
    var product = 1.0
    return (0..<timesteps).map {
      product *= 1 - (1e-3 + (0.3 - 1e-3) * Double($0) / Double(timesteps - 1))
      return (product.squareRoot(), (1 - product).squareRoot())
    }
  }()

  var parameters: [Tensor] { models[0] }

  /// A batch of images and labels, the same for the same arguments; `place` says where it stands in its set.
  func batch(forget: Int, retain: Int, place: Int = 0) throws -> Batch {
    let count = forget + retain
    let generator = try Generator(seed: 100 + UInt64(place))
    let images = try Tensor.randomUniform([count, 1, 2, 3], dtype: .float64, generator: generator)
    return Batch(
      forgetCount: forget, retainCount: retain,
      inputs: try (diffusion == nil ? images : images * 2 - 1).to(dtype),
      labels: try Tensor.randomIntegers(0..<Self.classes, [count], generator: generator),
      indices: try Tensor.arange(Double(place), Double(place + count), dtype: .int64))
  }

  private func layers(_ model: ModelHandle, _ input: Tensor) throws -> Tensor {
    if model.number == 0, !GradientMode.isOn { wasAskedWithoutGraph = true }
    let weights = models[model.number]
    let out = try input.linear(weights[0], bias: weights[1]).tanh().linear(weights[2], bias: weights[3])
    return try outputs.map { try out.to($0) } ?? out
  }

  // MARK: What plugins ask for

  func model(named name: String) -> ModelHandle? {
    name == "retrained" ? ModelHandle(2) : ["model", "original", "proxy"].firstIndex(of: name).map { ModelHandle($0) }
  }

  func forward(_ model: ModelHandle, inputs: Tensor, evaluation: Bool) throws -> Tensor {
    try layers(model, inputs.reshape([inputs.shape[0], Self.pixels]).to(dtype))
  }

  func parameters(of model: ModelHandle) throws -> NamedTensors {
    NamedTensors(names: Self.names, tensors: models[model.number])
  }

  func artifact(_ name: ArtifactName) throws -> [Tensor]? { artifacts[name] }
  func store(_ tensors: [Tensor], as name: ArtifactName) throws { artifacts[name] = tensors }

  func buffers(of model: ModelHandle) throws -> NamedTensors { NamedTensors(names: [], tensors: []) }

  func resize(_ parameter: String, of model: ModelHandle, to value: Tensor) throws {
    guard let index = Self.names.firstIndex(of: parameter) else { return }
    try withoutGradients { try models[model.number][index].become(value.clone()) }
  }

  func losses(outputs: Tensor, labels: Tensor) throws -> Tensor {
    try outputs.crossEntropy(labels, reduction: .none)
  }

  func referenceLoss(over set: SampleSet) throws -> Double { set == .forget ? 1.25 : 0.75 }

  func batchLosses(
    _ model: ModelHandle, of batch: Batch, progress: PluginHost.Progress?
  ) throws -> (losses: Tensor, timesteps: Tensor?) {
    guard let diffusion else {
      return (
        try losses(outputs: forward(model, inputs: batch.inputs, evaluation: false), labels: batch.labels), nil
      )
    }
    let count = batch.inputs.shape[0]
    let generator = try Generator(seed: 1000 + UInt64(stepOfNumbers ?? progress?.step ?? 0))
    let timesteps = try Tensor.randomIntegers(0..<Self.timesteps, [count], generator: generator)
    let noise = try Tensor.randomNormal(batch.inputs.shape, dtype: .float64, generator: generator).to(dtype)
    let gamma = try diffusion.gamma.indexSelect(0, timesteps).reshape([-1, 1, 1, 1]).to(dtype)
    let sigma = try diffusion.sigma.indexSelect(0, timesteps).reshape([-1, 1, 1, 1]).to(dtype)
    let noisy = try gamma * batch.inputs.to(dtype) + sigma * noise
    let input = DenoiseInput(noisy: noisy, timesteps: timesteps, conditions: batch.labels)
    return (try diffusionLosses(prediction: denoise(model, input), target: noise), timesteps)
  }

  func denoise(_ model: ModelHandle, _ input: DenoiseInput) throws -> Tensor {
    let n = input.noisy.shape[0]
    let time = try input.timesteps.to(dtype).reshape([n, 1]) / Double(Self.timesteps)
    func predict(_ conditions: Tensor) throws -> Tensor {
      // The null condition is a row of zeros.
      let classes = try (conditions + 1).oneHot(Self.classes + 1).narrow(1, start: 1, length: Self.classes).to(dtype)
      let image = try input.noisy.reshape([n, Self.pixels]).to(dtype)
      return try layers(model, Tensor.cat([image, time, classes], along: 1)).reshape(input.noisy.shape)
    }
    let null = try Tensor.full([n], -1, dtype: .int64)
    let conditions = input.conditions ?? null
    guard input.guidance != 0 else { return try predict(conditions) }
    return try predict(conditions) * (1 + input.guidance) - predict(null) * input.guidance
  }

  func diffusionLosses(prediction: Tensor, target: Tensor) throws -> Tensor {
    let difference = try prediction - target
    return try (difference * difference).reshape([prediction.shape[0], -1]).sum(along: [1])
  }

  func referenceCurve(over set: SampleSet, at timesteps: [Int]) throws -> [Double] {
    timesteps.map { 1 + 0.1 * Double($0) + (set == .forget ? 0.5 : 0) }
  }

  func batch(_ number: Int, of pass: DataPass) throws -> Batch {
    let samples = pass.set == .forget ? Self.samples.forget : Self.samples.retain
    let first = number * pass.batch
    let count = min(pass.batch, samples - first)
    let isForget = pass.set == .forget
    return try batch(forget: isForget ? count : 0, retain: isForget ? 0 : count, place: (isForget ? 0 : 50) + first)
  }

  func progress(done: Int, total: Int) {}

  func log(_ line: PluginLog) {
    if line.level == .misbehaving { misuses.append(line.text) }
  }

  func report(_ report: PluginReport) {}
}
