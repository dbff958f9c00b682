import Foundation

/// What a folder of diffusers says of the noise that its network was trained with, so that a plan can show it.
///
/// Nil where the folder is not there or says something that a run will refuse: the run reads the folder itself, and tells
/// what is wrong with it.
struct FolderNoise {
  private let shape: NoiseShape
  private let timesteps: Int
  private let beta: [Double]

  private struct Config: Decodable {
    let num_train_timesteps: Int?
    let beta_start, beta_end: Double?
    let beta_schedule: String?
  }

  init?(of folder: String, _ environment: ResolverEnvironment) {
    let places = ["\(folder)/scheduler/scheduler_config.json", "\(folder)/scheduler_config.json"]
    guard let text = places.lazy.compactMap(environment.text).first,
      let config = try? JSONDecoder().decode(Config.self, from: Data(text.utf8))
    else { return nil }
    // What diffusers means by a key that is not there.
    let shapes = ["linear": NoiseShape.linear, "scaled_linear": .scaledLinear]
    guard let shape = shapes[config.beta_schedule ?? "linear"] else { return nil }
    self.shape = shape
    timesteps = config.num_train_timesteps ?? 1000
    beta = [config.beta_start ?? 1e-4, config.beta_end ?? 0.02]
    guard timesteps > 0, 0 < beta[0], beta[0] <= beta[1], beta[1] < 1 else { return nil }
  }

  func plan(reduction: LossReduction) -> DiffusionPlan {
    DiffusionPlan(shape: shape, timesteps: timesteps, beta: beta, reduction: reduction)
  }
}
