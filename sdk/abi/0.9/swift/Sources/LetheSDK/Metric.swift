// SPDX-License-Identifier: Apache-2.0
import CLethe

extension SampleSet {
  /// Held-out samples; for metrics alone.
  public static let test = SampleSet(rawValue: LETHE_SET_TEST)
  /// Samples that were set aside; for metrics alone.
  public static let validation = SampleSet(rawValue: LETHE_SET_VALIDATION)
}

/// The model that is measured.
public struct MeasuredModel {
  /// For forward passes: always with running statistics and without dropout.
  public let model: Model
  /// "original", "retrained" or "unlearned".
  public let name: String
  /// The sets that will be shown.
  public let sets: SampleSet
  /// Number of classes C of the data.
  public let classes: Int
}

/// One batch of one set, in dataset order. What the manifest's "sees" does not list is nil; nothing has a graph.
public struct MeasuredBatch {
  /// The set it is of; empty for samples that the model drew.
  public let set: SampleSet
  /// n > 0.
  public let count: Int
  /// int64 [n], the true labels, or the class that each sample was drawn as.
  public let labels: Tensor?
  /// int64 [n], position in the data that the set is of; nil for drawn samples.
  public let indices: Tensor?
  /// "outputs", classification: float32 [n, C] logits.
  public let outputs: Tensor?
  /// "losses": float32 [n].
  public let losses: Tensor?
  /// int64 [n], beside the losses of diffusion.
  public let timesteps: Tensor?
  /// "inputs": float [n, C, H, W].
  public let inputs: Tensor?
  /// "samples", diffusion: float [n, C, H, W] in [-1, 1], drawn by the model.
  public let samples: Tensor?

  init(_ source: UnsafePointer<lethe_metric_in>?, _ call: Call) {
    let input = snapshot(source, lethe_metric_in())
    set = SampleSet(rawValue: input.set)
    count = Int(input.count)
    labels = call.optional(input.labels)
    indices = call.optional(input.indices)
    outputs = call.optional(input.outputs)
    losses = call.optional(input.losses)
    timesteps = call.optional(input.timesteps)
    inputs = call.optional(input.inputs)
    samples = call.optional(input.samples)
  }
}

/// A number for the report.
public struct MetricResult: Sendable {
  /// Which way of a number is good.
  public enum Direction: UInt32, Sendable {
    /// None: it says what is, not how good it is.
    case neutral
    /// More is better.
    case higher
    /// Less is better.
    case lower
    /// As near to the retrained model's as can be.
    case retrained
  }

  /// [a-z][a-z0-9_-]*, unique with `set`.
  public var name: String
  /// Finite; what is not there is not reported.
  public var value: Double
  /// The set it was measured on; empty for several.
  public var set: SampleSet
  /// Which way is good.
  public var direction: Direction
  /// "%", or empty.
  public var unit: String
  /// What it depends on, "bins=15"; nil: the parameters.
  public var dependsOn: String?
  /// The ends of a 95 % interval.
  public var interval: ClosedRange<Double>?
  /// How many samples it was measured on; 0 where that says nothing.
  public var samples: Int

  /// Makes a number; what is not said is not there.
  public init(
    _ name: String, _ value: Double, set: SampleSet = [], direction: Direction = .neutral, unit: String = "",
    dependsOn: String? = nil, interval: ClosedRange<Double>? = nil, samples: Int = 0
  ) {
    self.name = name
    self.value = value
    self.set = set
    self.direction = direction
    self.unit = unit
    self.dependsOn = dependsOn
    self.interval = interval
    self.samples = samples
  }

  func report(to sink: UnsafePointer<lethe_result_sink>?, _ call: Call) throws {
    let report = try offered(snapshot(sink, lethe_result_sink()).report, "a sink for results")
    var result = lethe_result()
    result.size = UInt32(MemoryLayout<lethe_result>.size)
    result.direction = direction.rawValue
    result.value = value
    result.set = set.rawValue
    result.samples = Int64(samples)
    if let interval {
      result.flags = LETHE_RESULT_INTERVAL
      result.lower = interval.lowerBound
      result.upper = interval.upperBound
    }
    try name.withCString { name in
      try unit.withCString { unit in
        result.name = name
        result.unit = unit
        guard let dependsOn else { return try ask { report(call.context, &result, $0) } }
        try dependsOn.withCString { text in
          result.protocol = text
          try ask { report(call.context, &result, $0) }
        }
      }
    }
  }
}

/// Role `lethe.metric/1`: measures a model while its sets pass through it. It changes nothing.
public protocol Metric: Strategy {
  /// Starts to measure a model. Forgets what was shown before.
  mutating func begin(with model: MeasuredModel, _ call: Call) throws
  /// Is shown a batch. `Tensor.values` waits for the device: once a batch is fine.
  mutating func update(with batch: MeasuredBatch, _ call: Call) throws
  /// Its numbers, at least one where it was shown anything.
  mutating func results(_ call: Call) throws -> [MetricResult]
}

let metricTable = lethe_metric(
  size: UInt32(MemoryLayout<lethe_metric>.size), reserved0: 0,
  begin: { me, ctx, input, error in
    answer(me, ctx, error) { instance, call in
      let input = snapshot(input, lethe_metric_begin())
      try instance.begin(
        with: MeasuredModel(
          model: Model(handle: try offered(input.model, "the model"), call: call),
          name: input.name.map { String(cString: $0) } ?? "", sets: SampleSet(rawValue: input.sets),
          classes: Int(input.classes)), call)
    }
  },
  update: { me, ctx, input, error in
    answer(me, ctx, error) { try $0.update(with: MeasuredBatch(input, $1), $1) }
  },
  finish: { me, ctx, sink, error in
    answer(me, ctx, error) { instance, call in
      for result in try instance.results(call) { try result.report(to: sink, call) }
    }
  })

final class MetricHolder<Method: Metric>: Holder<Method> {
  override func begin(with model: MeasuredModel, _ call: Call) throws { try method.begin(with: model, call) }
  override func update(with batch: MeasuredBatch, _ call: Call) throws { try method.update(with: batch, call) }
  override func results(_ call: Call) throws -> [MetricResult] { try method.results(call) }
}
