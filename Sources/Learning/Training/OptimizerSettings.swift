/// The rule that turns gradients into steps.
package struct OptimizerSettings: Sendable {
  /// Which rule, with the numbers that only it has.
  package enum Rule: Sendable {
    /// Stochastic gradient descent; `momentum` 0 is none.
    case sgd(momentum: Double, nesterov: Bool)
    /// Adam (Kingma, Ba 2015); weight decay is added to the gradient.
    case adam(betas: (Double, Double), epsilon: Double)
    /// AdamW (Loshchilov, Hutter 2019); weight decay shrinks the weights apart from the gradient.
    case adamW(betas: (Double, Double), epsilon: Double)
  }

  /// Which rule.
  package var rule: Rule
  /// The rate that a schedule scales.
  package var learningRate: Double
  /// On all parameters, biases and batch normalisation included.
  package var weightDecay: Double
  /// The norm that gradients are clipped to; nil for no clipping. Clipping is the caller's: see `clipGradients`.
  package var clip: Double?

  /// A rule with its numbers; no weight decay and no clipping unless given.
  package init(rule: Rule, learningRate: Double, weightDecay: Double = 0, clip: Double? = nil) {
    self.rule = rule
    self.learningRate = learningRate
    self.weightDecay = weightDecay
    self.clip = clip
  }
}
