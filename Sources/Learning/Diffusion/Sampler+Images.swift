package import Tensors

extension Sampler {
  /// Images with noise in them, from which a walk begins.
  package struct Start {
    /// γ_t x + σ_t ε, [N, C, H, W], one for each image that is asked for.
    package let noisy: Tensor
    /// t, of the network's schedule.
    package let timestep: Int

    /// See the properties.
    package init(noisy: Tensor, timestep: Int) {
      self.noisy = noisy
      self.timestep = timestep
    }
  }

  /// Draws images.
  ///
  /// All noise of image i comes from `seed` and i alone, drawn on the CPU in binary32: image i is the same in every
  /// batch, on every device and whatever else is asked for, up to rounding.
  ///
  /// - Parameters:
  ///   - images: the numbers of the images.
  ///   - conditions: a class for each image, -1 for the null condition; nil for a model without conditions.
  ///   - batch: how many images the network sees at once; twice as many with guidance.
  ///   - start: images at a timestep, from which to walk instead of from noise.
  ///   - cancel: looked at before each step.
  ///   - progress: told after each step how many were done, of all batches, and of how many.
  ///   - forward: noise predicted in images at timesteps under conditions, for autocast or another network around the
  ///     model; the model itself unless given.
  /// - Returns: [N, C, H, W] in [-1, 1], in binary32 (binary64 where the model is), on the model's device.
  /// - Throws: `LearningError.interrupted`, `LearningError.sampler`; whatever `forward` throws.
  package func sample(
    _ model: Denoiser, seed: UInt64, images: Range<Int>, conditions: [Int]? = nil, batch: Int, from start: Start? = nil,
    cancel: CancelFlag? = nil, progress: ((_ done: Int, _ total: Int) -> Void)? = nil,
    forward: ((_ noisy: Tensor, _ timesteps: Tensor, _ conditions: Tensor?) throws -> Tensor)? = nil
  ) throws -> Tensor {
    precondition(batch > 0 && images.lowerBound >= 0, "images are counted from 0 and drawn in batches")
    precondition(conditions == nil || conditions?.count == images.count, "there is one condition an image")
    precondition((conditions != nil) == (model.conditions > 0), "a model with conditions, and no other, is given some")
    guard settings.guidance == 0 || conditions != nil else {
      throw LearningError.sampler(
        setting: "guidance", value: "\(settings.guidance)", expected: "0 for a model without conditions")
    }
    if let start {
      guard (0..<schedule.timesteps).contains(start.timestep) else {
        throw LearningError.sampler(
          setting: "start", value: "\(start.timestep)", expected: "a timestep from 0 to \(schedule.timesteps - 1)")
      }
      precondition(start.noisy.shape == [images.count] + model.inputShape, "there is one start an image")
    }
    let walk = timesteps(from: start?.timestep)
    let batches = (images.count + batch - 1) / batch
    let forward = forward ?? { try model.forward($0, timesteps: $1, conditions: $2, training: false) }
    return try withoutGradients {
      var drawn: [Tensor] = []
      for number in 0..<batches {
        let places = number * batch..<min((number + 1) * batch, images.count)
        let noise = try ImageNoise(
          seed: seed, images: places.map { images.lowerBound + $0 }, shape: model.inputShape,
          dtype: model.dtype == .float64 ? .float64 : .float32, device: model.device)
        let first = try start?.noisy.narrow(0, start: places.lowerBound, length: places.count).to(model.device)
        var noisy = try first?.to(noise.dtype) ?? noise.next()
        let classes = try conditions.map { all in
          try Tensor(places.map { Int64(all[$0]) }, shape: [places.count], device: model.device)
        }
        for (index, timestep) in walk.enumerated() {
          try cancel?.check()
          let predicted = try predict(noisy, timestep, classes, model, forward)
          noisy = try step(
            noisy, predicted: predicted.to(noisy.dtype), at: timestep,
            to: index + 1 < walk.count ? walk[index + 1] : nil, noise: noise.next)
          progress?(number * walk.count + index + 1, batches * walk.count)
        }
        drawn.append(try noisy.clamped(min: -1, max: 1))
      }
      return drawn.isEmpty
        ? try Tensor.empty([0] + model.inputShape, device: model.device) : try Tensor.cat(drawn)
    }
  }

  /// The noise in images, guided where that is asked for: conditions and null conditions in one pass.
  private func predict(
    _ noisy: Tensor, _ timestep: Int, _ conditions: Tensor?, _ model: Denoiser,
    _ forward: (Tensor, Tensor, Tensor?) throws -> Tensor
  ) throws -> Tensor {
    let count = noisy.shape[0]
    let input = try noisy.to(model.dtype)
    func timesteps(_ count: Int) throws -> Tensor {
      try Tensor.full([count], Double(timestep), dtype: .int64, device: model.device)
    }
    guard settings.guidance != 0, let conditions else {
      return try forward(input, try timesteps(count), conditions)
    }
    let null = try Tensor.full([count], -1, dtype: .int64, device: model.device)
    let both = try forward(
      try Tensor.cat([input, input]), try timesteps(2 * count), try Tensor.cat([conditions, null]))
    let halves = try both.split([count, count])
    return try halves[0] * (1 + settings.guidance) - halves[1] * settings.guidance
  }
}

/// The noise of some images, each from a stream of its own.
private final class ImageNoise {
  let dtype: DType
  private let device: Device
  private let streams: [Generator]
  private let buffer: Tensor
  /// Views of the buffer, one an image.
  private let slices: [Tensor]

  init(seed: UInt64, images: [Int], shape: [Int], dtype: DType, device: Device) throws {
    self.dtype = dtype
    self.device = device
    streams = try images.map { image in
      var stream = Philox(seed: seed, label: "sample", step: UInt64(image))
      return try Generator(seed: stream.next64())
    }
    let buffer = try Tensor.empty([images.count] + shape)
    self.buffer = buffer
    slices = try images.indices.map { try buffer.select(0, $0) }
  }

  /// The next standard normal numbers of each image. What was given before may hold them too: it is used up by then.
  func next() throws -> Tensor {
    for (slice, stream) in zip(slices, streams) { try slice.fillNormal(stream) }
    return try buffer.to(dtype).to(device)
  }
}
