import Testing

@testable import Engine

/// Among the tests that run one at a time: these trainings draw from the default generators, which are the process's.
extension DiffusionRunTests {
  static let variants = [
    [],
    ["precision=bf16", "channels_last=true"],
    ["model.conditional=true", "base.condition_dropout=0.3"],
    ["model.attention=[1]", "model.middle_attention=true", "model.dropout=0.2", "base.reduction=sum"],
    ["model={name: conditional-unet, width: 32, multipliers: [1, 2], layers: 1, attention: [14], dropout: 0.1}"],
  ]

  @Test(arguments: variants)
  func `replayed steps give the weights of steps that are carried out`(_ overrides: [String]) throws {
    let optimizer = "base.optimizer={name: adamw, learning_rate: 0.002, clip: 1, ema: 0.99}"
    let training = try RecordedTrainingTests.Training(
      [optimizer, "base.steps=16"] + overrides, of: DiffusionRunTests.toy())
    defer { training.toy.clean() }
    let recorder = RecordedTrainingTests.Repeater()
    #expect(try training.weights(recorder) == training.weights(nil))
    // The last batch of the first epoch is smaller.
    #expect((recorder.recordings, recorder.replays) == (1, 15 - RecordedSteps.warmUp))
  }

  static let objectives = [
    "objective: erasediff, schedule: paired",
    "objective: {plugin: erasediff, variant: A, target: normal}, schedule: paired",
    "objective: {plugin: erasediff, variant: C}, schedule: sequential",
    "objective: {plugin: erasediff, variant: D, target_class: 1}, schedule: paired",
    "objective: salun-diffusion, schedule: paired",
    "objective: {plugin: salun-diffusion, mode: reference}, schedule: paired",
    "objective: selective-amnesia, schedule: paired",
    "objective: blindspot, schedule: paired",
    "objective: fine-tune, reweighter: loreun",
    "objective: gradient-ascent, reweighter: loreun, mask: {plugin: salun, keep: 0.5}",
  ]

  @Test(arguments: objectives)
  func `a pipeline's replayed steps give the weights of steps that are carried out`(_ parts: String) throws {
    var toy = try DiffusionRunTests.toy(
      "model.conditional=true", "base.condition_dropout=0.2", "forget={class: 3}", "retrained=none",
      "evaluate.generation=null", "evaluate.metrics=[weights-moved]")
    if parts.contains("blindspot") { toy.overrides.append("proxy={steps: 2, batch: 16}") }
    // The forget steps come first, five of them, of which the last is smaller.
    let steps = parts.contains("sequential") ? 12 : 8
    toy.overrides.append(
      "pipeline={\(parts), steps: \(steps), batch: 4, optimizer: {name: adamw, learning_rate: 0.001, ema: 0.9}}")
    defer { toy.clean() }
    let recorder = RecordedTrainingTests.Repeater()
    let run = try RecordedUnlearning(toy)
    let plain = try run.unlearn(nil)
    let replayed = try run.unlearn(recorder)
    #expect(replayed.weights == plain.weights)
    #expect(replayed.losses == plain.losses)
    #expect(replayed.warnings == [])
    #expect(recorder.recordings >= 1 && recorder.replays >= 2)
  }

  @Test func `a pipeline of which a part is not capturable is carried out, and the run says why`() throws {
    let toy = try DiffusionRunTests.toy(
      "retrained=none", "evaluate.generation=null", "evaluate.metrics=[weights-moved]")
    defer { toy.clean() }
    let recorder = RecordedTrainingTests.Repeater()
    let run = try RecordedUnlearning(toy)
    let replayed = try run.unlearn(recorder)
    #expect(recorder.recordings == 0)
    #expect(try replayed.weights == run.unlearn(nil).weights)
    #expect(replayed.warnings.count == 1 && replayed.warnings[0].contains("the updater 'gradient-balance'"))
  }
}
