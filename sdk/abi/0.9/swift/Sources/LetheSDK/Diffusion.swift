// SPDX-License-Identifier: Apache-2.0
import CLethe

/// The noise of a run on a diffusion model: x_t = gamma_t x + sigma_t eps for images x in [-1, 1], and a network that
/// predicts eps. Valid during the callback.
public struct Diffusion {
  /// T: a timestep is 0 ..< T.
  public let timesteps: Int
  /// d, the elements of an image.
  public let dimensions: Int
  /// Classes that the network is conditioned on; 0 for none.
  public let conditions: Int
  /// float32 [T].
  public let gamma: Tensor
  /// float32 [T].
  public let sigma: Tensor
  private let call: Call

  fileprivate init(_ call: Call) throws {
    let describe = try offered(call.services.diffusion.describe, "lethe.diffusion/1 describe")
    var info = lethe_diffusion_info()
    info.size = UInt32(MemoryLayout<lethe_diffusion_info>.size)
    try ask { describe(call.context, &info, $0) }
    self.call = call
    timesteps = Int(info.timesteps)
    dimensions = Int(info.dimensions)
    conditions = Int(info.conditions)
    gamma = try call.tensor(info.gamma)
    sigma = try call.tensor(info.sigma)
  }

  /// int64 [count], uniform over 0 ..< T, from the stream of that label; `antithetic` pairs t with T-1-t.
  public func drawTimesteps(_ label: String, count: Int, antithetic: Bool = false) throws -> Tensor {
    let draw = try offered(call.services.diffusion.draw_timesteps, "lethe.diffusion/1 draw_timesteps")
    let flags = antithetic ? LETHE_TIMESTEPS_ANTITHETIC : 0
    var found: lethe_tensor?
    try label.withCString { label in try ask { draw(call.context, label, Int64(count), flags, &found, $0) } }
    return try call.tensor(found)
  }

  /// Standard normal noise of the shape and type of `like`, from the stream of that label.
  public func drawNoise(_ label: String, like: Tensor) throws -> Tensor {
    let draw = try offered(call.services.diffusion.draw_noise, "lethe.diffusion/1 draw_noise")
    var found: lethe_tensor?
    try label.withCString { label in try ask { draw(call.context, label, like.handle, &found, $0) } }
    return try call.tensor(found)
  }

  /// gamma_t x + sigma_t eps, float [n, C, H, W].
  public func addNoise(_ noise: Tensor, to clean: Tensor, at timesteps: Tensor) throws -> Tensor {
    let add = try offered(call.services.diffusion.add_noise, "lethe.diffusion/1 add_noise")
    var found: lethe_tensor?
    try ask { add(call.context, clean.handle, noise.handle, timesteps.handle, &found, $0) }
    return try call.tensor(found)
  }

  /// The noise that a model predicts in `noisy`, float32 [n, C, H, W].
  /// - Parameters:
  ///   - conditions: int64 [n], -1 for the null condition; nil for a network without conditions.
  ///   - guidance: s in (1+s) eps(c) - s eps(null).
  public func denoise(
    _ model: Model, _ noisy: Tensor, at timesteps: Tensor, conditions: Tensor? = nil, guidance: Double = 0,
    _ options: Model.Options = []
  ) throws -> Tensor {
    let denoise = try offered(call.services.diffusion.denoise, "lethe.diffusion/1 denoise")
    var input = lethe_denoise()
    input.size = UInt32(MemoryLayout<lethe_denoise>.size)
    input.flags = options.rawValue
    input.noisy = noisy.handle
    input.timesteps = timesteps.handle
    input.conditions = conditions?.handle
    input.guidance = guidance
    var found: lethe_tensor?
    try ask { denoise(call.context, model.handle, &input, &found, $0) }
    return try call.tensor(found)
  }

  /// |prediction - target|^2 of each sample, [n], by the recipe's reduction over the elements.
  public func losses(_ prediction: Tensor, _ target: Tensor) throws -> Tensor {
    let losses = try offered(call.services.diffusion.losses, "lethe.diffusion/1 losses")
    var found: lethe_tensor?
    try ask { losses(call.context, prediction.handle, target.handle, &found, $0) }
    return try call.tensor(found)
  }
}

extension Model.Options {
  /// Forgets conditions at the rate of the model's training; for `Diffusion.denoise`.
  public static let droppingConditions = Model.Options(rawValue: LETHE_DENOISE_DROP_CONDITION)
}

extension Call {
  /// The noise of the run. Fails in a run on a classifier.
  public func diffusion() throws -> Diffusion { try Diffusion(self) }

  /// The mean loss of the original model over a set at each of these timesteps. Only in `prepare`: it costs passes.
  public func referenceCurve(over set: SampleSet, at timesteps: [Int]) throws -> [Double] {
    let curve = try offered(services.evaluate.reference_curve, "lethe.evaluate/1 reference_curve")
    let asked = timesteps.map(Int64.init)
    var losses = [Double](repeating: 0, count: asked.count)
    try ask { curve(context, set.rawValue, asked, UInt32(asked.count), &losses, $0) }
    return losses
  }
}
