import Learning
import Tensors

/// Steps that do not stay: an updater looks at what a few steps would do before it chooses a direction.
final class Trial {
  /// Weights and running statistics as they were.
  fileprivate let weights, statistics: [Tensor]
  /// An optimizer of its own, made by the first step that asks for one.
  fileprivate var optimizer: Optimizer?

  fileprivate init(_ learner: Learner) throws {
    weights = try learner.parameters.map { try $0.detach().clone() }
    statistics = try learner.statistics.map { try $0.clone() }
  }
}

extension Learner {
  /// Remembers weights and running statistics; does nothing while a trial is under way.
  func beginTrial() throws {
    guard trial == nil else { return }
    trial = try withoutGradients { try Trial(self) }
  }

  /// One step on trial, not clipped; masked weights keep their bits. A direction that is not finite makes the whole step bad.
  ///
  /// - Parameter sharesMoments: with the moments of the run's optimizer, which keep what they gather unless the step is
  ///   bad; else with moments that began at zero with the trial.
  func advanceOnTrial(_ direction: [Tensor], learningRate: Double, sharesMoments: Bool) throws {
    try beginTrial()
    guard let trial else { preconditionFailure("a trial was begun") }
    try withoutGradients {
      try mark(bad: gradientNorm(direction).isFinite().not())
      let rule: Optimizer
      if sharesMoments {
        if momentsBefore.isEmpty { momentsBefore = try optimizer.state.map { try $0.tensor.clone() } }
        rule = optimizer
      } else {
        rule = try trial.optimizer ?? Optimizer(settings, parameters: parameters)
        trial.optimizer = rule
      }
      try rule.step(direction, learningRate: learningRate, held: held, foundInfinity: bad)
    }
  }

  /// Puts weights and running statistics back.
  func endTrial() throws {
    guard let trial else { return }
    try withoutGradients {
      try Foreach.copy(parameters, trial.weights)
      for (now, before) in zip(statistics, trial.statistics) { try now.assign(before) }
    }
    self.trial = nil
  }
}
