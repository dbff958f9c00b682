import Tensors
import Testing

@testable import PluginHost

/// Weights on trial, and what `prepare` stores.
struct TrialTests {
  /// A step whose evaluations ask an objective of the same session.
  final class View: StepView {
    let learningRate = 0.5
    private(set) var said: [String] = []
    private(set) var terms: [StepTerm]
    private let own: [StepTerm]
    private let toy: Toy
    private let objective: ObjectiveInstance

    init(_ toy: Toy, objective mode: String = "good") throws {
      self.toy = toy
      objective = try toy.objective(mode)
      own = try [
        StepTerm(name: "forget", set: .forget, coefficient: 1, loss: .scalar(1)),
        StepTerm(name: "retain", set: .retain, coefficient: 2, loss: .scalar(2)),
      ]
      terms = own
    }

    func gradients(ofTerm index: Int) throws -> NamedTensors {
      NamedTensors(names: ["weight", "bias"], tensors: [try .ones([3, 2]), try .ones([3])])
    }

    func evaluate(sets: SampleSet, round: Int, takesGradients: Bool) throws {
      said.append("evaluate \(sets.names) \(round) \(takesGradients) \(GradientMode.isOn)")
      let found = try objective.terms(progress: Toy.progress, batches: [toy.batch()], sets: sets)
      terms = try found.map {
        StepTerm(
          name: $0.name, set: $0.set, coefficient: 1, loss: try #require($0.losses).sum().detach())
      }
    }

    func advance(along direction: [Tensor], learningRate: Double, sharesMoments: Bool) throws {
      said.append("advance \(direction.map(\.shape)) \(learningRate) \(sharesMoments)")
    }

    func restore() throws {
      said.append("restore")
      terms = own
    }
  }

  private static let place = "plugin 'test.plugin' 1.2.0 (libgood.so) failed in updater.combine at step 17: "

  @Test(arguments: ["trial", "trial: shared"])
  func `an updater may evaluate the objective again and step on trial`(_ mode: String) throws {
    let toy = try Toy()
    let updater = try toy.updater(mode)
    let view = try View(toy)
    let direction = try updater.combine(progress: Toy.progress, step: view, parameters: toy.world.named)
    #expect(try direction[1].floats() == [1, 1, 1])
    #expect(
      view.said == [
        "evaluate [\"forget\"] 0 true true", "advance [[3, 2], [3]] 0.25 \(mode == "trial: shared")",
        "evaluate [\"forget\"] 3 false false", "restore",
      ])
    // The objective's lines are told as its own, from inside the updater's callback.
    #expect(toy.world.lines.map(\.call) == ["objective.terms", "objective.terms"])
    #expect(toy.session.tensors.count == 0 && GradientMode.isOn && toy.session.round == 0)
  }

  @Test(arguments: [
    ("trial: sets", "sets is 4, 1 (forget), 2 (retain) or 3 (both) would be right"),
    ("trial: round", "round 1001 is not in 0 ... 1000"),
    ("trial: flags", "flags 2 has bits that no header names"),
    ("trial: size", "the size of 'lethe_evaluation' is 8, set it to sizeof of the struct"),
    ("trial: many", "the direction has 1 tensors, 2 would be right"),
    ("trial: rate", "the learning rate -1.0 is no finite number from 0"),
    ("trial: advance flags", "flags 8 has bits that no header names"),
  ])
  func `a trial that is none is refused`(_ broken: (String, String)) throws {
    let toy = try Toy()
    let updater = try toy.updater(broken.0)
    let view = try View(toy)
    #expect(
      message { _ = try updater.combine(progress: Toy.progress, step: view, parameters: toy.world.named) }
        == Self.place + broken.1)
    #expect(GradientMode.isOn)
  }

  @Test func `an objective that fails in an evaluation is named`() throws {
    let toy = try Toy()
    let updater = try toy.updater("trial")
    let view = try View(toy, objective: "says why")
    #expect(
      message { _ = try updater.combine(progress: Toy.progress, step: view, parameters: toy.world.named) }
        == Self.place + "plugin 'test.plugin' 1.2.0 (libgood.so) failed in objective.terms at step 17: "
        + "the forget set is empty")
  }

  @Test func `after the step nothing is on trial`() throws {
    let updater = try Toy().updater("late trial")
    #expect(
      message { try updater.afterStep(progress: Toy.progress, learningRate: 0.1) }
        .hasSuffix("the step's terms and gradients are for 'combine' only"))
  }

  @Test func `what prepare stores is found again`() throws {
    let toy = try Toy()
    _ = try toy.objective("artifact")
    #expect(toy.world.artifacts.count == 1)
    let name = try #require(toy.world.artifacts.keys.first)
    #expect(name.key == "fisher" && name.part.contains("test.objective"))
  }

  @Test(arguments: [
    ("artifact: find", "nothing is stored under 'fisher'"),
    ("artifact: key", "an artifact's key must look like [a-z][a-z0-9_.-]*"),
    ("artifact: count", "2 tensors are stored under 'fisher', not 1"),
    ("artifact: null", "tensors to be stored are there, at least one and none of them NULL"),
  ])
  func `what cannot be stored or found is refused`(_ broken: (String, String)) throws {
    #expect(message { _ = try Toy().objective(broken.0) }.hasSuffix("objective.prepare: " + broken.1))
  }
}
