/// A number that a plugin measured.
package struct MetricResult: Sendable, Equatable {
  /// Which way of a number is good, as lethe/metric.h numbers them.
  package enum Direction: UInt32, Sendable, CaseIterable {
    case neutral, higher, lower, retrained
  }

  /// `[a-z][a-z0-9_-]*`; with `set` unique among an instance's results.
  package var name: String
  /// The set it was measured on; nil where it is of several or of none.
  package var set: MeasuredSet?
  package var value: Double
  /// `%`, or empty.
  package var unit: String
  package var direction: Direction
  /// What the number depends on, as the plugin words it; nil where its parameters say it all.
  package var `protocol`: String?
  /// The ends of the 95 % interval.
  package var interval: ClosedRange<Double>?
  /// How many samples it was measured on.
  package var samples: Int?
}

/// A set that metrics are shown, in the order in which they are.
package enum MeasuredSet: String, Sendable, CaseIterable {
  case forget, retain, test, validation

  /// Its bit in lethe/metric.h.
  package var bit: UInt32 {
    switch self {
    case .forget: 1
    case .retain: 2
    case .test: 4
    case .validation: 8
    }
  }
}

/// What a metric can be shown of a batch.
package enum MetricSight: String, Sendable, Codable, CaseIterable {
  /// Images of a set.
  case inputs
  /// A classifier's logits.
  case outputs
  /// The loss of each sample.
  case losses
  /// Images that a diffusion model drew.
  case samples
}

/// What is wrong with a number that a plugin reports.
package enum ResultProblem: Error, Equatable, Sendable {
  case badName
  case twice(set: String?)
  case notFinite(field: String)
  case badDirection(UInt32)
  case badFlags(UInt32)
  case badSet(UInt32)
  case badUnit
  case badProtocol
  case badInterval(lower: Double, value: Double, upper: Double)
  case badSamples(Int64)
}

extension ResultProblem: CustomStringConvertible {
  package var description: String {
    switch self {
    case .badName: "its name must look like [a-z][a-z0-9_-]* and have at most 64 bytes"
    case .twice(let set): "it was reported before" + (set.map { ", of the \($0) set too" } ?? "")
    case .notFinite(let field): "'\(field)' is not a finite number; what is not there is not reported"
    case .badDirection(let found): "its direction is \(found), one of LETHE_DIRECTION_*, 0 to 3, would be right"
    case .badFlags(let flags): "its flags \(flags) have bits that no header names"
    case .badSet(let set): "its set is \(set), 0 or one of the sets that were shown would be right"
    case .badUnit: "its unit is not printable text of at most 32 bytes"
    case .badProtocol: "its protocol is not printable ASCII without spaces of 1 to 200 bytes"
    case .badInterval(let lower, let value, let upper):
      "its interval \(lower) to \(upper) does not hold its value \(value)"
    case .badSamples(let count): "its number of samples is \(count), 0 or more would be right"
    }
  }
}
