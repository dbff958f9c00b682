import Learning
import Tensors

/// The batches of a run: orders planned a whole epoch ahead and kept on the device, so that a batch is one gather.
final class BatchSource {
  /// One batch as it goes through the model.
  struct Batch {
    /// How many of its samples are of the forget set; they come first.
    let forgetCount: Int
    /// How many are of the retain set.
    let retainCount: Int
    /// Floats in [0, 1], for diffusion in [-1, 1], `[n, C, H, W]`.
    let images: Tensor
    /// True labels, int64 `[n]`.
    let labels: Tensor
    /// Positions in dataset order, int64 `[n]`.
    let indices: Tensor
    /// How many samples it has.
    var count: Int { forgetCount + retainCount }
  }

  private let store: ImageStore
  private let augmentation: Augmentation?
  private let channelsLast: Bool
  private let seed: UInt64
  private let device: Device
  private let generator: Generator
  private var forgetOrder: Tensor?
  private var retainOrder: Tensor?

  init(store: ImageStore, augmentation: Augmentation?, channelsLast: Bool, seed: UInt64, device: Device) throws {
    self.store = store
    self.augmentation = augmentation
    self.channelsLast = channelsLast
    self.seed = seed
    self.device = device
    generator = try Generator(seed: seed, device: device)
  }

  /// Puts the orders of an epoch on the device.
  func begin(_ epoch: EpochPlan) throws {
    func upload(_ order: [Int32]) throws -> Tensor? {
      order.isEmpty ? nil : try Tensor(order.map { Int64($0) }, shape: [order.count], device: device)
    }
    forgetOrder = try upload(epoch.forgetOrder)
    retainOrder = try upload(epoch.retainOrder)
  }

  /// The batch of a slice. Its augmentation depends on the seed, the step and the slice's place in the step alone.
  func batch(_ slice: StepSlice, step: Int, part: Int = 0) throws -> Batch {
    let indices: Tensor
    switch (forgetOrder, retainOrder) {
    case (let forget?, let retain?) where !slice.forget.isEmpty && !slice.retain.isEmpty:
      indices = try Tensor.cat([
        forget.narrow(0, start: slice.forget.lowerBound, length: slice.forget.count),
        retain.narrow(0, start: slice.retain.lowerBound, length: slice.retain.count),
      ])
    case (let forget?, _) where !slice.forget.isEmpty:
      indices = try forget.narrow(0, start: slice.forget.lowerBound, length: slice.forget.count)
    case (_, let retain?) where !slice.retain.isEmpty:
      indices = try retain.narrow(0, start: slice.retain.lowerBound, length: slice.retain.count)
    default: preconditionFailure("a slice of an epoch that was not begun")
    }
    if augmentation != nil {
      var stream = Philox(seed: seed, label: "augment.\(part)", step: UInt64(step))
      try generator.setSeed(stream.next64())
    }
    return Batch(
      forgetCount: slice.forget.count, retainCount: slice.retain.count,
      images: try store.images(
        at: indices, augmentation: augmentation, generator: generator, channelsLast: channelsLast),
      labels: try store.labels.indexSelect(0, indices), indices: indices)
  }
}
