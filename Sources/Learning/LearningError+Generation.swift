/// What can be wrong with what a metric of generated images is given. Carried by ``LearningError/generation(_:)``.
package enum GenerationProblem: Error, Equatable, Sendable {
  /// Something has another shape than it must.
  case shape(metric: String, what: String, found: [Int], expected: String)
  /// There are fewer of something than the metric is defined for.
  case tooFew(metric: String, what: String, found: Int, needed: Int)
  /// Two things that belong together have different sizes.
  case mismatch(metric: String, first: String, firstSize: String, second: String, secondSize: String)
  /// A setting is outside its range.
  case setting(metric: String, name: String, found: String, expected: String)
  /// A row of probabilities does not add up to 1.
  case notProbabilities(metric: String, row: Int, sum: Double)
  /// A class that the classifier does not have.
  case classRange(metric: String, found: Int, classes: Int)
  /// An embedding of length 0 has no direction.
  case noDirection(metric: String, what: String, row: Int)
  /// The predicted noise cannot be differentiated by the images.
  case noGradient(metric: String)
  /// An integration was given up.
  case tooManyEvaluations(metric: String, image: Int, limit: Int, time: Double)
  /// An integration can go on with no step that a number tells from 0.
  case stepTooSmall(metric: String, image: Int, time: Double)
  /// A noise schedule is not the one that the metric is defined for.
  case schedule(metric: String, reason: String)
}

extension GenerationProblem: CustomStringConvertible {
  /// What went wrong, where, and what would be right.
  package var description: String {
    switch self {
    case .shape(let metric, let what, let found, let expected):
      "\(metric): \(what) has shape \(found); expected \(expected)"
    case .tooFew(let metric, let what, let found, let needed):
      "\(metric) needs at least \(needed) \(what), but there \(found == 1 ? "is" : "are") \(found)"
    case .mismatch(let metric, let first, let firstSize, let second, let secondSize):
      "\(metric): \(first) has \(firstSize), but \(second) has \(secondSize); expected them alike"
    case .setting(let metric, let name, let found, let expected):
      "\(metric): \(name) is \(found); expected \(expected)"
    case .notProbabilities(let metric, let row, let sum):
      "\(metric): the probabilities of sample \(row) add up to \(sum); expected 1: give logarithms of a softmax"
    case .classRange(let metric, let found, let classes):
      "\(metric): there is no class \(found); the classifier has classes 0 to \(classes - 1)"
    case .noDirection(let metric, let what, let row):
      "\(metric): row \(row) of \(what) is all zeros, which has no direction; the embedding says nothing of that image"
    case .noGradient(let metric):
      "\(metric) needs gradients of the predicted noise by the images, but the network recorded none; "
        + "call it without switching gradients off and without detaching its input"
    case .tooManyEvaluations(let metric, let image, let limit, let time):
      "\(metric): image \(image) was at time \(time) of 1 after \(limit) evaluations of the network; "
        + "raise the limit or loosen the tolerance"
    case .stepTooSmall(let metric, let image, let time):
      "\(metric): the step at time \(time) of image \(image) became too small; loosen the tolerance"
    case .schedule(let metric, let reason):
      "\(metric) is defined for betas that grow linearly with the timestep, and \(reason)"
    }
  }
}
