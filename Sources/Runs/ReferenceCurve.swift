import Foundation

/// How the original model's loss over a set depends on the timestep, as a plugin asked for it, and what it made of that.
package struct ReferenceCurve: Sendable, Equatable, Codable {
  /// The mean loss at a timestep, in the pipeline's reduction.
  package struct Point: Sendable, Equatable, Codable {
    /// The timestep, from 0.
    package var timestep: Int
    /// The mean over samples.
    package var loss: Double

    /// Makes a point of its two halves.
    package init(timestep: Int, loss: Double) {
      self.timestep = timestep
      self.loss = loss
    }
  }

  /// max(floor, a exp(−b t/T) + c), which a plugin says by reporting `curve.SET.a`, `.b`, `.c` and `.floor`.
  package struct Fit: Sendable, Equatable, Codable {
    package var a, b, c: Double
    package var floor: Double

    /// Makes a fit of all its values.
    package init(a: Double, b: Double, c: Double, floor: Double) {
      self.a = a
      self.b = b
      self.c = c
      self.floor = floor
    }

    /// The value at the share t/T of the timesteps.
    package func callAsFunction(_ share: Double) -> Double { max(floor, a * exp(-b * share) + c) }
  }

  /// The set.
  package var set: SampleSet
  /// The strategy that asked.
  package var plugin: String
  /// How many timesteps there are, T.
  package var timesteps: Int
  /// The losses.
  package var points: [Point]
  /// What the plugin fitted to them; nil where it said nothing of that.
  package var fit: Fit?

  /// Makes a curve of all its values.
  package init(set: SampleSet, plugin: String, timesteps: Int, points: [Point], fit: Fit?) {
    self.set = set
    self.plugin = plugin
    self.timesteps = timesteps
    self.points = points
    self.fit = fit
  }

  /// The fitted value at a timestep.
  func fitted(_ timestep: Double) -> Double? { fit.map { $0(timestep / Double(max(timesteps, 1))) } }
}
