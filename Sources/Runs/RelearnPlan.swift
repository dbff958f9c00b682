/// How it is timed how long a model takes to learn again what it forgot: stochastic gradient descent with momentum 0.9, no
/// weight decay and a constant rate, on the forget set alone, with the augmentation of the recipe's data.
package struct RelearnPlan: Sendable, Equatable, Codable {
  /// It is over when the accuracy on the forget set is at most so many percentage points below the original model's.
  package var margin: Double
  /// Steps after which it is given up.
  package var cap: Int
  /// The learning rate.
  package var learningRate: Double
  /// Samples a step.
  package var batch: Int

  enum CodingKeys: String, CodingKey {
    case margin, cap
    case learningRate = "learning_rate"
    case batch
  }

  /// A plan of all its values; the defaults are those of a recipe.
  package init(margin: Double = 1, cap: Int = 500, learningRate: Double = 0.01, batch: Int = 128) {
    self.margin = margin
    self.cap = cap
    self.learningRate = learningRate
    self.batch = batch
  }

  /// Which procedure this is: numbers with different ids are not comparable.
  package var protocolID: String {
    "relearn@steps-to-acc(forget)=original-\(Self.text(margin)),sgd,momentum=0.9,lr=\(Self.text(learningRate)),"
      + "batch=\(batch),cap=\(cap),checked=1..20+10%"
  }

  /// After which step the accuracy is looked at next: after each of the first twenty, then after a tenth more each
  /// time, and at the cap.
  package func nextCheck(after step: Int) -> Int { min(cap, step + max(1, step / 10)) }

  private static func text(_ number: Double) -> String {
    number == number.rounded() && number.magnitude < 1e15 ? String(Int64(number)) : "\(number)"
  }
}
