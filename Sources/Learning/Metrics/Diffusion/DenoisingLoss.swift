package import Tensors

/// How well a model denoises given images: the mean of `(ε − ε̂(γ_t x + σ_t ε, t))²` over pixels, at chosen timesteps with
/// noise that is the same for every model. What training minimises, without its chance.
package struct DenoisingLoss: Sendable {
  /// `√ᾱ_t` at each timestep of the model's schedule.
  package let scales: [Double]
  /// `√(1 − ᾱ_t)` at each.
  package let deviations: [Double]
  /// At which timesteps the loss is taken.
  package let timesteps: [Int]

  /// At `count` timesteps spread evenly: the middles of as many equal stretches of the schedule.
  ///
  /// - Parameter betas: the model's schedule.
  /// - Throws: `LearningError.generation(.setting)` unless there are 1 to as many as the schedule has.
  package init(betas: [Double], count: Int = 10) throws(LearningError) {
    guard (1...max(1, betas.count)).contains(count), !betas.isEmpty else {
      throw .generation(
        .setting(
          metric: "denoising-loss", name: "the number of timesteps", found: "\(count)",
          expected: "1 to the schedule's \(betas.count)"))
    }
    try self.init(betas: betas, at: (0..<count).map { (2 * $0 + 1) * betas.count / (2 * count) })
  }

  /// At these timesteps.
  ///
  /// - Parameter betas: the model's schedule.
  /// - Throws: `LearningError.generation(.setting)` for none, or one that the schedule does not have.
  package init(betas: [Double], at timesteps: [Int]) throws(LearningError) {
    guard !timesteps.isEmpty, timesteps.allSatisfy(betas.indices.contains) else {
      throw .generation(
        .setting(
          metric: "denoising-loss", name: "the list of timesteps", found: "\(timesteps)",
          expected: "some of 0 to \(betas.count - 1)"))
    }
    var kept = 1.0
    let products = betas.map { beta in
      kept *= 1 - beta
      return kept
    }
    scales = products.map { $0.squareRoot() }
    deviations = products.map { (1 - $0).squareRoot() }
    self.timesteps = timesteps
  }

  /// The loss of each image, the mean over timesteps.
  ///
  /// The noise of image i at the k-th timestep comes from a CPU generator seeded by Philox, label `denoising-loss.noise`,
  /// step = i · count + k, whatever the batch.
  ///
  /// - Parameters:
  ///   - images: [n, C, H, W] in [-1, 1], on the network's device and of its type.
  ///   - noise: the network in evaluation mode: noisy images, labels int64 [m], and which of the images they are, to noise
  ///     of the images' shape.
  /// - Throws: `LearningError.emptySet`, `.notFinite`, `.generation(.shape)`, `.interrupted`; what `noise` throws.
  package func measure(
    _ images: Tensor, seed: UInt64, batch: Int = 128, cancel: CancelFlag,
    noise: (_ images: Tensor, _ labels: Tensor, _ places: Range<Int>) throws -> Tensor
  ) throws -> [Double] {
    let all = try losses(images, seed, batch, cancel, nil, noise).mean(along: [1])
    try all.requireFinite(metric: "denoising-loss", name: "image")
    return try all.doubles()
  }

  /// The loss at each timestep, the mean over images: not a finite number where a network's prediction is none. Noise and
  /// arguments as for ``measure(_:seed:batch:cancel:noise:)``.
  ///
  /// - Parameter observe: is shown the losses of some images at one timestep, float64 [m], with the timestep of each and
  ///   which of the images they are.
  package func curve(
    _ images: Tensor, seed: UInt64, batch: Int = 128, cancel: CancelFlag,
    observe: ((_ losses: Tensor, _ labels: Tensor, _ places: Range<Int>) throws -> Void)? = nil,
    noise: (_ images: Tensor, _ labels: Tensor, _ places: Range<Int>) throws -> Tensor
  ) throws -> [Double] {
    try losses(images, seed, batch, cancel, observe, noise).mean(along: [0]).doubles()
  }

  /// The loss of each image at each timestep, float64 [n, count].
  private func losses(
    _ images: Tensor, _ seed: UInt64, _ batch: Int, _ cancel: CancelFlag,
    _ observe: ((Tensor, Tensor, Range<Int>) throws -> Void)?,
    _ noise: (Tensor, Tensor, Range<Int>) throws -> Tensor
  ) throws -> Tensor {
    let metric = "denoising-loss"
    precondition(batch > 0, "a batch has images")
    let shape = try GeneratedImages.check(images, "images", metric: metric)
    return try withoutGradients {
      var losses: [Tensor] = []
      for start in stride(from: 0, to: shape[0], by: batch) {
        let places = start..<min(start + batch, shape[0])
        let clean = try images.detach().narrow(0, start: start, length: places.count)
        var means: [Tensor] = []
        for (place, timestep) in timesteps.enumerated() {
          try cancel.check()
          let drawn = try self.drawn(like: clean, first: start, place, seed)
          let noisy = try clean * scales[timestep] + (try drawn * deviations[timestep])
          let labels = try Tensor.full([clean.shape[0]], Double(timestep), dtype: .int64, device: clean.device)
          let predicted = try noise(noisy, labels, places)
          guard predicted.shape == clean.shape else {
            throw LearningError.generation(
              .shape(metric: metric, what: "the predicted noise", found: predicted.shape, expected: "\(clean.shape)"))
          }
          let difference = try predicted.to(.float64) - (try drawn.to(.float64))
          let mean = try (difference * difference).mean(along: [1, 2, 3])
          means.append(mean)
          try observe?(mean, labels, places)
        }
        losses.append(try Tensor.stack(means, along: 1))
      }
      return try Tensor.cat(losses)
    }
  }

  private func drawn(like images: Tensor, first: Int, _ place: Int, _ seed: UInt64) throws(TensorError) -> Tensor {
    var rows: [Tensor] = []
    for image in 0..<images.shape[0] {
      let step = UInt64((first + image) * timesteps.count + place)
      var stream = Philox(seed: seed, label: "denoising-loss.noise", step: step)
      let generator = try Generator(seed: stream.next64())
      rows.append(try Tensor.randomNormal(Array(images.shape.dropFirst()), generator: generator))
    }
    return try Tensor.stack(rows).to(images.dtype).to(images.device)
  }
}
