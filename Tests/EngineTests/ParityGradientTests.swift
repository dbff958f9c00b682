import Learning
import Runs
import Tensors
import Testing

@testable import Engine

/// Gradients that steps follow, against finite differences of the losses that plugins compute.
@Suite struct ParityGradientTests {
  struct Case: CustomTestStringConvertible, Sendable {
    let objective: String
    var schedule: String?
    /// Steps of the epoch that are looked at.
    let steps: [Int]

    var testDescription: String { objective + (schedule.map { ", \($0)" } ?? "") }
  }

  @Test(arguments: [
    Case(objective: "fine-tune", steps: [0]),
    Case(objective: "gradient-ascent", steps: [0]),
    // The first three steps forget, the others retain.
    Case(objective: "{plugin: random-label, alpha: 0.5}", schedule: "sequential", steps: [0, 3]),
    Case(objective: "{plugin: random-label, mode: reference}", schedule: "sequential", steps: [0]),
    Case(objective: "{plugin: random-label, alpha: 0.5}", schedule: "joint", steps: [0]),
  ])
  func `gradients of every objective are the slopes of its loss`(_ known: Case) throws {
    let schedule = known.schedule.map { ["schedule: \($0)"] } ?? []
    let run = try ParityRun("data", pipeline: ["objective: \(known.objective)"] + schedule)
    let steps = try ParitySteps(run, .float64)
    for step in known.steps {
      let batch = try steps.batch(step)
      let sum = try StepSum(together: steps.terms(of: batch, step: step), steps.learner)
      let parameters = steps.model.parameters
      var compared = 0
      // Of every fifth tensor the weight with the largest gradient; slopes near 0 drown in rounding.
      for index in stride(from: 0, to: parameters.count, by: 5) {
        let gradient = try sum.gradients[0][index].contiguous().doubles()
        let place = try #require(gradient.indices.max { gradient[$0].magnitude < gradient[$1].magnitude })
        guard gradient[place].magnitude > 1e-3 else { continue }
        let slope = try steps.slope(of: batch, step: step, parameter: index, at: place)
        #expect(
          abs(gradient[place] - slope) <= 1e-6 * abs(slope),
          "\(parameters[index].name)[\(place)] in step \(step): \(gradient[place]), and \(slope) by differences")
        compared += 1
      }
      #expect(compared >= 8)
    }
  }
}

extension ParitySteps {
  /// The slope of a step's loss along one weight. A larger distance meets more kinks of ReLU, a smaller one loses digits.
  func slope(of batch: BatchSource.Batch, step: Int, parameter: Int, at place: Int) throws -> Double {
    let distance = 1e-6
    let weight = try withoutGradients {
      try learner.parameters[parameter].detach().view([-1]).narrow(0, start: place, length: 1)
    }
    let middle = try weight.item()
    func loss(_ value: Double) throws -> Double {
      try weight.fill(value)
      // Asked again in the same step, a plugin takes the batch for the next one of an accumulated step.
      _ = try terms(of: batch, step: step + 1)
      return try terms(of: batch, step: step).reduce(0) { try $0 + $1.value.item() }
    }
    let slope = (try loss(middle + distance) - loss(middle - distance)) / (2 * distance)
    try weight.fill(middle)
    return slope
  }
}
