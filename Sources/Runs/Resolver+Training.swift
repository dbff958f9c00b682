extension Resolver {
  /// How the original model is made.
  func base(_ section: SectionReader, _ model: ModelPlan) throws(RunError) -> ModelSource {
    if case .unetFolder(let folder) = model {
      for entry in section.entries where entry.key != "weights" {
        try section.refuse(entry.key, with: "'model.folder'", hint: "the folder has the weights")
      }
      return .weights(file: try path(section, "weights") ?? folder)
    }
    return try source(section, defaults: standardTraining)
  }

  /// How a model is trained where the recipe does not say.
  private var standardTraining: TrainingPlan {
    switch task {
    case .classification:
      TrainingPlan(
        seed: 1, epochs: 20, batch: 128, optimizer: .standard(.sgd, learningRate: 0.1), labelSmoothing: 0)
    case .diffusion:
      TrainingPlan(
        seed: 1, epochs: 20, batch: 128,
        optimizer: .standard(.adam, learningRate: 2e-4, clip: 1), labelSmoothing: 0, reduction: .mean,
        conditionDropout: isConditional ? 0.1 : nil)
    }
  }

  /// How the retrained model is made: like the original where nothing else is said.
  func retrained(_ top: SectionReader, isNone: Bool, base: ModelSource) throws(RunError) -> ModelSource {
    if isNone { return .none }
    let section = try top.section("retrained", .retrained)
    if case .train(var defaults) = base {
      defaults.samples = nil
      return try source(section, defaults: defaults)
    }
    // Nothing says how weights from a file were trained, and a guess would pass for the reference.
    if section["weights"] != nil { return try source(section, defaults: nil) }
    let needed = [section["steps"] == nil ? "epochs" : "steps", "batch", "optimizer"]
    if let key = needed.first(where: { section[$0] == nil }) {
      throw .missing(
        section.place, key: "retrained.\(key)",
        hint: "with 'base.weights' say how to retrain (epochs, batch, optimizer), or give 'retrained: {weights: FILE}' "
          + "or 'retrained: none'")
    }
    return try source(section, defaults: standardTraining)
  }

  /// How a further model is trained on the retain set; nil where nobody says.
  func proxy(_ top: SectionReader, base: ModelSource) throws(RunError) -> TrainingPlan? {
    guard top["proxy"] != nil else { return nil }
    var defaults = standardTraining
    if case .train(let training) = base { defaults = training }
    defaults.samples = nil
    guard case .train(let training) = try source(top.section("proxy", .proxy), defaults: defaults) else {
      preconditionFailure("a proxy has no weights")
    }
    return training
  }

  private func source(_ section: SectionReader, defaults: TrainingPlan?) throws(RunError) -> ModelSource {
    if let file = try path(section, "weights") {
      for entry in section.entries where entry.key != "weights" {
        try section.refuse(entry.key, with: "'weights'", hint: "weights from a file are not trained")
      }
      return .weights(file: file)
    }
    guard let defaults else { preconditionFailure("weights or defaults") }
    if !isConditional { try section.refuse("condition_dropout", with: "this model", hint: "it is told no class") }
    for key in task == .diffusion ? ["label_smoothing"] : ["reduction", "condition_dropout"] {
      try section.refuse(key, with: "this model", hint: "it is for \(task == .diffusion ? "classifiers" : "diffusion")")
    }
    let epochs = try section.int("epochs", in: 1...1_000_000)
    let steps = try steps(section) ?? (epochs == nil ? defaults.steps : nil)
    return .train(
      TrainingPlan(
        seed: try section.seed("seed", default: defaults.seed),
        epochs: steps ?? epochs ?? defaults.epochs, steps: steps,
        batch: try section.int("batch", in: 1...1_000_000) ?? defaults.batch,
        optimizer: try optimizer(section.section("optimizer", .optimizer), defaults: defaults.optimizer),
        labelSmoothing: try section.double("label_smoothing", "at least 0 and under 1") { $0 >= 0 && $0 < 1 }
          ?? defaults.labelSmoothing,
        samples: try path(section, "samples"),
        reduction: try section.choice("reduction", LossReduction.self) ?? defaults.reduction,
        conditionDropout: try section.double("condition_dropout", "at least 0 and under 1") { $0 >= 0 && $0 < 1 }
          ?? defaults.conditionDropout))
  }

  /// Optimizer steps, where they are said instead of epochs.
  func steps(_ section: SectionReader) throws(RunError) -> Int? {
    guard let steps = try section.int("steps", in: 1...100_000_000) else { return nil }
    try section.refuse("epochs", with: "'steps'", hint: "one of them says how long it goes on")
    return steps
  }

  /// The rule of the steps. Another optimizer than the default's starts from its own defaults.
  func optimizer(_ section: SectionReader, defaults given: OptimizerPlan) throws(RunError) -> OptimizerPlan {
    let name = try section.choice("name", OptimizerName.self) ?? given.name
    var defaults = given
    if name != given.name {
      defaults = .standard(name, learningRate: name == .sgd ? 0.1 : 0.001)
      defaults.schedule = given.schedule
      defaults.clip = given.clip
      defaults.accumulate = given.accumulate
    }
    if name == .sgd {
      for key in ["betas", "eps"] { try section.refuse(key, with: "'sgd'", hint: "it is for adam and adamw") }
    } else {
      for key in ["momentum", "nesterov"] {
        try section.refuse(key, with: "'\(name.rawValue)'", hint: "it is for sgd")
      }
    }
    var plan = defaults
    plan.name = name
    plan.learningRate = try section.double("learning_rate", "above 0") { $0 > 0 } ?? defaults.learningRate
    plan.momentum = try section.double("momentum", "at least 0 and under 1") { $0 >= 0 && $0 < 1 } ?? defaults.momentum
    plan.nesterov = try section.bool("nesterov", default: defaults.nesterov)
    if plan.nesterov, plan.momentum == 0 {
      throw .doesNotGoWith(
        section["nesterov"]?.place ?? section.place, key: section.name("nesterov"), other: "'momentum: 0'",
        hint: "give a momentum above 0")
    }
    plan.weightDecay = try section.double("weight_decay", "at least 0") { $0 >= 0 } ?? defaults.weightDecay
    if let betas = try numbers(section, "betas", "at least 0 and under 1", where: { $0 >= 0 && $0 < 1 }) {
      guard betas.count == 2 else {
        throw .outOfRange(
          section.place, key: section.name("betas"), value: "a list of \(betas.count)",
          allowed: "a list of two numbers")
      }
      plan.betas = betas
    }
    plan.eps = try section.double("eps", "above 0") { $0 > 0 } ?? defaults.eps
    plan.schedule = try learningRate(section.section("schedule", .learningRate), defaults: defaults.schedule)
    plan.clip = section.isNull("clip") ? nil : try section.double("clip", "above 0") { $0 > 0 } ?? defaults.clip
    plan.accumulate = try section.int("accumulate", in: 1...1_000_000) ?? defaults.accumulate
    plan.average = section.isNull("ema") ? nil : try average(section) ?? defaults.average
    return plan
  }

  private func average(_ optimizer: SectionReader) throws(RunError) -> AveragePlan? {
    guard let written = optimizer["ema"] else { return nil }
    let words = "above 0 and under 1"
    guard written.entries != nil else {
      let decay = try optimizer.double(written, "ema", words) { $0 > 0 && $0 < 1 }
      return AveragePlan(decay: decay, inverseGamma: 1, power: 0.75)
    }
    let section = try optimizer.section("ema", .average)
    return AveragePlan(
      decay: try section.double("decay", words) { $0 > 0 && $0 < 1 } ?? 0.9999,
      inverseGamma: try section.double("inv_gamma", "above 0") { $0 > 0 } ?? 1,
      power: try section.double("power", "at least 0") { $0 >= 0 } ?? 0.75)
  }

  private func learningRate(
    _ section: SectionReader, defaults given: LearningRatePlan
  ) throws(RunError) -> LearningRatePlan {
    let name = try section.choice("name", LearningRateShape.self) ?? given.name
    var plan = given
    if name != given.name {
      plan = LearningRatePlan(name: name, warmup: given.warmup)
      if name == .step {
        plan.milestones = [91, 136]
        plan.gamma = 0.1
      }
    }
    if name != .step {
      for key in ["milestones", "gamma"] { try section.refuse(key, with: "'\(name.rawValue)'", hint: "it is for step") }
    }
    plan.warmup = try section.double("warmup", "at least 0") { $0 >= 0 } ?? plan.warmup
    if let items = try section.list("milestones", of: "whole numbers") {
      var milestones: [Int] = []
      for item in items { milestones.append(try section.int(item, "milestones", in: 1...1_000_000)) }
      guard milestones == Array(Set(milestones)).sorted(), !milestones.isEmpty else {
        throw .outOfRange(
          section.place, key: section.name("milestones"), value: Tree.list(items.map(\.tree)).flow,
          allowed: "epochs in rising order")
      }
      plan.milestones = milestones
    }
    plan.gamma = try section.double("gamma", "above 0") { $0 > 0 } ?? plan.gamma
    return plan
  }
}

extension OptimizerPlan {
  /// An optimizer with everything but its learning rate as most papers have it.
  package static func standard(
    _ name: OptimizerName, learningRate: Double, clip: Double? = nil
  ) -> OptimizerPlan {
    let weightDecay =
      switch name {
      case .sgd: 5.0e-4
      case .adam: 0.0
      case .adamw: 0.01
      }
    return OptimizerPlan(
      name: name, learningRate: learningRate, momentum: name == .sgd ? 0.9 : 0, weightDecay: weightDecay,
      schedule: LearningRatePlan(name: .constant), clip: clip)
  }
}
