extension Resolver {
  private enum ModelName: String, CaseIterable {
    case cnn, resnet18
    case vgg = "vgg16_bn"
    case vggLTH = "vgg16_bn_lth"
    case unet
    case conditionalUNet = "conditional-unet"

    /// The keys it takes beside its name.
    var keys: [String] {
      switch self {
      case .cnn: ["channels"]
      case .resnet18, .vgg, .vggLTH: ["width"]
      case .unet:
        [
          "folder", "widths", "layers", "attention", "middle_attention", "head_channels", "groups", "dropout",
          "conditional",
        ]
      case .conditionalUNet: ["width", "multipliers", "layers", "attention", "dropout"]
      }
    }
  }

  /// The network.
  func model(_ section: SectionReader) throws(RunError) -> ModelPlan {
    let name = try section.choice("name", ModelName.self) ?? .cnn
    for entry in section.entries where entry.key != "name" && !name.keys.contains(entry.key) {
      try section.refuse(entry.key, with: "'\(name.rawValue)'", hint: "it takes \(name.keys.quotedList)")
    }
    switch name {
    case .cnn:
      let channels = try integers(section, "channels", in: 1...4096) ?? [16, 32]
      guard (1...4).contains(channels.count) else {
        throw .outOfRange(
          section.place, key: section.name("channels"), value: "a list of \(channels.count)",
          allowed: "a list of one to four numbers")
      }
      return .cnn(channels: channels)
    case .resnet18, .vgg, .vggLTH:
      let width = try section.int("width", in: 1...1024) ?? 64
      return ModelPlan.VGGForm(rawValue: name.rawValue).map { .vgg16($0, width: width) } ?? .resnet18(width: width)
    case .unet: return try unet(section)
    case .conditionalUNet:
      return .conditionalUNet(
        ConditionalUNetPlan(
          width: try section.int("width", in: 1...1024) ?? 128,
          multipliers: try levels(section, "multipliers", in: 1...16) ?? [1, 2, 2, 2],
          layers: try section.int("layers", in: 1...8) ?? 2,
          attention: try integers(section, "attention", in: 1...1024) ?? [16],
          dropout: try section.double("dropout", "at least 0 and under 1") { $0 >= 0 && $0 < 1 } ?? 0.1))
    }
  }

  private func unet(_ section: SectionReader) throws(RunError) -> ModelPlan {
    if let folder = try path(section, "folder") {
      for key in ModelName.unet.keys where key != "folder" {
        try section.refuse(key, with: "'folder'", hint: "the folder says what the network is")
      }
      return .unetFolder(folder)
    }
    let widths = try levels(section, "widths", in: 1...4096) ?? [64, 128, 256]
    return .unet(
      UNetPlan(
        widths: widths, layers: try section.int("layers", in: 1...8) ?? 2,
        attention: try integers(section, "attention", in: 0...widths.count - 1) ?? [],
        middleAttention: try section.bool("middle_attention", default: true),
        headChannels: try section.int("head_channels", in: 1...4096) ?? 8,
        groups: try section.int("groups", in: 1...4096) ?? 32,
        dropout: try section.double("dropout", "at least 0 and under 1") { $0 >= 0 && $0 < 1 } ?? 0,
        conditional: try section.bool("conditional", default: false)))
  }

  /// One number for each level: one to eight.
  private func levels(
    _ section: SectionReader, _ key: String, in range: ClosedRange<Int>
  ) throws(RunError) -> [Int]? {
    guard let numbers = try integers(section, key, in: range) else { return nil }
    guard (1...8).contains(numbers.count) else {
      throw .outOfRange(
        section.place, key: section.name(key), value: "a list of \(numbers.count)",
        allowed: "a list of one to eight numbers, one a level")
    }
    return numbers
  }

  private func integers(
    _ section: SectionReader, _ key: String, in range: ClosedRange<Int>
  ) throws(RunError) -> [Int]? {
    guard let items = try section.list(key, of: "whole numbers") else { return nil }
    var numbers: [Int] = []
    for item in items { numbers.append(try section.int(item, key, in: range)) }
    return numbers
  }

  /// The noise of a diffusion model; nil for a classifier, and for a folder, which says it itself.
  func diffusion(_ top: SectionReader, _ model: ModelPlan) throws(RunError) -> DiffusionPlan? {
    guard model.task == .diffusion else {
      try top.refuse("diffusion", with: "'model.name: \(model.name)'", hint: "it is for 'unet' and 'conditional-unet'")
      return nil
    }
    let section = try top.section("diffusion", .diffusion)
    if case .unetFolder(let folder) = model {
      for key in ["schedule", "timesteps", "beta"] {
        try section.refuse(key, with: "'model.folder'", hint: "the folder says what noise the network was trained with")
      }
      if let noise = FolderNoise(of: folder, environment) {
        return noise.plan(reduction: try section.choice("reduction", LossReduction.self) ?? .sum)
      }
    }
    let beta = try numbers(section, "beta", "above 0 and under 1", where: { $0 > 0 && $0 < 1 }) ?? [1e-4, 0.02]
    guard beta.count == 2, beta[0] <= beta[1] else {
      throw .outOfRange(
        section.place, key: "diffusion.beta", value: "\(beta)", allowed: "the first and the last β, in rising order")
    }
    return DiffusionPlan(
      shape: try section.choice("schedule", NoiseShape.self) ?? .linear,
      timesteps: try section.int("timesteps", in: 2...100_000) ?? 1000, beta: beta,
      reduction: try section.choice("reduction", LossReduction.self) ?? .sum)
  }

  /// An image to put among the training samples.
  func add(_ data: SectionReader) throws(RunError) -> AddedImagesPlan? {
    guard data["add"] != nil else { return nil }
    let section = try data.section("add", .add)
    guard let path = try path(section, "path") else {
      throw .missing(section.place, key: "data.add.path", hint: "it names the image")
    }
    return AddedImagesPlan(
      path: path, copies: try section.int("copies", in: 1...10_000_000) ?? 1,
      className: try section.string("class") ?? "added")
  }

  /// What the pipeline has in place of the retain samples; nil for these.
  func replay(_ data: SectionReader) throws(RunError) -> ReplayPlan? {
    guard data["retain"] != nil else { return nil }
    guard task == .diffusion else {
      try data.refuse("retain", with: "a classifier", hint: "images are drawn from a diffusion model")
      return nil
    }
    let section = try data.section("retain", .replay)
    guard let images = try section.int("replay", in: 1...10_000_000) else {
      throw .missing(section.place, key: "data.retain.replay", hint: "it is how many images are drawn")
    }
    return ReplayPlan(images: images, seed: try section.seed("seed", default: 1))
  }

  /// What is generated and how it is judged; nil for a classifier.
  func generation(_ evaluate: SectionReader, timesteps: Int) throws(RunError) -> GenerationPlan? {
    guard task == .diffusion else {
      try evaluate.refuse("generation", with: "a classifier", hint: "it is for diffusion models")
      return nil
    }
    let section = try evaluate.section("generation", .generation)
    return GenerationPlan(
      samples: try section.int("samples", in: 1...10_000_000) ?? 512,
      batch: try section.int("batch", in: 1...100_000) ?? 64,
      sampler: try sampler(section.section("sampler", .sampler), timesteps: timesteps),
      seed: try section.seed("seed", default: 1), extractor: try extractor(section),
      targetDistance: try section.double("target_distance", "above 0") { $0 > 0 } ?? 10,
      nllImages: try section.int("nll_images", in: 1...100_000) ?? 4,
      nllTolerance: try section.double("nll_tolerance", "above 0 and under 1") { $0 > 0 && $0 < 1 } ?? 1e-5,
      grid: try section.int("grid", in: 0...10_000) ?? 64, during: try section.int("during", in: 0...10_000_000) ?? 0)
  }

  private func sampler(
    _ section: SectionReader, timesteps: Int
  ) throws(RunError) -> SamplerPlan {
    let name = try section.choice("name", SamplerPlan.Name.self) ?? .ddim
    if name == .ddpm { try section.refuse("eta", with: "'ddpm'", hint: "it is for ddim") }
    if !isConditional { try section.refuse("guidance", with: "this model", hint: "the network is told no class") }
    return SamplerPlan(
      name: name,
      steps: try section.int("steps", in: 1...timesteps) ?? (name == .ddpm ? timesteps : min(50, timesteps)),
      eta: try section.double("eta", "between 0 and 1") { $0 >= 0 && $0 <= 1 } ?? 0,
      guidance: try section.double("guidance", "at least 0") { $0 >= 0 } ?? (guidesByDefault ? 2 : 0))
  }

  private func extractor(_ generation: SectionReader) throws(RunError) -> ExtractorPlan {
    if let file = try path(generation, "inception") {
      try generation.refuse("classifier", with: "'inception'", hint: "one of them looks at the images")
      return .inception(file: file)
    }
    let section = try generation.section("classifier", .classifier)
    let model = try model(section.section("model", .model))
    guard model.task == .classification else {
      throw .doesNotGoWith(
        section["model"]?.place ?? section.place, key: section.name("model"), other: "'\(model.name)'",
        hint: "a classifier looks at the images")
    }
    return .train(
      model,
      TrainingPlan(
        seed: try section.seed("seed", default: 1), epochs: try section.int("epochs", in: 1...1_000_000) ?? 5,
        batch: try section.int("batch", in: 1...1_000_000) ?? 128,
        optimizer: try optimizer(
          section.section("optimizer", .optimizer), defaults: .standard(.adam, learningRate: 0.001)),
        labelSmoothing: 0))
  }
}

extension [String] {
  /// As a sentence lists them.
  fileprivate var quotedList: String {
    let quoted = map { "'\($0)'" }
    guard let last = quoted.last, quoted.count > 1 else { return quoted.first ?? "no other key" }
    return quoted.dropLast().joined(separator: ", ") + " and \(last)"
  }
}

extension ModelPlan {
  /// Whether the network is told the class; a folder's is looked at when it is read.
  var isConditional: Bool {
    switch self {
    case .conditionalUNet: true
    case .unet(let plan): plan.conditional
    case .unetFolder: true
    case .cnn, .resnet18, .vgg16: false
    }
  }
}
