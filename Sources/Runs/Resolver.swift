/// Makes a plan of what was written. The only place that knows defaults.
struct Resolver {
  let config: RunConfig
  let catalog: PartCatalog
  let environment: ResolverEnvironment
  let purpose: RunPurpose
  /// What the models are for.
  var task = TaskName.classification
  /// Whether the network is told a class, or may be: a folder's is known when it is read.
  var isConditional = false
  /// Whether images are guided towards their class where nothing is said.
  var guidesByDefault = false
}

/// What a plan is made for.
package enum RunPurpose: Sendable, Equatable {
  /// Unlearning and measuring.
  case run
  /// Measuring weights that came from elsewhere: the recipe's pipeline is left out, and so is the metric `rte`.
  case evaluate
}

extension RunPlan {
  /// Fills in every default, checks every value and finds every plugin.
  ///
  /// - Parameters:
  ///   - catalog: the strategies there are, from `config.pluginFolders` and the other folders.
  ///   - purpose: a plan to `evaluate` needs no pipeline.
  /// - Throws: the first mistake, with its place.
  package static func resolve(
    _ config: RunConfig, catalog: PartCatalog, environment: ResolverEnvironment, purpose: RunPurpose = .run
  ) throws(RunError) -> RunPlan {
    try Resolver(config: config, catalog: catalog, environment: environment, purpose: purpose).plan()
  }
}

extension RunConfig {
  /// The folders of plugins that the recipe adds, and the source files that its parts name, absolute; needed to make the catalogue that the plan is made with.
  ///
  /// - Parameter purpose: what the plan is for; to evaluate needs the metrics' files only.
  package func pluginFolders(
    _ environment: ResolverEnvironment, purpose: RunPurpose = .run
  ) throws(RunError) -> [String] {
    let resolver = Resolver(
      config: self, catalog: PartCatalog(parts: []), environment: environment, purpose: .evaluate)
    let top = try SectionReader(try root(), path: "", in: .recipe, missingAt: .nowhere(file))
    var paths = try resolver.paths(top, "plugins")
    for key in purpose == .run ? ["pipeline", "swaps"] : [] {
      if let written = top[key] { try resolver.collectSources(written, under: key, &paths) }
    }
    if let written = top["evaluate"]?["plugins"] { try resolver.collectSources(written, under: "metric", &paths) }
    return paths
  }

  /// Whether it names metrics of plugins, so that an evaluation alone needs the catalogue too.
  package func asksForPlugins() throws(RunError) -> Bool {
    let top = try SectionReader(try root(), path: "", in: .recipe, missingAt: .nowhere(file))
    return top["evaluate"]?["plugins"] != nil
  }
}

extension Resolver {
  /// Reads the recipe from top to bottom, so that the first mistake is the one that is told.
  func plan() throws(RunError) -> RunPlan {
    let root = try config.root()
    let top = try SectionReader(root, path: "", in: .recipe, missingAt: .nowhere(config.file))
    var resolver = self
    let model = try model(top.section("model", .model))
    resolver.task = model.task
    resolver.isConditional = model.isConditional
    if case .unetFolder = model {} else { resolver.guidesByDefault = model.isConditional }
    return try resolver.plan(root, top)
  }

  private func plan(_ root: Written, _ top: SectionReader) throws(RunError) -> RunPlan {
    try checkMethods(top)
    let hasRetrained = top["retrained"]?.content != .scalar(.string("none"))
    let name = try name(top)
    let seed = try top.seed("seed", default: 1)
    let device = try device(top)
    let precision = try top.choice("precision", Precision.self) ?? .fp32
    let isChannelsLast = try top.bool("channels_last", default: true)
    let cudaGraphs = try cudaGraphs(top, device)
    let threads = try top.int("threads", in: 1...4096)
    let data = try data(top.section("data", .data))
    let requests = try requests(top)
    let model = try model(top.section("model", .model))
    let diffusion = try diffusion(top, model)
    let base = try base(top.section("base", .base), model)
    let retrained = try retrained(top, isNone: !hasRetrained, base: base)
    let proxy = try proxy(top, base: base)
    let pipeline = try pipeline(top, requests: requests.count)
    let procedure = try procedure(top)
    return RunPlan(
      name: name, variant: try config.method(of: root), seed: seed, device: device, precision: precision,
      channelsLast: isChannelsLast, cudaGraphs: cudaGraphs, threads: threads, data: data, forget: requests[0],
      sequence: requests.count > 1 ? requests : nil, model: model, diffusion: diffusion, base: base,
      retrained: retrained, proxy: proxy, pipeline: pipeline, procedure: procedure, swaps: try swaps(top, pipeline),
      evaluate: try evaluate(top, hasRetrained: hasRetrained, data.validation, diffusion),
      checkpoint: try checkpoint(top),
      pluginFolders: try paths(top, "plugins"),
      output: try path(top, "output") ?? Paths.absolute("runs", in: environment.currentFolder))
  }

  private func name(_ top: SectionReader) throws(RunError) -> String {
    guard let written = top["name"] else { return config.defaultName }
    let name = try top.string(written, "name")
    guard !name.isEmpty, !name.hasPrefix("."), !name.contains("/"), !name.contains("\n") else {
      throw .wrongType(
        written.place, key: "name", expected: "text that a folder can be called", found: written.words)
    }
    return name
  }

  private func device(_ top: SectionReader) throws(RunError) -> String {
    guard let written = top["device"] else { return "cpu" }
    let device = try top.string(written, "device")
    let isNumbered = device.hasPrefix("cuda:") && (Int(device.dropFirst(5)).map { $0 >= 0 } ?? false)
    guard device == "cpu" || device == "cuda" || isNumbered else {
      throw .notAChoice(
        written.place, key: "device", value: device, choices: ["cpu", "cuda", "cuda:N"],
        nearest: nearest(to: device, in: ["cpu", "cuda"]))
    }
    return device
  }

  private func cudaGraphs(_ top: SectionReader, _ device: String) throws(RunError) -> Bool? {
    guard try top.bool("cuda_graphs", default: false), let written = top["cuda_graphs"] else { return nil }
    guard device != "cpu" else {
      throw .needs(written.place, what: "'cuda_graphs: true'", need: "a CUDA device; write 'device: cuda'")
    }
    return true
  }

  private func data(_ section: SectionReader) throws(RunError) -> DataPlan {
    let source = try section.choice("source", DataFormat.self) ?? .glyphs
    let path = try path(section, "path")
    if source == .glyphs {
      try section.refuse("path", with: "'source: glyphs'", hint: "glyphs are drawn, not read")
    } else if path == nil {
      throw .missing(section.place, key: "data.path", hint: "'source: \(source.rawValue)' is read from a path")
    }
    let augment = try section.section("augment", .augment)
    return DataPlan(
      source: source, path: path, train: try section.int("train", in: 1...Int.max),
      add: try add(section), replay: try replay(section), test: try section.int("test", in: 1...Int.max),
      permutationSeed: section.isNull("permutation_seed") ? nil : try section.seed("permutation_seed", default: 1),
      validation: try validation(section),
      splitSeed: try section.seed("split_seed", default: 1),
      augment: AugmentPlan(
        crop: try augment.int("crop", in: 0...1024) ?? 0, flip: try augment.bool("flip", default: false)),
      normalise: try normalise(section))
  }

  private func validation(_ data: SectionReader) throws(RunError) -> ValidationPlan {
    guard data["validation"]?.entries != nil else {
      return .amount(try data.amount("validation", default: .fraction(0.1), zero: true) ?? .fraction(0.1))
    }
    let section = try data.section("validation", .validation)
    guard let file = try path(section, "samples") else { return .amount(.fraction(0.1)) }
    try data.refuse("split_seed", with: "'validation.samples'", hint: "nothing is drawn at random")
    return .samples(file: file)
  }

  private func normalise(_ data: SectionReader) throws(RunError) -> NormalisePlan? {
    guard data["normalise"] != nil else { return nil }
    let section = try data.section("normalise", .normalise)
    let mean = try numbers(section, "mean", "a finite number") { _ in true }
    let std = try numbers(section, "std", "above 0") { $0 > 0 }
    guard let mean, let std else {
      throw .missing(
        section.place, key: section.name(mean == nil ? "mean" : "std"), hint: "'normalise' takes both mean and std")
    }
    guard mean.count == std.count, !mean.isEmpty else {
      throw .outOfRange(
        section.place, key: section.name("std"), value: "a list of \(std.count)",
        allowed: "a list of as many numbers as 'mean' has, \(mean.count), and of at least one")
    }
    return NormalisePlan(mean: mean, std: std)
  }

  /// What is forgotten: one map, or a list of them that are forgotten one after another. At least one.
  private func requests(_ top: SectionReader) throws(RunError) -> [ForgetPlan] {
    guard let written = top["forget"], case .list(let items) = written.content else {
      return [try forget(top.section("forget", .forget))]
    }
    guard !items.isEmpty else {
      throw .wrongType(written.place, key: "forget", expected: "a map, or a list of maps", found: "an empty list")
    }
    var requests: [ForgetPlan] = []
    for (index, item) in items.enumerated() {
      requests.append(
        try forget(SectionReader(item, path: "forget.\(index)", in: .forget, missingAt: item.place)))
    }
    return requests
  }

  private func forget(_ section: SectionReader) throws(RunError) -> ForgetPlan {
    let keys = ["random", "class", "indices", "files"]
    let found = keys.filter { section[$0] != nil }
    guard found.count == 1 else {
      throw .notExactlyOne(section.place, section: "forget", keys: keys, found: found)
    }
    let seed = try section.seed("seed", default: 1)
    if found != ["class"] {
      try section.refuse("count", with: "'\(found[0])'", hint: "it says how many samples of a 'class'")
    }
    if let written = section["class"] {
      let count = try section.int("count", in: 1...Int.max)
      switch written.content {
      case .scalar(.int):
        return .aClass(.index(try section.int(written, "class", in: 0...Int.max)), count: count, seed: seed)
      case .scalar(.string(let name)): return .aClass(.name(name), count: count, seed: seed)
      default:
        throw .wrongType(written.place, key: "forget.class", expected: "a class's number or name", found: written.words)
      }
    }
    if let file = try path(section, "indices") {
      try section.refuse("seed", with: "'indices'", hint: "nothing is drawn at random")
      return .indices(file: file)
    }
    if let list = try path(section, "files") {
      try section.refuse("seed", with: "'files'", hint: "nothing is drawn at random")
      return .files(list: list)
    }
    guard let amount = try section.amount("random", default: nil, zero: false) else {
      preconditionFailure("one of four keys is there")
    }
    return .random(amount, seed: seed)
  }

  private func checkpoint(_ top: SectionReader) throws(RunError) -> CheckpointPlan {
    let section = try top.section("checkpoint", .checkpoint)
    if section.isNull("every") { return CheckpointPlan(every: nil) }
    return CheckpointPlan(every: try section.interval("every") ?? .epochs(1))
  }

  /// Every method must have a pipeline's keys, also when another one is meant.
  private func checkMethods(_ top: SectionReader) throws(RunError) {
    let methods = try top.section("methods", nil)
    for entry in methods.entries {
      _ = try SectionReader(
        entry.value, path: methods.name(entry.key), in: .pipeline, missingAt: entry.place)
    }
  }

  /// A path, made absolute.
  func path(_ section: SectionReader, _ key: String) throws(RunError) -> String? {
    guard let written = section[key] else { return nil }
    let text = try section.string(written, key)
    return try environment.resolve(
      text, key: section.name(key), place: written.place, recipeFolder: config.folder(of: written.place))
  }

  /// A list of paths, made absolute.
  func paths(_ section: SectionReader, _ key: String) throws(RunError) -> [String] {
    var paths: [String] = []
    for item in try section.list(key, of: "paths") ?? [] {
      let text = try section.string(item, key)
      paths.append(
        try environment.resolve(
          text, key: section.name(key), place: item.place, recipeFolder: config.folder(of: item.place)))
    }
    return paths
  }

  /// A list of finite numbers.
  func numbers(
    _ section: SectionReader, _ key: String, _ allowed: String, where isAllowed: (Double) -> Bool
  ) throws(RunError) -> [Double]? {
    guard let items = try section.list(key, of: "numbers") else { return nil }
    var numbers: [Double] = []
    for item in items { numbers.append(try section.double(item, key, allowed, where: isAllowed)) }
    return numbers
  }
}
