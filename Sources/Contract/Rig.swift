import Learning
import PluginHost
import Tensors

/// A world of its own with one instance of a strategy in it, which takes steps and gives what came of them.
final class Rig {
  /// How a rig differs from the usual one.
  struct Variant {
    var dtype = DType.float32
    /// Type of the network's outputs, where it is another one.
    var outputs: DType?
    var seed: UInt64 = 1
    /// What is put in place of the inputs' first element.
    var poison: Double?
    /// What inputs, losses and gradients are multiplied with.
    var scale = 1.0
    var forget = 4
    var retain = 4
    /// Whether inputs are views with gaps.
    var hasGaps = false
    /// Bits that are added to the sets that an objective is asked for.
    var otherSets: UInt32 = 0
    /// Values of parameters besides the defaults.
    var parameters: [(key: String, value: ParameterValue)] = []
  }

  let world: CheckWorld
  let check = CheckMode()
  let cancel = CancelFlag()
  let session: HostSession
  let handle: StrategyHandle
  let variant: Variant
  private(set) var instance: StrategyInstance?
  /// What was changed of what was lent, in words.
  private(set) var writes: [String] = []
  /// The direction of the last step, and where all gradients were zero: for updaters.
  private(set) var straysFromMask = false

  init(_ handle: StrategyHandle, task: String, _ variant: Variant = Variant()) throws {
    self.handle = handle
    self.variant = variant
    world = try CheckWorld(isDiffusion: task == "diffusion", dtype: variant.dtype, seed: variant.seed)
    world.outputs = variant.outputs
    session = HostSession(world: world, cancel: cancel)
    session.check = check
  }

  // MARK: Life

  /// Values for all parameters: the defaults, something plausible for those that must be given, and the variant's.
  static func values(_ manifest: StrategyManifest, _ given: [(key: String, value: ParameterValue)] = []) throws
    -> [ParameterValue]
  {
    let required = manifest.parameters.filter { $0.isRequired && !given.map(\.key).contains($0.key) }
    return try manifest.values(required.map { (key: $0.key, value: $0.plausible) } + given)
  }

  /// Makes the instance.
  func create() throws {
    let values = try Self.values(handle.manifest, variant.parameters)
    instance =
      switch handle.manifest.knownRole {
      case .objective: try ObjectiveInstance(handle, session: session, parameters: values)
      case .reweighter: try ReweighterInstance(handle, session: session, parameters: values)
      case .mask: try MaskInstance(handle, session: session, parameters: values)
      case .updater: try UpdaterInstance(handle, session: session, parameters: values)
      case .procedure: try ProcedureInstance(handle, session: session, parameters: values)
      case .metric: try MetricInstance(handle, session: session, parameters: values)
      case nil: preconditionFailure("a strategy of an unknown role is not checked")
      }
  }

  /// Makes the instance and prepares it.
  func prepare() throws {
    try create()
    try watchingOriginal { try instance?.prepare() }
  }

  /// Ends the instance.
  func destroy() {
    instance?.destroy()
    instance = nil
  }

  func saveState() throws -> SavedState? { try instance?.saveState() }

  // MARK: Steps

  private static let stepsInEpoch = 5

  static func progress(_ step: Int) -> PluginHost.Progress {
    PluginHost.Progress(
      step: step, steps: 20, epoch: step / stepsInEpoch, epochs: 4, stepInEpoch: step % stepsInEpoch,
      stepsInEpoch: stepsInEpoch)
  }

  /// Takes step `number`, and gives what it answered.
  func step(_ number: Int = 0) throws -> Answer {
    try watchingOriginal {
      switch instance {
      case let objective as ObjectiveInstance: try terms(objective, number)
      case let reweighter as ReweighterInstance: try weights(reweighter, number)
      case let mask as MaskInstance: try scores(mask, number)
      case let updater as UpdaterInstance: try update(updater, number)
      case let procedure as ProcedureInstance: try run(procedure)
      case let metric as MetricInstance: try measure(metric, number)
      default: preconditionFailure("a step is taken by an instance")
      }
    }
  }

  /// Takes so many steps.
  func steps(_ numbers: Range<Int>) throws -> [Answer] { try numbers.map { try step($0) } }

  /// Takes step `number` with the samples and the random numbers of step `shown`, as if it were one of a recorded kind.
  func step(_ number: Int, showing shown: Int, _ draws: StepDraws) throws -> Answer {
    try draws.begin(step: shown)
    (session.draws, world.stepOfNumbers, self.shown) = (draws, shown, shown)
    defer { (session.draws, world.stepOfNumbers, self.shown) = (nil, nil, nil) }
    let answer = try step(number)
    try draws.end()
    return answer
  }

  /// The step whose samples are shown, when it is another one than that which is taken.
  private var shown: Int?

  /// The terms of an objective's step, in the graph.
  func openTerms(_ number: Int) throws -> [Term] {
    guard let objective = instance as? ObjectiveInstance else { preconditionFailure("terms are an objective's") }
    return try objective.terms(
      progress: Self.progress(number), batches: [try batch(number)],
      sets: SampleSet(rawValue: SampleSet.both.rawValue | variant.otherSets), schedule: schedule)
  }

  private var schedule: String? { handle.manifest.schedules.first }

  /// The batch of a step, as the first schedule of the manifest draws it.
  private func batch(_ step: Int) throws -> Batch {
    let number = shown ?? step
    let counts: (Int, Int) =
      switch schedule {
      case "forget-only": (variant.forget, 0)
      case "retain-only": (0, variant.retain)
      case "sequential": number % 2 == 0 ? (variant.forget, 0) : (0, variant.retain)
      default: (variant.forget, variant.retain)
      }
    var batch = try world.batch(forget: counts.0, retain: counts.1, place: number * 8)
    if variant.scale != 1 { batch.inputs = try batch.inputs * variant.scale }
    if let poison = variant.poison { batch.inputs = try poisoned(batch.inputs, poison) }
    if variant.hasGaps {
      batch.inputs = try gapped(batch.inputs)
      batch.labels = try gapped(batch.labels)
    }
    return batch
  }

  func poisoned(_ tensor: Tensor, _ value: Double) throws -> Tensor {
    guard tensor.count > 0 else { return tensor }
    let flat = try tensor.clone().view([-1])
    try flat.narrow(0, start: 0, length: 1).fill(value)
    return try flat.view(tensor.shape)
  }

  /// The same numbers in every second place of a longer memory.
  func gapped(_ tensor: Tensor) throws -> Tensor {
    let shape = tensor.shape
    let wide = try tensor.reshape(shape + [1]).expand(shape + [2]).clone(.rowMajor)
    return try wide.select(shape.count, 0)
  }

  private func terms(_ objective: ObjectiveInstance, _ number: Int) throws -> Answer {
    let shown = try batch(number)
    let watched = [("inputs", shown.inputs), ("labels", shown.labels), ("indices", shown.indices)]
    return try watching(watched + named(world.parameters, "parameter")) {
      let terms = try objective.terms(
        progress: Self.progress(number), batches: [shown],
        sets: SampleSet(rawValue: SampleSet.both.rawValue | variant.otherSets), schedule: schedule)
      return try Answer(terms)
    }
  }

  /// Losses, timesteps and so on of a made-up term.
  private func term(_ set: SampleSet, _ number: Int) throws -> Term {
    let count = set == .forget ? variant.forget : variant.retain
    let generator = try Generator(seed: 500 + UInt64(number * 2) + UInt64(set.rawValue))
    var losses = try (Tensor.randomUniform([count], dtype: .float64, generator: generator) * (3 * variant.scale)).to(
      variant.dtype)
    if let outputs = variant.outputs { losses = try losses.to(outputs) }
    if let poison = variant.poison { losses = try poisoned(losses, poison) }
    let clean = try losses * 0.5
    return Term(
      name: set.names[0], set: set, losses: variant.hasGaps ? try gapped(losses) : losses,
      cleanLosses: variant.hasGaps ? try gapped(clean) : clean,
      timesteps: world.diffusion == nil
        ? nil : try Tensor.randomIntegers(0..<CheckWorld.timesteps, [count], generator: generator),
      indices: try Tensor.arange(count))
  }

  /// The weights of one term whose samples stand in this order.
  func weights(of set: SampleSet, order: [Int64]) throws -> [Double] {
    guard let reweighter = instance as? ReweighterInstance else { preconditionFailure("weights are a reweighter's") }
    var term = try term(set, 0)
    let places = try Tensor(order, shape: [order.count])
    term.losses = try term.losses?.indexSelect(0, places)
    term.cleanLosses = try term.cleanLosses?.indexSelect(0, places)
    term.timesteps = try term.timesteps?.indexSelect(0, places)
    term.indices = try term.indices?.indexSelect(0, places)
    let weights = try reweighter.weights(for: term, progress: Self.progress(0))
    return try weights.tensor?.doubles() ?? [Double](repeating: 1 / Double(order.count), count: order.count)
  }

  private func weights(_ reweighter: ReweighterInstance, _ number: Int) throws -> Answer {
    var answer = Answer()
    for set in [SampleSet.forget, .retain] {
      let term = try term(set, shown ?? number)
      let watched = [
        ("losses", term.losses), ("clean_losses", term.cleanLosses), ("timesteps", term.timesteps),
        ("indices", term.indices),
      ].compactMap { name, tensor in tensor.map { (name, $0) } }
      try watching(watched + named(world.parameters, "parameter")) {
        let weights = try reweighter.weights(for: term, progress: Self.progress(number))
        try answer.add("weights of '\(term.name)'", weights.tensor)
      }
    }
    return answer
  }

  /// Gradients that an earlier pass might have given, zero in the first half of each parameter where a mask is played.
  private func gradients(_ seed: UInt64, isMasked: Bool = false) throws -> NamedTensors {
    let generator = try Generator(seed: seed)
    let parameters = try world.parameters(of: ModelHandle(0))
    let tensors: [Tensor?] = try parameters.tensors.map { parameter in
      guard let parameter else { return nil }
      var gradient = try Tensor.randomNormal(parameter.shape, dtype: .float64, generator: generator)
      if variant.scale != 1 { gradient = try gradient * variant.scale }
      gradient = try gradient.to(world.dtype)
      if let poison = variant.poison {
        try gradient.view([-1]).narrow(0, start: gradient.count - 1, length: 1).fill(poison)
      }
      if isMasked { try gradient.view([-1]).narrow(0, start: 0, length: gradient.count / 2).zero() }
      return gradient
    }
    return NamedTensors(names: parameters.names, tensors: tensors)
  }

  private func scores(_ mask: MaskInstance, _ number: Int) throws -> Answer {
    let parameters = try world.parameters(of: ModelHandle(0))
    return try watching(named(world.parameters, "parameter")) {
      _ = try mask.begin(parameters: parameters, walk: Walk(batch: 4))
      for batch in 0..<3 {
        try mask.accumulate(gradients: try gradients(UInt64(900 + number * 3 + batch)), count: 4)
      }
      var answer = Answer()
      for (name, scores) in zip(parameters.names, try mask.scores(parameters: parameters)) {
        try answer.add("scores of '\(name)'", scores)
      }
      return answer
    }
  }

  private func update(_ updater: UpdaterInstance, _ number: Int) throws -> Answer {
    let parameters = try world.parameters(of: ModelHandle(0))
    let progress = Self.progress(number)
    var answer = Answer()
    if updater.combines {
      let lists = try [
        gradients(UInt64(700 + number * 2), isMasked: true), gradients(UInt64(701 + number * 2), isMasked: true),
      ]
      let step = MadeUpStep(
        terms: try [("forget", SampleSet.forget, 0.5), ("retain", .retain, 1.5)].map {
          StepTerm(name: $0.0, set: $0.1, coefficient: 1, loss: try .scalar($0.2, dtype: world.dtype))
        }, lists: lists, parameters: world.parameters)
      let watched = lists.flatMap { named($0.tensors.compactMap(\.self), "gradient") }
      try watching(watched + named(world.parameters, "parameter")) {
        if updater.scalesTerms,
          let scales = try updater.scales(progress: progress, terms: step.terms, learningRate: step.learningRate)
        {
          for (term, scale) in zip(step.terms, scales) { try answer.add("scale of '\(term.name)'", scale) }
          return
        }
        let direction = try updater.combine(progress: progress, step: step, parameters: parameters)
        try step.restore()
        for (index, name) in parameters.names.enumerated() {
          try answer.add("direction of '\(name)'", direction[index])
          let half = direction[index].count / 2
          let masked = try direction[index].reshape([-1]).narrow(0, start: 0, length: half).doubles()
          if masked.contains(where: { $0 != 0 && $0.isFinite }) { straysFromMask = true }
        }
      }
    }
    if updater.actsAfterStep {
      try updater.afterStep(progress: progress, learningRate: 0.1)
      for (name, tensor) in zip(parameters.names, world.parameters) { try answer.add("'\(name)'", tensor) }
    }
    return answer
  }

  private func run(_ procedure: ProcedureInstance) throws -> Answer {
    try procedure.run(ModelHandle(0))
    let parameters = try world.parameters(of: ModelHandle(0))
    var answer = Answer()
    for (name, tensor) in zip(parameters.names, parameters.tensors) { try answer.add("'\(name)'", tensor) }
    return answer
  }

  // MARK: What was lent

  func named(_ tensors: [Tensor], _ word: String) -> [(String, Tensor)] {
    tensors.enumerated().map { ("\(word) \($0)", $1) }
  }

  /// Notes which of these tensors are other bytes afterwards.
  func watching<Result>(_ tensors: [(String, Tensor)], _ body: () throws -> Result) throws -> Result {
    let before = try tensors.map { try Answer.bytes($0.1) }
    defer {
      for (index, (name, tensor)) in tensors.enumerated() where (try? Answer.bytes(tensor)) != before[index] {
        writes.append(name)
      }
    }
    return try body()
  }

  private func watchingOriginal<Result>(_ body: () throws -> Result) throws -> Result {
    try watching(
      named(world.models[1], "parameter of the original model") + named(world.models[2], "parameter of the proxy"),
      body)
  }
}

extension ParameterManifest {
  /// A value that create should take, of a parameter that must be given.
  var plausible: ParameterValue {
    switch type {
    case .bool: .bool(true)
    case .int: .int(Int64((minimum ?? 1).rounded(.up)))
    case .float: .float(middle)
    case .string: .string(choices.first ?? "value")
    }
  }

  private var middle: Double {
    switch (minimum, maximum) {
    case (let low?, let high?): scale == .log ? (low * high).squareRoot() : (low + high) / 2
    case (let low?, nil): low + 1
    case (nil, let high?): min(1, high)
    case (nil, nil): 1
    }
  }
}
