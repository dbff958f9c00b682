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
    #expect((recorder.recordings, recorder.replays) == (1, 15 - RecordedStep.warmUp))
  }
}
