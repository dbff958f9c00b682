import Foundation
import Learning
import Runs
import Tensors
import Testing

@testable import Engine

/// What a whole run on a diffusion model promises. One at a time: LibTorch seeds for the whole process.
@Suite(.serialized)
struct DiffusionRunTests {
  /// A U-Net of a few thousand weights on 200 glyphs, a few steps of everything.
  static func toy(_ overrides: String...) throws -> ToyRun {
    var toy = try ToyRun()
    toy.recipe = """
      channels_last: false
      data: {source: glyphs, train: 200, test: 40, validation: 0}
      forget: {random: 6, seed: 3}
      model: {name: unet, widths: [8, 8], layers: 1, attention: [], middle_attention: false, groups: 4}
      base: {steps: 6, batch: 16, optimizer: {name: adamw, learning_rate: 0.002}}
      pipeline:
        objective: {plugin: siss, lambda: 0.5}
        updater: gradient-balance
        steps: 6
        batch: 8
        optimizer: {name: adamw, learning_rate: 0.001}
      evaluate:
        sets: [forget, retain, test]
        metrics: [denoising]
        generation: {samples: 4, batch: 4, sampler: {steps: 2}, grid: 4, classifier: {epochs: 1, model: {channels: [2]}}}
      checkpoint: {every: 2 steps}
      threads: 1
      """
    toy.overrides = overrides
    return toy
  }

  /// What tests of weights alone leave out: measuring on every set, images and the retrained model.
  private static let unmeasured = [
    "evaluate.sets=[forget]", "evaluate.metrics=[weights-moved]", "evaluate.generation.grid=0", "retrained=none",
  ]

  @Test
  func `original, retrained and unlearned model are measured, and their images shown`() throws {
    let toy = try Self.toy(
      "evaluate.metrics=[denoising, target-rate, inception-score, fid, kid, precision-recall, similarity, weights-moved, rte]",
      "evaluate.generation.samples=12")
    defer { toy.clean() }
    let report = try toy.carryOut()
    #expect(report.outcome == .finished)
    #expect(report.steps == 6)
    for model in [MeasuredModel.original, .retrained, .unlearned] {
      let metrics = try #require(report[model: model]?.metrics)
      #expect(metrics.allSatisfy { $0.value.isFinite })
      for name in ["target-rate@", "inception-score@", "fid@", "kid@", "precision@", "recall@", "similarity@"] {
        #expect(metrics.contains { $0.id.hasPrefix(name) }, "\(model.text) has no \(name)")
      }
      #expect(metrics.first { $0.id.hasPrefix("target-rate@") }?.interval?.count == 2)
      #expect(report.files["images of \(model.text)"] == "images-\(model.text).png")
    }
    let page = try String(contentsOf: toy.run().appendingPathComponent("report.html"), encoding: .utf8)
    #expect(page.components(separatedBy: "data:image/png;base64,").count == 4)
    #expect(report[model: .unlearned]?.metrics.contains { $0.id.hasPrefix("weights-moved@") } == true)
  }

  @Test
  func `the likelihood of forget and retain images is measured`() throws {
    let toy = try Self.toy(
      "evaluate.metrics=[nll]", "evaluate.generation.nll_images=1", "evaluate.generation.nll_tolerance=0.1",
      "evaluate.generation.grid=0", "retrained=none", "pipeline=none")
    defer { toy.clean() }
    let metrics = try #require(try toy.carryOut()[model: .original]?.metrics)
    #expect(metrics.map(\.name).sorted() == ["NLL(forget)", "NLL(retain)"])
    #expect(metrics.allSatisfy { $0.value.isFinite && $0.samples == 1 })
  }

  @Test(
    arguments: [
      [], ["pipeline.objective=erasediff", "pipeline.updater=bilevel"],
      [
        "pipeline.objective=erasediff", "pipeline.optimizer.accumulate=2",
        "pipeline.updater={plugin: bilevel, inner_steps: 2, inner_optimizer: shared}",
      ],
      [
        "pipeline.objective={plugin: selective-amnesia, fisher_samples: 2, fisher_timesteps: 2}",
        "pipeline.updater=null",
      ],
      ["pipeline.objective=fine-tune", "pipeline.updater=null"],
      ["pipeline.objective=gradient-ascent", "pipeline.updater=null"],
      ["pipeline.optimizer.ema=0.9", "pipeline.optimizer.accumulate=2"],
      ["pipeline.updater={plugin: gradient-balance, every: 4}"],
    ])
  func `an interrupted run goes on bit for bit`(_ overrides: [String]) throws {
    var toy = try Self.toy()
    toy.overrides = Self.unmeasured + overrides
    defer { toy.clean() }
    try toy.carryOut("whole")
    #expect {
      try toy.carryOut("parts", stopAfter: 2)
    } throws: { error in
      guard let error = error as? EngineError, case .interrupted(signal: 2, _) = error else { return false }
      return true
    }
    #expect(try toy.resume("parts").outcome == .finished)
    #expect(try toy.weights("whole") == toy.weights("parts"))
    #expect(try toy.weights("whole") != ToyRun.tensors(try Self.original(of: toy)))
  }

  /// The file that a run of only the original model leaves in the cache is not named; its weights are those of no step.
  private static func original(of toy: ToyRun) throws -> URL {
    var still = toy
    still.overrides += ["pipeline.optimizer.learning_rate=1.0e-30", "pipeline.optimizer.weight_decay=0"]
    try still.carryOut("still")
    return still.run("still").appendingPathComponent("unlearned.safetensors")
  }

  @Test(
    arguments: [
      ["pipeline.updater=gradient-balance"], ["pipeline.objective=erasediff", "pipeline.updater=bilevel"],
      [
        "pipeline.objective=erasediff",
        "pipeline.updater={plugin: bilevel, inner_steps: 2, inner_optimizer: shared, inner_rate: 0.1}",
      ],
    ])
  func `masked weights keep their bits under every updater`(_ overrides: [String]) throws {
    var toy = try Self.toy()
    toy.overrides =
      Self.unmeasured + overrides + ["pipeline.mask={plugin: salun, keep: 0.3}", "pipeline.optimizer.weight_decay=0.1"]
    defer { toy.clean() }
    let report = try toy.carryOut()
    let before = try Tensors(try Self.original(of: toy)),
      after = try Tensors(toy.run().appendingPathComponent("unlearned.safetensors"))
    let density = try #require(report.masks.first)
    var moved = 0
    for (name, old) in before.floats {
      let new = try #require(after.floats[name])
      let kept = try #require(density.parameters.first { $0.name == name }).kept
      let changed = zip(old, new).count { $0 != $1 }
      #expect(changed <= kept, "\(name): \(changed) moved, \(kept) may")
      moved += changed
    }
    #expect(moved > 0)
  }

  @Test
  func `inner steps leave a trace where they share the run's moments, and nowhere else`() throws {
    func weights(_ updater: String) throws -> [String: [UInt8]] {
      let toy = try Self.toy("pipeline.objective=erasediff", "pipeline.updater=\(updater)")
      defer { toy.clean() }
      let report = try toy.carryOut()
      #expect(report.outcome == .finished)
      return try toy.weights()
    }
    let plain = try weights("bilevel")
    for batch in ["fresh", "same"] {
      #expect(try weights("{plugin: bilevel, inner_steps: 3, inner_batch: \(batch)}") == plain)
    }
    let shared = try weights("{plugin: bilevel, inner_steps: 3, inner_optimizer: shared}")
    #expect(shared != plain)
    #expect(try weights("{plugin: bilevel, inner_steps: 3, inner_optimizer: shared}") == shared)
    #expect(try weights("{plugin: bilevel, inner_steps: 3, inner_optimizer: shared, inner_batch: same}") != shared)
  }

  @Test
  func `what was prepared at length lies in the folder of a run until it is finished`() throws {
    let toy = try Self.toy(
      "pipeline.objective={plugin: selective-amnesia, fisher_samples: 2, fisher_timesteps: 2}", "pipeline.updater=null")
    defer { toy.clean() }
    #expect(throws: EngineError.self) { try toy.carryOut(stopAfter: 2) }
    let folder = toy.run().appendingPathComponent("artifacts")
    let files = try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
    #expect(files.count == 1)
    let file = try #require(files.first)
    let stored = try SafeTensors.read(file.path).tensors
    #expect(try stored.count > 0 && stored.allSatisfy { try $0.tensor.isFinite().all().item() != 0 })
    // A resumed run reads it instead of computing it again: one that cannot be read ends the run.
    let bytes = try Data(contentsOf: file)
    try bytes.prefix(bytes.count / 2).write(to: file)
    #expect(throws: (any Error).self) { try toy.resume() }
    try bytes.write(to: file)
    try toy.resume()
    #expect(!FileManager.default.fileExists(atPath: folder.path))
  }

  @Test(arguments: [(4, false), (8, true)])
  func `a network with a group for each channel is warned of`(groups: Int, isWarned: Bool) throws {
    var toy = try Self.toy()
    toy.overrides = Self.unmeasured + ["model.groups=\(groups)", "pipeline.steps=1"]
    defer { toy.clean() }
    #expect(try toy.carryOut().warnings.contains { $0.hasPrefix("model.groups: 8 groups") } == isWarned)
  }

  @Test
  func `a guided mask is another one, and needs classes`() throws {
    func mask(_ keys: String, conditional: Bool = true) throws -> [Int] {
      var toy = try Self.toy(
        "pipeline.objective=erasediff", "pipeline.updater=bilevel",
        "pipeline.mask={plugin: salun, keep: 0.3\(keys)}")
      if conditional { toy.recipe.replace("groups: 4", with: "groups: 4, conditional: true") }
      defer { toy.clean() }
      return try #require(toy.carryOut().masks.first).parameters.map(\.kept)
    }
    let plain = try mask("")
    #expect(try mask(", guidance: 2, clip: 1") != plain)
    do {
      _ = try mask(", guidance: 2", conditional: false)
      Issue.record("a network without classes was guided")
    } catch {
      #expect("\(error)".hasSuffix("a network that is conditioned on classes"))
    }
  }

  /// Every tensor of a file as numbers.
  private struct Tensors {
    var floats: [String: [Float]] = [:]

    init(_ file: URL) throws {
      for (name, tensor) in try SafeTensors.read(file.path).tensors { floats[name] = try tensor.floats() }
    }
  }

  @Test(arguments: ["siss", "erasediff"])
  func `LoReUn weighs the samples of objectives that its paper does not cover`(_ objective: String) throws {
    let updater = objective == "siss" ? "gradient-balance" : "bilevel"
    var toy = try Self.toy(
      "pipeline.objective=\(objective)", "pipeline.updater=\(updater)",
      "pipeline.reweighter={plugin: loreun, eta_forget: 0.5, eta_retain: 0.5}")
    toy.overrides += Self.unmeasured
    defer { toy.clean() }
    let report = try toy.carryOut()
    // What it measured of the original model, and the curve through that, are in the report.
    #expect(report.referenceCurves.map(\.set) == [.forget, .retain])
    for curve in report.referenceCurves {
      #expect(curve.plugin == "loreun" && curve.timesteps == 1000)
      #expect(curve.points.map(\.timestep) == (0..<10).map { 100 * $0 })
      #expect(curve.points.allSatisfy { $0.loss > 0 && $0.loss.isFinite })
      let fit = try #require(curve.fit)
      #expect([fit.a, fit.b, fit.c, fit.floor].allSatisfy(\.isFinite) && fit.floor > 0)
    }
    let page = try String(contentsOf: toy.run().appendingPathComponent("report.html"), encoding: .utf8)
    #expect(page.contains("data-plot=\"curve-forget\"") && page.contains("data-plot=\"curve-retain\""))
    let terms = report.losses.flatMap(\.terms)
    #expect(!terms.isEmpty)
    #expect(terms.contains { $0.weights.map { $0[1] > $0[0] } ?? false })
  }

  @Test
  func `a run begun from a folder of diffusers has the folder's network`() throws {
    var first = try Self.toy()
    first.overrides = Self.unmeasured
    defer { first.clean() }
    try first.carryOut()
    let folder = first.run().appendingPathComponent("unlearned-diffusers").path
    var second = try Self.toy(
      "model={name: unet, folder: \(folder)}", "base=null", "retrained=none",
      "pipeline.optimizer.learning_rate=1.0e-30",
      "pipeline.optimizer.weight_decay=0")
    second.recipe = second.recipe.replacingOccurrences(
      of: "model: {name: unet, widths: [8, 8], layers: 1, attention: [], middle_attention: false, groups: 4}",
      with: "model: {}")
    second.overrides += Self.unmeasured.filter { $0 != "retrained=none" }
    defer { second.clean() }
    // The plan shows the folder's noise, and draws no more steps than it has.
    let scheduler = URL(fileURLWithPath: folder).appendingPathComponent("scheduler/scheduler_config.json")
    let config = try String(contentsOf: scheduler, encoding: .utf8)
    let short = config.replacingOccurrences(of: "\"num_train_timesteps\": 1000", with: "\"num_train_timesteps\": 40")
    try short.write(to: scheduler, atomically: true, encoding: .utf8)
    #expect(try second.plan().diffusion?.timesteps == 40)
    second.overrides.append("evaluate.generation.sampler.steps=41")
    #expect(throws: RunError.self) { try second.plan() }
    second.overrides.removeLast()
    try config.write(to: scheduler, atomically: true, encoding: .utf8)
    try second.carryOut()
    let written = try ToyRun.tensors(
      second.run().appendingPathComponent("unlearned-diffusers/unet/diffusion_pytorch_model.safetensors"))
    #expect(try written == first.weights())
  }

  @Test
  func `without retain data the pipeline sees images that the original drew`() throws {
    var toy = try Self.toy("data.retain={replay: 8}")
    toy.overrides += Self.unmeasured
    defer { toy.clean() }
    let report = try toy.carryOut()
    #expect(report.phases.contains { $0.phase == .replay })
    #expect(report.split?.samples["retain"] == 194)
    var plain = try Self.toy()
    plain.overrides = Self.unmeasured
    defer { plain.clean() }
    // It is the same original model, found where the first run left it.
    let base = try #require(try plain.carryOut().phases.first { $0.phase == .base })
    #expect(base.cached)
    #expect(try toy.plan().baseKeyJSON() == plain.plan().baseKeyJSON())
    #expect(try toy.weights() != plain.weights())
  }

  @Test
  func `a run says on its way how often the model draws what it should forget`() throws {
    var toy = try Self.toy("evaluate.every=3 steps", "evaluate.generation.during=4", "data.train=60")
    toy.overrides += Self.unmeasured
    defer { toy.clean() }
    let report = try toy.carryOut()
    #expect(report.history.map(\.model) == [.step(3), .step(6)])
    for record in report.history {
      #expect(record.metrics.contains { $0.id.hasPrefix("target-rate@") })
      #expect(record.metrics.contains { $0.id.hasPrefix("denoising-loss-forget@") })
    }
  }

  @Test
  func `an average of the weights is what is measured on the way and at the end`() throws {
    // Steps far too long for the model, of which the average has seen next to nothing.
    var toy = try Self.toy(
      "evaluate.every=6 steps", "pipeline.optimizer.ema={decay: 0.999, power: 0}",
      "pipeline.optimizer.learning_rate=0.1", "data.train=60")
    toy.overrides += Self.unmeasured + ["evaluate.metrics=[denoising]"]
    defer { toy.clean() }
    let report = try toy.carryOut()
    func loss(_ metrics: [MetricValue]?) -> Double? {
      metrics?.first { $0.id.hasPrefix("denoising-loss-forget@") }?.value
    }
    let onTheWay = try #require(loss(report.history.last?.metrics))
    #expect(onTheWay == loss(report[model: .unlearned]?.metrics))
    // Looking at the average moves no weight.
    var blind = toy
    blind.overrides.append("evaluate.every=null")
    try blind.carryOut("blind")
    #expect(try toy.weights() == toy.weights("blind"))
    // The weights themselves are far away.
    var raw = toy
    raw.overrides.append("pipeline.optimizer.ema=null")
    let other = try #require(loss(try raw.carryOut("raw").history.last?.metrics))
    #expect(abs(other - onTheWay) > 0.01)
  }

  @Test
  func `an Inception Score of too few images is left out, with a word why`() throws {
    var toy = try Self.toy("data.train=60")
    toy.overrides += Self.unmeasured + ["evaluate.metrics=[inception-score]", "pipeline=none"]
    defer { toy.clean() }
    let report = try toy.carryOut()
    #expect(
      report.warnings.contains {
        $0 == "'inception-score' is left out: 4 of 4 images are left to judge, and it takes 10"
      })
    #expect(report[model: .original]?.metrics.contains { $0.id.hasPrefix("inception-score") } == false)
  }

  @Test
  func `classes are forgotten one after another, and each stage is asked for those of the ones before`() throws {
    var toy = try Self.toy(
      "forget=[{class: 1, count: 5}, {class: 2, count: 4}]",
      "evaluate.metrics=[denoising, target-rate, class-probability, inception-score]", "evaluate.sets=[forget]",
      "evaluate.generation.samples=24", "evaluate.generation.batch=24", "model.conditional=true", "data.train=100")
    toy.recipe = toy.recipe.replacingOccurrences(of: "forget: {random: 6, seed: 3}\n", with: "")
    defer { toy.clean() }
    let whole = try toy.carryOut()
    #expect(whole.outcome == .finished)
    let reports = try (1...2).map { stage in
      let file = toy.run("run/stage-\(stage)/report.json")
      return try RunReport(json: Data(contentsOf: file), file: file.path)
    }
    func metric(_ report: RunReport, _ model: MeasuredModel, _ prefix: String) -> MetricValue? {
      report[model: model]?.metrics.first { $0.id.hasPrefix(prefix) }
    }
    let kinds = ["target-rate", "class-probability", "class-entropy", "denoising-loss-forget"]
    for kind in kinds {
      #expect(metric(reports[0], .unlearned, "\(kind)@") != nil && metric(reports[0], .unlearned, "\(kind)-1@") == nil)
      for model in [MeasuredModel.original, .retrained, .unlearned] {
        let earlier = try #require(metric(reports[1], model, "\(kind)-1@"))
        #expect(earlier.name.hasSuffix("(forget 1)") && earlier.set == .forget && earlier.value.isFinite)
        // The images of the first request are other ones than those of the second.
        let now = try #require(metric(reports[1], model, "\(kind)@"))
        #expect(now.setHash != earlier.setHash)
      }
      // The second stage begins where the first ended: the same model gives the same number of the same request.
      let left = try #require(metric(reports[0], .unlearned, "\(kind)@"))
      #expect(left.value == metric(reports[1], .original, "\(kind)-1@")?.value)
    }
    #expect(
      metric(reports[1], .unlearned, "class-probability-1@")?.value
        != metric(reports[1], .unlearned, "class-probability@")?.value)
    // Neither class counts for quality once it is forgotten: of 24 images of 10 classes 3 are of the first, 3 of the second.
    #expect(metric(reports[0], .unlearned, "inception-score@")?.samples == 21)
    #expect(metric(reports[1], .unlearned, "inception-score@")?.samples == 18)
    // The report of the whole has the images, and the comparison the numbers of every stage.
    let page = try String(contentsOf: toy.run().appendingPathComponent("comparison.html"), encoding: .utf8)
    for row in ["original", "retrained", "stage 1", "stage 2"] { #expect(page.contains("data-picture=\"\(row)\"")) }
    #expect(page.contains("target rate(forget 1)") && page.contains("class probability(forget 1)"))
    let report = try String(contentsOf: toy.run().appendingPathComponent("report.html"), encoding: .utf8)
    #expect(report.components(separatedBy: "data:image/png;base64,").count == 4)
    let grid = try Data(contentsOf: toy.run().appendingPathComponent("grid.png"))
    #expect(grid.starts(with: [0x89, 0x50, 0x4E, 0x47]))
  }
}
