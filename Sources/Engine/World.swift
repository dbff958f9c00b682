import Learning
import PluginHost
import Runs
import Tensors

/// What plugins can reach of a run: the engine's side of the services.
final class World: StrategyWorld {
  let device: Device
  let seed: UInt64
  let task: TaskFacts
  let plan: RunPlan
  let shared: Workbench.Shared
  private let model: TrainableModel
  private let evaluation: Evaluation
  let reporter: Reporter
  let cancel: CancelFlag
  /// Where parts keep what a resumed run needs again; nil where nothing is resumed.
  let folder: RunFolder?
  /// Swaps of the run so far: a part of an artifact's name, since what a new part prepares is of other weights.
  var swaps = 0
  /// Whether the model may change its shape now: before the first step and after the last.
  var mayResize = false
  /// Whether a model is measured, so that nothing may change: running statistics hold for all, and nothing is dropped.
  var isMeasuring = false
  /// Whether it did.
  private(set) var isResized = false
  private var referenceLosses: [PluginHost.SampleSet: Double] = [:]

  init(
    plan: RunPlan, model: TrainableModel, shared: Workbench.Shared, cancel: CancelFlag, reporter: Reporter,
    folder: RunFolder? = nil
  ) {
    self.folder = folder
    self.plan = plan
    self.model = model
    self.shared = shared
    self.reporter = reporter
    self.cancel = cancel
    device = shared.device
    seed = plan.seed
    task = TaskFacts(
      kind: plan.task.rawValue, classes: shared.seen.classNames.count, forget: shared.seen.split.forget.count,
      retain: shared.seen.split.retain.count)
    evaluation = Evaluation(plan: plan, data: shared.seen, cancel: cancel, reporter: reporter)
  }

  func model(named name: String) -> ModelHandle? {
    switch name {
    case "model": ModelHandle(0)
    case "original": ModelHandle(1)
    case "proxy": shared.proxy == nil ? nil : ModelHandle(2)
    case "retrained": isMeasuring && shared.retrained != nil ? ModelHandle(3) : nil
    default: nil
    }
  }

  /// The model of a handle.
  func model(_ handle: ModelHandle) -> TrainableModel {
    switch handle.number {
    case 0: return model
    case 1: return shared.original
    case 3:
      guard let retrained = shared.retrained else { preconditionFailure("a handle is given for a model that there is") }
      return retrained
    default:
      guard let proxy = shared.proxy else { preconditionFailure("a handle is given for a model that there is") }
      return proxy
    }
  }

  func forward(_ model: ModelHandle, inputs: Tensor, evaluation: Bool) throws -> Tensor {
    // The original is shared by every run of a comparison: its statistics must not move, and no graph is kept of it but
    // for gradients of inputs.
    let network = self.model(model)
    guard network is ImageClassifier else {
      throw EngineError.mismatch("the run's model predicts noise; use lethe.diffusion/1")
    }
    guard model.number == 0 else {
      guard !inputs.requiresGrad else { return try plan.forward(network, inputs, training: false) }
      return try withoutGradients { try plan.forward(network, inputs, training: false) }
    }
    return try plan.forward(network, inputs, training: !evaluation && !isMeasuring)
  }

  func parameters(of model: ModelHandle) throws -> NamedTensors {
    let parameters = self.model(model).parameters
    return NamedTensors(names: parameters.map(\.name), tensors: parameters.map(\.tensor))
  }

  func buffers(of model: ModelHandle) throws -> NamedTensors {
    let network = self.model(model)
    let trainable = Set(network.parameters.map(\.name))
    let buffers = network.state.filter { !trainable.contains($0.name) }
    return NamedTensors(names: buffers.map(\.name), tensors: buffers.map(\.tensor))
  }

  func resize(_ parameter: String, of model: ModelHandle, to value: Tensor) throws {
    guard model.number == 0 else { throw EngineError.mismatch("only the model that is unlearned may change") }
    guard mayResize else {
      throw EngineError.mismatch(
        "the model's shape changes only at the beginning and at the end of a run, not at a swap")
    }
    try self.model.resize(parameter, to: value)
    isResized = true
  }

  func losses(outputs: Tensor, labels: Tensor) throws -> Tensor {
    guard plan.task == .classification else {
      throw EngineError.mismatch("the run's model predicts noise; use lethe.diffusion/1, or batch_losses")
    }
    return try outputs.crossEntropy(labels, reduction: .none)
  }

  func referenceLoss(over set: PluginHost.SampleSet) throws -> Double {
    if let known = referenceLosses[set] { return known }
    let part: Runs.SampleSet = set == .forget ? .forget : .retain
    let mean: Double
    if let task = shared.task as? DiffusionTask {
      let sets = DiffusionEvaluation(plan: plan, data: shared.seen, task: task, cancel: cancel, reporter: reporter)
      mean = try (sets.denoisingLoss(of: shared.original, on: part)?.value ?? 0) * lossScale(task)
    } else {
      let losses = try evaluation.outputs(of: shared.original, on: [part]).values.flatMap(\.losses)
      mean = losses.reduce(0) { $0 + Double($1) } / Double(max(losses.count, 1))
    }
    referenceLosses[set] = mean
    return mean
  }

  func batch(_ number: Int, of pass: DataPass) throws -> PluginHost.Batch {
    let positions = pass.set == .forget ? shared.seen.split.forget : shared.seen.split.retain
    let chosen = positions[number * pass.batch..<min((number + 1) * pass.batch, positions.count)]
    let indices = try Tensor(chosen.map { Int64($0) }, shape: [chosen.count], device: device)
    let store = shared.seen.train
    var generator: Generator?
    if pass.isAugmented {
      var stream = Philox(seed: seed, label: "augment.\(pass.set.names[0])", step: UInt64(number))
      generator = try Generator(seed: stream.next64(), device: device)
    }
    return PluginHost.Batch(
      forgetCount: pass.set == .forget ? chosen.count : 0, retainCount: pass.set == .forget ? 0 : chosen.count,
      inputs: try store.images(
        at: indices,
        augmentation: pass.isAugmented ? Augmentation(crop: plan.data.augment.crop, flip: plan.data.augment.flip) : nil,
        generator: generator, channelsLast: plan.channelsLast),
      labels: try store.labels.indexSelect(0, indices), indices: indices)
  }

  func progress(done: Int, total: Int) { reporter.progress(.unlearn, done: done, total: total, unit: "parts") }

  func log(_ line: PluginLog) {
    let place = [line.call, line.step.map { "step \($0)" }].compactMap(\.self).joined(separator: ", ")
    let message = place.isEmpty ? line.text : "\(line.text) (\(place))"
    reporter.trySaying(.log(plugin: line.plugin, level: line.level.rawValue, message: message))
  }

  func report(_ report: PluginReport) {
    reports["\(report.strategy) \(report.key)"] = report
  }

  /// The latest value of every key that plugins reported since they were last told.
  private var reports: [String: PluginReport] = [:]

  /// Curves of the original model's losses that plugins asked for since they were last told.
  var curves: [Runs.SampleSet: ReferenceCurve] = [:]

  /// Passes on what plugins reported. Waits for the device.
  func tellReports() throws {
    defer { (reports, curves) = ([:], [:]) }
    for (set, curve) in curves.sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
      let own = reports.values.filter { $0.key.hasPrefix("curve.\(set.rawValue).") }
      func number(_ name: String) -> Double? {
        guard case .number(let value)? = own.first(where: { $0.key == "curve.\(set.rawValue).\(name)" })?.value
        else { return nil }
        return value
      }
      var told = curve
      told.plugin = own.first?.strategy ?? ""
      if let a = number("a"), let b = number("b"), let c = number("c") {
        told.fit = ReferenceCurve.Fit(a: a, b: b, c: c, floor: number("floor") ?? 0)
      }
      try reporter.say(.referenceCurve(told))
    }
    for (_, report) in reports.sorted(by: { $0.key < $1.key }) {
      let value =
        switch report.value {
        case .number(let number): "\(number)"
        case .text(let text): text
        case .tensor(let tensor): "\(try tensor.item())"
        }
      try reporter.say(.log(plugin: report.strategy, level: "report", message: "\(report.key) = \(value)"))
    }
  }
}
