/// What the models of a run are for.
package enum TaskName: String, Sendable, Codable, CaseIterable {
  /// Telling classes apart.
  case classification
  /// Predicting the noise in images.
  case diffusion
}

/// The shape of the noise over the timesteps.
package enum NoiseShape: String, Sendable, Codable, CaseIterable {
  /// β rises linearly.
  case linear
  /// √β rises linearly.
  case scaledLinear = "scaled-linear"
}

/// How the loss of a sample comes of the squared errors of its d elements.
package enum LossReduction: String, Sendable, Codable, CaseIterable {
  /// Their sum.
  case sum
  /// Their mean.
  case mean
}

/// The noise of a diffusion model, and the loss of a sample.
package struct DiffusionPlan: Sendable, Equatable, Codable {
  /// The shape of β.
  package var shape: NoiseShape
  /// How many timesteps there are.
  package var timesteps: Int
  /// The first and the last β.
  package var beta: [Double]
  /// The reduction of the loss while something is forgotten (a training has its own).
  package var reduction: LossReduction

  enum CodingKeys: String, CodingKey {
    case shape = "schedule"
    case timesteps, beta, reduction
  }
}

/// A U-Net, as diffusers' UNet2DModel has it.
package struct UNetPlan: Sendable, Equatable, Codable {
  /// Channels of each level, from the finest.
  package var widths: [Int]
  /// Residual blocks a level on the way down; one more on the way up.
  package var layers: Int
  /// The levels with attention, counted from 0, the finest.
  package var attention: [Int]
  /// Whether the middle has attention.
  package var middleAttention: Bool
  /// Channels of an attention head.
  package var headChannels: Int
  /// Groups of the group normalisation.
  package var groups: Int
  /// The share of activations that training drops.
  package var dropout: Double
  /// Whether the network is told the class.
  package var conditional: Bool

  /// Whether the finest level has a group for each channel: one that is normalised alone says nothing of an image's brightness.
  package var isBlindToBrightness: Bool { widths.first == groups }

  enum CodingKeys: String, CodingKey {
    case widths, layers, attention
    case middleAttention = "middle_attention"
    case headChannels = "head_channels"
    case groups, dropout, conditional
  }
}

/// The conditional U-Net of the class-wise experiments (`ConditionalUNet` in `Learning`).
package struct ConditionalUNetPlan: Sendable, Equatable, Codable {
  /// Channels of the finest level.
  package var width: Int
  /// Channels of each level over `width`.
  package var multipliers: [Int]
  /// Residual blocks a level on the way down; one more on the way up.
  package var layers: Int
  /// The sides of the feature maps that have attention, in pixels.
  package var attention: [Int]
  /// The share of activations that training drops.
  package var dropout: Double
}

/// How images are drawn from a diffusion model.
package struct SamplerPlan: Sendable, Equatable, Codable {
  /// Which way back.
  package enum Name: String, Sendable, Codable, CaseIterable {
    /// Ancestral sampling over all timesteps.
    case ddpm
    /// The generalised update, with as much fresh noise as `eta` says.
    case ddim
  }

  /// Which way back.
  package var name: Name
  /// How many steps it takes.
  package var steps: Int
  /// DDIM: 0 adds no noise on the way, 1 as much as DDPM.
  package var eta: Double
  /// s in (1+s) ε(c) − s ε(null); 0 for a network that is told no class.
  package var guidance: Double
}

/// The classifier that looks at generated images: trained by the host, or a file of Inception-v3.
package enum ExtractorPlan: Sendable, Equatable, Codable {
  /// A classifier of the retain set's classes, trained by the host on the training images, those that were added left out.
  case train(ModelPlan, TrainingPlan)
  /// Inception-v3 with the weights of a safetensors file, absolute path.
  case inception(file: String)

  private enum CodingKeys: String, CodingKey {
    case model, inception
  }

  package init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    if let file = try container.decodeIfPresent(String.self, forKey: .inception) {
      self = .inception(file: file)
    } else {
      self = .train(
        try container.decode(ModelPlan.self, forKey: .model), try TrainingPlan(from: decoder))
    }
  }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    switch self {
    case .train(let model, let training):
      try container.encode(model, forKey: .model)
      try training.encode(to: encoder)
    case .inception(let file): try container.encode(file, forKey: .inception)
    }
  }
}

/// What is generated and how it is judged.
package struct GenerationPlan: Sendable, Equatable, Codable {
  /// Images drawn of each model.
  package var samples: Int
  /// Images drawn side by side.
  package var batch: Int
  /// How they are drawn.
  package var sampler: SamplerPlan
  /// What their starting noise derives from; the same for every model, so that images can be compared one by one.
  package var seed: UInt64
  /// What looks at them.
  package var extractor: ExtractorPlan
  /// Distance in [0, 1] pixels under which an image counts as one of the forget set.
  package var targetDistance: Double
  /// At most so many different images of a set get an NLL.
  package var nllImages: Int
  /// The relative and absolute tolerance of the NLL's integrator.
  package var nllTolerance: Double
  /// Images in the grid that the report shows, of each model.
  package var grid: Int
  /// Images drawn each time the model is measured during a run, to see how often it draws what it should forget.
  package var during: Int

  enum CodingKeys: String, CodingKey {
    case samples, batch, sampler, seed, extractor
    case targetDistance = "target_distance"
    case nllImages = "nll_images"
    case nllTolerance = "nll_tolerance"
    case grid, during
  }
}

/// Images drawn from the original model in place of a retain set that nobody has any more.
package struct ReplayPlan: Sendable, Equatable, Codable {
  /// How many are drawn.
  package var images: Int
  /// What their noise derives from.
  package var seed: UInt64
}

/// An image that is put among the training images again and again.
package struct AddedImagesPlan: Sendable, Equatable, Codable {
  /// The image, or a folder of images; absolute path.
  package var path: String
  /// How often each is put in.
  package var copies: Int
  /// The name of the class that they are.
  package var className: String

  enum CodingKeys: String, CodingKey {
    case path, copies
    case className = "class"
  }
}
