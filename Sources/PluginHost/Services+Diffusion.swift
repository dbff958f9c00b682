import CLethe
import Learning
import Tensors

/// "lethe.diffusion/1".
extension ServiceTables {
  // Immutable after the first use, and never freed.
  nonisolated(unsafe) static let diffusion: UnsafePointer<lethe_diffusion> = unsafe make(
    lethe_diffusion(
      size: size(of: lethe_diffusion.self), reserved0: 0,
      describe: { context, out, error in
        unsafe HostSession.serve(context, error) { session throws(Refusal) in
          let facts = try session.diffusion()
          let info = unsafe lethe_diffusion_info(
            size: 0, reserved0: 0, timesteps: Int64(facts.timesteps), dimensions: Int64(facts.dimensions),
            conditions: Int64(facts.conditions), gamma: try session.lend(facts.gamma),
            sigma: try session.lend(facts.sigma))
          unsafe try CStruct.fill(out, info, least: 32, "lethe_diffusion_info")
        }
      },
      draw_timesteps: { context, label, count, flags, out, error in
        unsafe HostSession.serve(context, error) { session throws(Refusal) in
          let drawn = try session.drawTimesteps(unsafe try session.streamName(label), count, flags)
          guard let out = unsafe out else { throw .argument(4, "argument 4 is NULL") }
          unsafe out.pointee = try session.lend(drawn)
        }
      },
      draw_noise: { context, label, like, out, error in
        unsafe HostSession.serve(context, error) { session throws(Refusal) in
          let like = unsafe try session.tensor(like, 2)
          let drawn = try session.drawNoise(unsafe try session.streamName(label), like)
          guard let out = unsafe out else { throw .argument(3, "argument 3 is NULL") }
          unsafe out.pointee = try session.lend(drawn)
        }
      },
      add_noise: { context, clean, noise, timesteps, out, error in
        unsafe HostSession.serve(context, error) { session throws(Refusal) in
          let (clean, noise) = (unsafe try session.tensor(clean, 1), unsafe try session.tensor(noise, 2))
          let noisy = try session.addNoise(clean, noise, unsafe try session.tensor(timesteps, 3))
          guard let out = unsafe out else { throw .argument(4, "argument 4 is NULL") }
          unsafe out.pointee = try session.lend(noisy)
        }
      },
      denoise: { context, model, input, out, error in
        unsafe HostSession.serve(context, error) { session throws(Refusal) in
          let model = unsafe try session.model(model, 1)
          let predicted = unsafe try session.denoise(model, input)
          guard let out = unsafe out else { throw .argument(3, "argument 3 is NULL") }
          unsafe out.pointee = try session.lend(predicted)
        }
      },
      losses: { context, prediction, target, out, error in
        unsafe HostSession.serve(context, error) { session throws(Refusal) in
          let (prediction, target) = (unsafe try session.tensor(prediction, 1), unsafe try session.tensor(target, 2))
          let losses = try session.diffusionLosses(prediction, target)
          guard let out = unsafe out else { throw .argument(3, "argument 3 is NULL") }
          unsafe out.pointee = try session.lend(losses)
        }
      }))
}

extension HostSession {
  /// The noise of the run.
  func diffusion() throws(Refusal) -> DiffusionFacts {
    guard let facts = world.diffusion else {
      throw Refusal(LETHE_E_PRECONDITION, "the run's model is a classifier: it has no noise and no timesteps")
    }
    return facts
  }

  /// Most timesteps that are drawn at once.
  private static let mostDraws: Int64 = 1 << 20

  fileprivate func drawTimesteps(_ name: String, _ count: Int64, _ flags: UInt32) throws(Refusal) -> Tensor {
    let last = try diffusion().timesteps - 1
    guard (1...Self.mostDraws).contains(count) else {
      throw .argument(2, "\(count) timesteps are asked for, 1 to \(Self.mostDraws) would be right")
    }
    guard flags & ~LETHE_TIMESTEPS_ANTITHETIC == 0 else {
      throw .argument(3, "flags \(flags) has bits that no header names")
    }
    let (count, device, isAntithetic) = (Int(count), world.device, flags & LETHE_TIMESTEPS_ANTITHETIC != 0)
    return try drawn(name, "timesteps of \(count), flags \(flags)") { stream in
      var numbers: [Int64] = []
      for _ in 0..<(isAntithetic ? count / 2 + 1 : count) { numbers.append(Int64(stream.integer(below: last + 1))) }
      if isAntithetic { numbers = Array((numbers + numbers.map { Int64(last) - $0 }).prefix(count)) }
      return try Tensor(numbers, shape: [count], device: device)
    }
  }

  fileprivate func drawNoise(_ name: String, _ like: Tensor) throws(Refusal) -> Tensor {
    _ = try diffusion()
    if let problem = TensorChecks.floating(like) { throw .argument(2, "'like': \(problem)") }
    let (shape, dtype, device) = (like.shape, like.dtype, world.device)
    return try drawn(name, "noise of \(shape) in \(dtype)") { stream in
      let generator = try Generator(seed: stream.next64(), device: device)
      return try Tensor.randomNormal(shape, dtype: dtype, device: device, generator: generator)
    }
  }

  fileprivate func addNoise(_ clean: Tensor, _ noise: Tensor, _ timesteps: Tensor) throws(Refusal) -> Tensor {
    let facts = try diffusion()
    try checkImages(clean, "clean", 1, facts)
    guard noise.shape == clean.shape, noise.dtype == clean.dtype, noise.device == clean.device else {
      throw .argument(2, "the noise is \(noise.kind), the images are \(clean.kind): both must be of one kind")
    }
    try checkTimesteps(timesteps, clean.shape[0], 3, facts)
    return try attempt {
      let shape = [clean.shape[0]] + [Int](repeating: 1, count: clean.rank - 1)
      let gamma = try facts.gamma.indexSelect(0, timesteps).reshape(shape).to(clean.dtype)
      let sigma = try facts.sigma.indexSelect(0, timesteps).reshape(shape).to(clean.dtype)
      return try gamma * clean + sigma * noise
    }
  }

  fileprivate func denoise(_ model: ModelHandle, _ input: UnsafePointer<lethe_denoise>?) throws(Refusal) -> Tensor {
    let facts = try diffusion()
    guard let input = unsafe input else { throw .argument(2, "argument 2 is NULL") }
    guard unsafe CStruct.size(input) >= MemoryLayout<lethe_denoise>.size else {
      throw .argument(2, "the size of 'lethe_denoise' is \(unsafe CStruct.size(input)), set it to sizeof of the struct")
    }
    let (flags, guidance) = unsafe (input.pointee.flags, input.pointee.guidance)
    let known = LETHE_FORWARD_EVAL | LETHE_FORWARD_NO_GRAD | LETHE_DENOISE_DROP_CONDITION
    guard flags & ~known == 0 else { throw .argument(2, "flags \(flags) has bits that no header names") }
    let noisy = unsafe try tensor(input.pointee.noisy, 2)
    try checkImages(noisy, "noisy", 2, facts)
    let timesteps = unsafe try tensor(input.pointee.timesteps, 2)
    try checkTimesteps(timesteps, noisy.shape[0], 2, facts)
    let conditions = unsafe try tensor(optional: input.pointee.conditions, 2)
    let drops = flags & LETHE_DENOISE_DROP_CONDITION != 0
    try checkConditions(conditions, noisy.shape[0], guidance, drops, facts)
    let passed = DenoiseInput(
      noisy: noisy, timesteps: timesteps, conditions: conditions, guidance: guidance,
      evaluation: flags & LETHE_FORWARD_EVAL != 0, dropsConditions: drops)
    return try attempt {
      guard flags & LETHE_FORWARD_NO_GRAD != 0 else { return try world.denoise(model, passed) }
      return try withoutGradients { try world.denoise(model, passed) }
    }
  }

  fileprivate func diffusionLosses(_ prediction: Tensor, _ target: Tensor) throws(Refusal) -> Tensor {
    let facts = try diffusion()
    try checkImages(prediction, "prediction", 1, facts)
    guard target.shape == prediction.shape, target.dtype.isFloatingPoint, target.device == prediction.device else {
      throw .argument(2, "the target is \(target.kind), the prediction \(prediction.kind)")
    }
    return try attempt { try world.diffusionLosses(prediction: prediction, target: target) }
  }
}

// MARK: Checks

extension HostSession {
  private func checkImages(
    _ images: Tensor, _ name: String, _ index: Int, _ facts: DiffusionFacts
  ) throws(Refusal) {
    if let problem = TensorChecks.floating(images) ?? TensorChecks.device(images, world.device) {
      throw .argument(index, "'\(name)': \(problem)")
    }
    let shape = images.shape
    guard shape.count >= 2, shape[0] > 0, shape.dropFirst().reduce(1, *) == facts.dimensions else {
      let problem = TensorProblem.shape(found: shape, wanted: "[n, C, H, W] with C*H*W = \(facts.dimensions)")
      throw .argument(index, "'\(name)': \(problem)")
    }
  }

  private func checkTimesteps(
    _ timesteps: Tensor, _ count: Int, _ index: Int, _ facts: DiffusionFacts
  ) throws(Refusal) {
    try checkNumbers(timesteps, "timesteps", count, 0..<facts.timesteps, index)
  }

  private func checkConditions(
    _ conditions: Tensor?, _ count: Int, _ guidance: Double, _ drops: Bool, _ facts: DiffusionFacts
  ) throws(Refusal) {
    guard guidance.isFinite else { throw .argument(2, "guidance is not a finite number") }
    guard facts.conditions > 0 else {
      guard conditions == nil, guidance == 0, !drops else {
        throw .argument(2, "the network is not conditioned: no conditions, guidance 0 and no dropping would be right")
      }
      return
    }
    guard let conditions else {
      throw .argument(2, "'conditions' is NULL, and the network is conditioned on \(facts.conditions) classes")
    }
    try checkNumbers(conditions, "conditions", count, -1..<facts.conditions, 2)
  }

  /// `int64 [count]` on the run's device. Values are looked at where they lie in memory: on a device that would wait for
  /// it, and its own indexing stops the run.
  private func checkNumbers(
    _ numbers: Tensor, _ name: String, _ count: Int, _ range: Range<Int>, _ index: Int
  ) throws(Refusal) {
    if let problem = TensorChecks.vector(numbers, count) ?? TensorChecks.dtype(numbers, .int64)
      ?? TensorChecks.device(numbers, world.device)
    {
      throw .argument(index, "'\(name)': \(problem)")
    }
    guard numbers.device == .cpu else { return }
    let values = try attempt { try numbers.int64s() }
    if let wrong = values.first(where: { !range.contains(Int($0)) }) {
      throw .argument(
        index, "'\(name)': \(wrong) is not in \(range.lowerBound) ... \(range.upperBound - 1)")
    }
  }
}

extension Tensor {
  /// Type, shape and device, for messages.
  fileprivate var kind: String { "\(dtype) \(shape) on \(device)" }
}
