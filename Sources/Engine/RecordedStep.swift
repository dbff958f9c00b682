import Learning
import Tensors

/// How the steps of a training are recorded and done again: by a device, or in a test by the processor.
protocol StepRecorder {
  /// Does what may record and replay steps.
  func scope(_ body: () throws -> Void) throws

  /// Records what `body` asks of the device, which does none of it; the result asks for all of it again, each time it is
  /// called. It may run `body` or not: what that does on the processor must not matter.
  func record(_ body: @escaping () throws -> Void) throws -> () throws -> Void
}

/// Records CUDA graphs.
struct GraphRecorder: StepRecorder {
  let device: Device

  func scope(_ body: () throws -> Void) throws { try DeviceGraph.onOwnStream(device, body) }

  func record(_ body: @escaping () throws -> Void) throws -> () throws -> Void {
    do {
      let graph = try DeviceGraph(recording: body)
      return { try graph.replay() }
    } catch let error as TensorError {
      guard case .operation = error else { throw error }
      throw EngineError.noGraphs(device: "\(device)", reason: "a training step cannot be recorded: \(error)")
    }
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

/// The steps of a training in a form that is recorded once and then replayed: their images, labels and numbers are copied
/// into tensors that stay where they are, and what a step does reads those alone.
///
/// A step of another size than the recorded ones, the last of an epoch, runs as it is, from the same tensors of numbers: so
/// that a training which is interrupted, and records anew when it goes on, computes the same.
final class RecordedStep {
  /// What one step does with the batches of its parts, of so many samples each, and with its numbers.
  typealias Body = (
    _ sizes: [Int], _ numbers: StepNumbers, _ batch: (_ part: Int) throws -> BatchSource.Batch
  ) throws -> Void

  /// Steps before the first recorded one: libraries set themselves up in them, which cannot be recorded.
  static let warmUp = 3

  private let recorder: any StepRecorder
  private let sizes: [Int]
  private let average: MovingAverage?
  private let body: Body
  private let learningRate, share: Tensor
  private var batches: [BatchSource.Batch] = []
  private var done = 0
  private var replay: (() throws -> Void)?
  private var replaysWhole = false

  /// - Parameters:
  ///   - sizes: how many samples each part of a step has that is recorded.
  ///   - average: the moving average that `body` updates, if any; its steps are counted here.
  ///   - body: a step. All that outlives it must be in tensors that it changes in place.
  init(
    _ recorder: any StepRecorder, sizes: [Int], device: Device, average: MovingAverage?, body: @escaping Body
  ) throws {
    self.recorder = recorder
    self.sizes = sizes
    self.average = average
    self.body = body
    learningRate = try Tensor.zeros([], dtype: device == .cpu ? .float64 : .float32, device: device)
    share = try Tensor.zeros([], dtype: average?.tensors.first?.tensor.dtype ?? .float32, device: device)
  }

  /// Takes a step; `batch` draws the samples of one of its parts.
  func take(sizes: [Int], learningRate rate: Double, batch: (_ part: Int) throws -> BatchSource.Batch) throws {
    let taken = average?.count() ?? 0
    try learningRate.fill(rate)
    if average != nil { try share.fill(taken) }
    let numbers = StepNumbers(learningRate: learningRate, share: share, isWhole: taken >= 1)
    guard sizes == self.sizes else { return try body(sizes, numbers, batch) }
    for part in sizes.indices { try put(batch(part), at: part) }
    if done < Self.warmUp {
      done += 1
      return try body(sizes, numbers) { batches[$0] }
    }
    if replay == nil || replaysWhole != numbers.isWhole {
      replay = nil  // its memory is free for the next one
      let (batches, body) = (batches, body)
      replay = try recorder.record { try body(sizes, numbers) { batches[$0] } }
      replaysWhole = numbers.isWhole
    }
    try replay?()
  }

  /// Copies a batch to where the recorded step reads it.
  private func put(_ batch: BatchSource.Batch, at part: Int) throws {
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
