import Foundation
import Learning
import PluginHost
import Runs
import Tensors

/// The metrics of plugins and plain C functions, at work on one model: they are shown the batches that pass through it.
final class PluginMetrics {
  private let plan: RunPlan
  private let shared: Workbench.Shared
  private let name: MeasuredModel
  private let reporter: Reporter
  private let world: World
  private var entries: [Entry] = []

  private struct Entry {
    let work: Work
    /// The sets it is shown, as far as they have samples.
    var sets: [MeasuredSet]
  }

  private enum Work {
    case part(PartPlan, MetricInstance)
    case function(MetricFunctionPlan, FunctionMetric, Columns)
  }

  /// What passed by of each set, read back when the model is through.
  private final class Columns {
    var losses: [MeasuredSet: [Tensor]] = [:]
    var labels: [MeasuredSet: [Tensor]] = [:]
    var indices: [MeasuredSet: [Tensor]] = [:]
    var predictions: [MeasuredSet: [Tensor]] = [:]
    var timesteps: [MeasuredSet: [Tensor]] = [:]
  }

  /// Makes and readies the recipe's metrics for one model; nil where it has none.
  init?(
    _ plan: RunPlan, _ shared: Workbench.Shared, _ model: TrainableModel, named name: MeasuredModel,
    cancel: CancelFlag, reporter: Reporter
  ) throws {
    guard let plugins = plan.evaluate.plugins else { return nil }
    self.plan = plan
    self.shared = shared
    self.name = name
    self.reporter = reporter
    world = World(plan: plan, model: model, shared: shared, cancel: cancel, reporter: reporter)
    world.isMeasuring = true
    let loader = PartLoader(world: world, cancel: cancel)
    // What the default generators give is the same for every model.
    try seedStep(plan.seed, 0, round: 0)
    for (number, metric) in plugins.enumerated() {
      switch metric {
      case .part(let part):
        let instance = try loader.metric(part, number: number)
        let manifest = instance.strategy.manifest
        if manifest.models.contains("retrained"), shared.retrained == nil {
          try reporter.say(.warning("'\(part.id)' is left out: there is no retrained model here"))
          continue
        }
        try withGradients { try instance.prepare() }
        let own = manifest.sets.compactMap { MeasuredSet(rawValue: $0) }
        entries.append(Entry(work: .part(part, instance), sets: own.isEmpty ? MeasuredSet.allCases : own))
      case .function(let function):
        let made = try function.function(classes: world.task.classes)
        entries.append(Entry(work: .function(function, made, Columns()), sets: function.sets.map(\.measured)))
      }
    }
  }

  /// Whether a metric looks at sets, not at drawn images alone.
  var seesSets: Bool {
    entries.contains { entry in
      switch entry.work {
      case .part(_, let instance): instance.sees != [.samples]
      case .function: true
      }
    }
  }

  /// Whether a metric looks at images that the model draws.
  var seesSamples: Bool {
    entries.contains { entry in
      if case .part(_, let instance) = entry.work { instance.sees.contains(.samples) } else { false }
    }
  }

  /// Begins with the model, of which these sets will be shown.
  func begin(_ sets: [Runs.SampleSet]) throws {
    let there = sets.map(\.measured)
    for index in entries.indices {
      entries[index].sets = there.filter(entries[index].sets.contains)
      guard case .part(_, let instance) = entries[index].work else { continue }
      let shown = instance.sees == [.samples] ? [] : entries[index].sets
      entries[index].sets = shown
      try withGradients { try instance.begin(name: name.text, sets: shown) }
    }
  }

  /// Shows a batch on its way through the model.
  func show(_ batch: ObservedBatch) throws {
    let set = batch.set.measured
    for entry in entries where entry.sets.contains(set) {
      switch entry.work {
      case .part(_, let instance):
        let shown = MetricBatch(
          set: set, count: batch.losses.count, labels: batch.labels, indices: batch.indices,
          outputs: try batch.logits?.to(.float32), losses: try batch.losses.to(.float32),
          timesteps: batch.timesteps, inputs: batch.images)
        try withGradients { try instance.update(shown) }
      case .function(_, _, let columns):
        columns.losses[set, default: []].append(batch.losses)
        columns.labels[set, default: []].append(batch.labels)
        columns.indices[set, default: []].append(batch.indices)
        if let logits = batch.logits { columns.predictions[set, default: []].append(try logits.argMax(along: 1)) }
        if let timesteps = batch.timesteps { columns.timesteps[set, default: []].append(timesteps) }
      }
    }
  }

  /// Shows images that the model drew, in [-1, 1], with the class that each was drawn as.
  func show(samples: Tensor, classes: [Int]?, batch: Int) throws {
    for start in stride(from: 0, to: samples.shape[0], by: batch) {
      let count = min(batch, samples.shape[0] - start)
      let labels = try classes.map {
        try Tensor($0[start..<start + count].map { Int64($0) }, shape: [count], device: samples.device)
      }
      let shown = MetricBatch(
        set: nil, count: count, labels: labels, samples: try samples.narrow(0, start: start, length: count))
      for case .part(_, let instance) in entries.map(\.work) where instance.sees.contains(.samples) {
        try withGradients { try instance.update(shown) }
      }
    }
  }

  /// The numbers of all metrics, each with the plugin that it comes from.
  func finish() throws -> [MetricValue] {
    var values: [MetricValue] = []
    for entry in entries {
      switch entry.work {
      case .part(let part, let instance):
        values += try withGradients { try instance.results() }.map { value($0, part) }
        try withGradients { try instance.finish() }
        instance.destroy()
      case .function(let function, let made, let columns):
        for set in entry.sets { values.append(try value(of: set, function, made, columns)) }
      }
    }
    try world.tellReports()
    var ids: Set<String> = []
    for value in values where !ids.insert(value.id).inserted {
      throw EngineError.mismatch(
        "'evaluate.plugins' gives '\(value.id)' twice, from '\(value.plugin ?? "")'; numbers that differ need another "
          + "name or protocol")
    }
    return values
  }

  private func value(_ result: MetricResult, _ part: PartPlan) -> MetricValue {
    let set = result.set.flatMap { Runs.SampleSet(rawValue: $0.rawValue) }
    let protocolText = result.protocol ?? part.parameters.text
    var value = MetricValue(
      id:
        "\(part.id)/\(result.name)\(set.map { "-\($0.rawValue)" } ?? "")\(protocolText.isEmpty ? "" : "@\(protocolText)")",
      name: set.map { "\(result.name)(\($0.rawValue))" } ?? result.name, value: result.value, unit: result.unit,
      direction: result.direction.runs, set: set, samples: result.samples, seed: plan.seed,
      setHash: set.map { shared.data.split.hash(of: $0.part) })
    value.interval = result.interval.map { [$0.lowerBound, $0.upperBound] }
    value.plugin = "\(part.pluginID) \(part.version)"
    return value
  }

  private func value(
    of set: MeasuredSet, _ function: MetricFunctionPlan, _ made: FunctionMetric, _ columns: Columns
  ) throws -> MetricValue {
    func read(_ tensors: [Tensor]?) throws -> [Double]? { try tensors.map { try Tensor.cat($0).doubles() } }
    let losses = try read(columns.losses[set]) ?? []
    let number = try made.value(
      of: MeasuredColumns(
        set: set, losses: losses, labels: try read(columns.labels[set]) ?? [],
        indices: try read(columns.indices[set]) ?? [], predictions: try read(columns.predictions[set]),
        timesteps: try read(columns.timesteps[set])))
    let library = URL(fileURLWithPath: function.library).lastPathComponent
    let arguments = function.arguments.text
    let own = Runs.SampleSet(rawValue: set.rawValue)
    var value = MetricValue(
      id: "\(function.name)-\(set.rawValue)@\(library):\(function.symbol)\(arguments.isEmpty ? "" : ",\(arguments)")",
      name: "\(function.name)(\(set.rawValue))", value: number, unit: function.unit, direction: function.direction,
      set: own, samples: losses.count, seed: plan.seed, setHash: own.map { shared.data.split.hash(of: $0.part) })
    value.plugin = library
    return value
  }
}

extension Parameters {
  /// `bins=15,norm=l1`: what a number depends on.
  fileprivate var text: String { entries.map { "\($0.key)=\($0.value.tree.flow)" }.joined(separator: ",") }
}

extension Runs.SampleSet {
  /// The same for `PluginHost`.
  fileprivate var measured: MeasuredSet {
    switch self {
    case .forget: .forget
    case .retain: .retain
    case .test: .test
    case .validation: .validation
    }
  }
}

extension MetricResult.Direction {
  /// The same for `Runs`.
  fileprivate var runs: MetricDirection {
    switch self {
    case .neutral: .neutral
    case .higher: .higher
    case .lower: .lower
    case .retrained: .retrained
    }
  }
}
