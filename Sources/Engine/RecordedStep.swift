import Learning
import PluginHost
import Tensors

/// How steps are recorded and done again: by a device, or in a test by the processor.
protocol StepRecorder: AnyObject {
  /// Does what may record and replay steps.
  func scope(_ body: () throws -> Void) throws

  /// Records what `body` asks of the device, which does none of it; the result asks for all of it again, each time it is
  /// called, and gives what `body` gave. It may run `body` or not: what that does on the processor must not matter.
  ///
  /// - Parameter generators: what `body` draws from beside the default generator.
  func record<Outcome>(
    drawingFrom generators: [Generator], _ body: @escaping () throws -> Outcome
  ) throws -> () throws -> Outcome
}

/// Records CUDA graphs, which share their memory: each is replayed after the other, and what one gave is read before the next.
final class GraphRecorder: StepRecorder {
  private let device: Device
  private weak var latest: DeviceGraph?

  init(device: Device) { self.device = device }

  func scope(_ body: () throws -> Void) throws { try DeviceGraph.onOwnStream(device, body) }

  func record<Outcome>(
    drawingFrom generators: [Generator], _ body: @escaping () throws -> Outcome
  ) throws -> () throws -> Outcome {
    do {
      var given: Outcome?
      let graph = try DeviceGraph(drawingFrom: generators, beside: latest) { given = try body() }
      guard let given else { preconditionFailure("what was recorded gave something") }
      latest = graph
      return {
        try graph.replay()
        return given
      }
    } catch let error as TensorError {
      guard case .operation = error else { throw error }
      throw noGraphs(error)
    } catch let error as PluginError {
      throw noGraphs(error)
    }
  }
}

extension GraphRecorder {
  private func noGraphs(_ error: any Error) -> EngineError {
    .noGraphs(device: "\(device)", reason: "a step cannot be recorded: \(error)")
  }
}

/// The numbers that differ from step to step, where a recorded step reads them: tensors of rank 0 that stay where they are.
struct StepNumbers {
  /// The learning rate, as the optimizer's operators take it.
  let learningRate: Tensor
  /// How much the moving average takes in.
  let share: Tensor
  /// Whether that is all, which is computed in another way.
  let isWhole: Bool
}

/// Steps in a form that is recorded once for each shape and then replayed: their samples, what strategies draw at random and
/// their numbers are copied into tensors that stay where they are, and what a step does reads those alone.
///
/// The first steps of a shape run as they are, from the same tensors of numbers. So a run that is interrupted, and records anew
/// when it goes on, computes the same.
final class RecordedStep<Outcome> {
  /// How many samples of each set the batches of a step have.
  struct Shape: Hashable {
    struct Part: Hashable { let forget, retain: Int }
    let parts: [Part]
  }

  /// What one step does with its batches and its numbers; what it gives is read before the next step.
  ///
  /// - Parameters:
  ///   - number: of the step, or of another one of its shape.
  ///   - window: what that step takes.
  ///   - draws: where strategies draw at random.
  ///   - batch: gives the batch of a part of the step.
  typealias Body = (
    _ number: Int, _ window: [StepSlice], _ numbers: StepNumbers, _ draws: StepDraws,
    _ batch: (_ part: Int) throws -> BatchSource.Batch
  ) throws -> Outcome

  /// The steps of one shape.
  private final class Kind {
    let draws = StepDraws()
    var batches: [BatchSource.Batch] = []
    var done = 0
    var replay: (() throws -> Outcome)?
    var replaysWhole = false

    /// Copies a batch to where the recorded step reads it.
    func put(_ batch: BatchSource.Batch, at part: Int) throws {
      guard part < batches.count else {
        batches.append(
          BatchSource.Batch(
            forgetCount: batch.forgetCount, retainCount: batch.retainCount, images: try batch.images.clone(),
            labels: try batch.labels.clone(), indices: try batch.indices.clone()))
        return
      }
      try batches[part].images.assign(batch.images)
      try batches[part].labels.assign(batch.labels)
      try batches[part].indices.assign(batch.indices)
    }
  }

  private let recorder: any StepRecorder
  private let average: MovingAverage?
  private let body: Body
  private let learningRate, share: Tensor
  private var kinds: [Shape: Kind] = [:]

  /// - Parameters:
  ///   - average: the moving average that `body` updates, if any; its steps are counted here.
  ///   - body: a step. All that outlives it must be in tensors that it changes in place.
  init(_ recorder: any StepRecorder, device: Device, average: MovingAverage?, body: @escaping Body) throws {
    self.recorder = recorder
    self.average = average
    self.body = body
    learningRate = try Tensor.zeros([], dtype: device == .cpu ? .float64 : .float32, device: device)
    share = try Tensor.zeros([], dtype: average?.tensors.first?.tensor.dtype ?? .float32, device: device)
  }

  /// Takes a step; `batch` draws the samples of one of its parts. `isReplayed` says whether what it gives is overwritten in
  /// the next step of its shape.
  func take(
    _ window: [StepSlice], number: Int, learningRate rate: Double, batch: (_ part: Int) throws -> BatchSource.Batch
  ) throws -> (outcome: Outcome, isReplayed: Bool) {
    let taken = average?.count() ?? 0
    try learningRate.fill(rate)
    if average != nil { try share.fill(taken) }
    let numbers = StepNumbers(learningRate: learningRate, share: share, isWhole: taken >= 1)

    let kind = kind(of: window)
    try kind.draws.begin(step: number)
    let isRecorded = kind.replay != nil || kinds.values.count { $0.replay != nil } < RecordedSteps.most
    guard kind.done >= RecordedSteps.warmUp, isRecorded else {
      kind.done += 1
      return (try body(number, window, numbers, kind.draws, batch), false)
    }
    for part in window.indices { try kind.put(batch(part), at: part) }
    if kind.replay == nil || kind.replaysWhole != numbers.isWhole {
      kind.replay = nil  // its memory is free for the next one
      let (batches, draws, body) = (kind.batches, kind.draws, body)
      kind.replay = try recorder.record(drawingFrom: draws.generators) {
        try body(number, window, numbers, draws) { batches[$0] }
      }
      kind.replaysWhole = numbers.isWhole
    }
    guard let replay = kind.replay else { preconditionFailure("a step was recorded") }
    return (try replay(), true)
  }

  private func kind(of window: [StepSlice]) -> Kind {
    let shape = Shape(parts: window.map { Shape.Part(forget: $0.forget.count, retain: $0.retain.count) })
    if let known = kinds[shape] { return known }
    let made = Kind()
    kinds[shape] = made
    return made
  }
}

/// What holds for recorded steps of every kind.
enum RecordedSteps {
  /// Steps of a shape before the first recorded one: libraries set themselves up in them, which cannot be recorded.
  static let warmUp = 3
  /// Shapes that are recorded; a joint schedule may have dozens, and each recording keeps its samples.
  static let most = 16
}
