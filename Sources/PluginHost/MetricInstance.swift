import CLethe
package import Tensors

/// A batch as a metric is shown it. What the manifest's "sees" does not list is not handed on.
package struct MetricBatch {
  /// The set it is of; nil for images that the model drew.
  package var set: MeasuredSet?
  /// How many samples, above 0.
  package var count: Int
  /// `int64 [n]`.
  package var labels, indices: Tensor?
  /// float32 `[n, classes]`.
  package var outputs: Tensor?
  /// float32 `[n]`.
  package var losses: Tensor?
  /// `int64 [n]`, beside the losses of a diffusion model.
  package var timesteps: Tensor?
  /// float `[n, C, H, W]`.
  package var inputs, samples: Tensor?

  package init(
    set: MeasuredSet?, count: Int, labels: Tensor? = nil, indices: Tensor? = nil, outputs: Tensor? = nil,
    losses: Tensor? = nil, timesteps: Tensor? = nil, inputs: Tensor? = nil, samples: Tensor? = nil
  ) {
    self.set = set
    self.count = count
    self.labels = labels
    self.indices = indices
    self.outputs = outputs
    self.losses = losses
    self.timesteps = timesteps
    self.inputs = inputs
    self.samples = samples
  }
}

/// A metric at work on one model.
package final class MetricInstance: StrategyInstance {
  /// What it is shown.
  package var sees: [MetricSight] { strategy.manifest.sees }

  private var shown: [MeasuredSet] = []
  private var isShown = false

  /// Starts to measure a model.
  ///
  /// - Parameters:
  ///   - model: the world's number of it.
  ///   - name: `original`, `retrained` or `unlearned`.
  ///   - sets: those that will be shown.
  package func begin(_ model: ModelHandle = ModelHandle(0), name: String, sets: [MeasuredSet]) throws {
    _ = try legal(.work, "begin", nil)
    let begin = unsafe table.begin
    shown = sets
    isShown = false
    try unsafe call("begin", nil, .work) { (instance, context, error) throws(Refusal) in
      let input = unsafe lethe_metric_begin(
        size: ServiceTables.size(of: lethe_metric_begin.self), sets: sets.reduce(0) { $0 | $1.bit },
        model: session.handle(model), name: session.cNames([name])[0], classes: Int64(session.world.task.classes))
      return unsafe begin?(instance, context, try session.show(input), error) ?? LETHE_E_UNIMPLEMENTED
    }
  }

  /// Shows a batch.
  package func update(_ batch: MetricBatch) throws {
    _ = try legal(.work, "update", nil)
    let update = unsafe table.update
    let sees = sees
    func lend(_ tensor: Tensor?, _ sight: MetricSight) throws(Refusal) -> lethe_tensor? {
      sees.contains(sight) ? unsafe try session.lend(optional: tensor) : nil
    }
    isShown = true
    try unsafe call("update", nil, .work) { (instance, context, error) throws(Refusal) in
      let input = unsafe lethe_metric_in(
        size: ServiceTables.size(of: lethe_metric_in.self), set: batch.set?.bit ?? 0, count: Int64(batch.count),
        labels: try session.lend(optional: batch.labels), indices: try session.lend(optional: batch.indices),
        outputs: try lend(batch.outputs, .outputs), losses: try lend(batch.losses, .losses),
        timesteps: try lend(batch.timesteps, .losses), inputs: try lend(batch.inputs, .inputs),
        samples: try lend(batch.samples, .samples))
      return unsafe update?(instance, context, try session.show(input), error) ?? LETHE_E_UNIMPLEMENTED
    }
  }

  /// Its numbers: at least one where it was shown anything.
  package func results() throws -> [MetricResult] {
    _ = try legal(.work, "finish", nil)
    let finish = unsafe table.finish
    return unsafe try call(
      "finish", nil, .measure,
      { (instance, context, error) throws(Refusal) in
        session.frame.shown = shown
        return unsafe finish?(instance, context, ServiceTables.results, error) ?? LETHE_E_UNIMPLEMENTED
      },
      take: {
        let found = session.frame.results
        guard !found.isEmpty || !isShown else { throw PluginError.call(describe("finish", nil), .noResults) }
        return found
      })
  }

  private var table: lethe_metric {
    guard case .metric(let table) = strategy.loaded.role else {
      preconditionFailure("a metric has a table of its role")
    }
    return table
  }
}

extension ServiceTables {
  // Immutable after the first use, and never freed.
  nonisolated(unsafe) static let results: UnsafePointer<lethe_result_sink> = unsafe make(
    lethe_result_sink(
      size: size(of: lethe_result_sink.self), reserved0: 0,
      report: { context, result, error in
        unsafe HostSession.serve(context, error) { session throws(Refusal) in
          guard let result = unsafe result else { throw .argument(1, "argument 1 is NULL, a result would be right") }
          // Up to `protocol`, which came with the first version; what is not there is none.
          let least = unsafe MemoryLayout<lethe_result>.offset(of: \.set) ?? 0
          guard unsafe CStruct.size(result) >= least, unsafe CStruct.size(result) <= 4096 else {
            throw .argument(
              1, "the size of 'lethe_result' is \(unsafe CStruct.size(result)), set it to sizeof of the struct")
          }
          unsafe try session.take(CStruct.copy(UnsafeRawPointer(result), into: lethe_result()))
        }
      }))
}

extension HostSession {
  /// Takes a number that a metric reports.
  fileprivate func take(_ result: lethe_result) throws(Refusal) {
    let name = unsafe CStruct.text(result.name, limit: 256) ?? ""
    func refuse(_ problem: ResultProblem) -> Refusal {
      Refusal(LETHE_E_INVALID_ARGUMENT, "\(CallProblem.result(CStruct.line(name), problem))", detail: 1)
    }
    guard frame.moment == .measure else {
      throw Refusal(LETHE_E_PRECONDITION, "results are for 'finish' of a metric only")
    }
    guard name.isTermName, name.utf8.count <= 64 else { throw refuse(.badName) }
    let bits = unsafe result.set
    let set = frame.shown.first { $0.bit == bits }
    guard bits == 0 || set != nil else { throw refuse(.badSet(bits)) }
    guard !frame.results.contains(where: { $0.name == name && $0.set == set }) else {
      throw refuse(.twice(set: set?.rawValue))
    }
    guard unsafe result.value.isFinite else { throw refuse(.notFinite(field: "value")) }
    guard let direction = MetricResult.Direction(rawValue: unsafe result.direction) else {
      throw unsafe refuse(.badDirection(result.direction))
    }
    guard unsafe result.flags & ~LETHE_RESULT_INTERVAL == 0 else { throw unsafe refuse(.badFlags(result.flags)) }
    let unit = unsafe CStruct.text(result.unit, limit: 64) ?? ""
    guard unit.utf8.count <= 32, CStruct.line(unit) == unit else { throw refuse(.badUnit) }
    let written = unsafe CStruct.text(result.protocol, limit: 256)
    if let written, !(1...200).contains(written.utf8.count) || !written.utf8.allSatisfy({ (33...126).contains($0) }) {
      throw refuse(.badProtocol)
    }
    guard unsafe result.samples >= 0 else { throw unsafe refuse(.badSamples(result.samples)) }
    var found = MetricResult(
      name: name, set: set, value: unsafe result.value, unit: unit, direction: direction, protocol: written,
      interval: nil, samples: unsafe result.samples > 0 ? unsafe Int(result.samples) : nil)
    if unsafe result.flags & LETHE_RESULT_INTERVAL != 0 {
      let (lower, upper) = unsafe (result.lower, result.upper)
      guard lower.isFinite else { throw refuse(.notFinite(field: "lower")) }
      guard upper.isFinite else { throw refuse(.notFinite(field: "upper")) }
      guard lower <= found.value, found.value <= upper else {
        throw refuse(.badInterval(lower: lower, value: found.value, upper: upper))
      }
      found.interval = lower...upper
    }
    frame.results.append(found)
  }
}
