/// How much of something: a share or a number.
package enum AmountPlan: Sendable, Equatable, Codable {
  /// A share, at least 0 and under 1.
  case fraction(Double)
  /// A number of samples.
  case count(Int)

  package init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    if let count = try? container.decode(Int.self) {
      self = .count(count)
    } else {
      self = .fraction(try container.decode(Double.self))
    }
  }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    switch self {
    case .fraction(let share): try container.encode(share)
    case .count(let count): try container.encode(count)
    }
  }
}

/// Which training samples are held out for validation.
package enum ValidationPlan: Sendable, Equatable, Codable {
  /// So many of them, drawn class by class.
  case amount(AmountPlan)
  /// The positions in a file, absolute path; dataset order of the training samples.
  case samples(file: String)

  private enum CodingKeys: String, CodingKey {
    case samples
  }

  package init(from decoder: any Decoder) throws {
    if let amount = try? AmountPlan(from: decoder) {
      self = .amount(amount)
    } else {
      self = .samples(file: try decoder.container(keyedBy: CodingKeys.self).decode(String.self, forKey: .samples))
    }
  }

  package func encode(to encoder: any Encoder) throws {
    switch self {
    case .amount(let amount): try amount.encode(to: encoder)
    case .samples(let file):
      var container = encoder.container(keyedBy: CodingKeys.self)
      try container.encode(file, forKey: .samples)
    }
  }
}

/// Where samples come from.
package enum DataFormat: String, Sendable, Codable, CaseIterable {
  /// The glyphs that Lethe draws itself: ten classes, 28×28, grey.
  case glyphs
  /// Four IDX files, as MNIST has them.
  case idx
  /// A folder, tar or zip of image files with `train/<class>` and `test/<class>`.
  case images
  /// The binary files of CIFAR-10 or CIFAR-100.
  case cifar
  /// A NumPy archive with images and labels.
  case npz
  /// A safetensors file with images and labels.
  case safetensors
  /// Tiny-ImageNet as it is distributed.
  case tinyImageNet = "tiny-imagenet"
}

/// What is learned from.
package struct DataPlan: Sendable, Equatable, Codable {
  /// Where samples come from.
  package var source: DataFormat
  /// The folder or archive, absolute; nil for glyphs.
  package var path: String?
  /// At most so many training samples, from the front of the permutation; nil for all.
  package var train: Int?
  /// Images put among the training samples, behind the others; nil for none.
  package var add: AddedImagesPlan?
  /// What the pipeline has in place of the retain samples; nil for these themselves.
  package var replay: ReplayPlan?
  /// At most so many test samples, from the front of the permutation; nil for all.
  package var test: Int?
  /// Seed of the permutation that both splits are put into when they are loaded; nil for the order of the files.
  package var permutationSeed: UInt64?
  /// Which of the training samples are set aside for validation; no role sees them.
  package var validation: ValidationPlan
  /// Seed of that choice.
  package var splitSeed: UInt64
  /// What is done to training images at random.
  package var augment: AugmentPlan
  /// The constants that images are normalised with; nil for those of the source's training images.
  package var normalise: NormalisePlan?

  enum CodingKeys: String, CodingKey {
    case source, path, train, add, replay, test
    case permutationSeed = "permutation_seed"
    case validation
    case splitSeed = "split_seed"
    case augment, normalise
  }
}

/// What is done to training images at random.
package struct AugmentPlan: Sendable, Equatable, Codable {
  /// Pixels of zeros put around an image before a window of its own size is cut out at random; 0 for no crop.
  package var crop: Int
  /// Whether half of the images are mirrored left to right.
  package var flip: Bool
}

/// The constants that images in [0, 1] are normalised with: (pixel - mean) / std.
package struct NormalisePlan: Sendable, Equatable, Codable {
  /// One value a channel, or one for all.
  package var mean: [Double]
  /// One value a channel, or one for all; above 0.
  package var std: [Double]
}

/// A class, as a recipe names it.
package enum ClassName: Sendable, Equatable, Codable {
  /// By its number, from 0.
  case index(Int)
  /// By its name.
  case name(String)

  package init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    if let index = try? container.decode(Int.self) {
      self = .index(index)
    } else {
      self = .name(try container.decode(String.self))
    }
  }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    switch self {
    case .index(let index): try container.encode(index)
    case .name(let name): try container.encode(name)
    }
  }
}

/// What is forgotten.
package enum ForgetPlan: Sendable, Equatable, Codable {
  /// That much of the training samples, drawn at random.
  case random(AmountPlan, seed: UInt64)
  /// A class, or `count` of its samples drawn at random.
  case aClass(ClassName, count: Int?, seed: UInt64)
  /// The positions in a file (text, one a line; a JSON array; or .npy), absolute path; dataset order of the training samples.
  case indices(file: String)
  /// The images whose files a text lists, one a line, relative to the data's folder or archive; absolute path.
  case files(list: String)

  enum CodingKeys: String, CodingKey {
    case random, `class`, count, indices, files, seed
  }

  package init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    if let file = try container.decodeIfPresent(String.self, forKey: .indices) {
      self = .indices(file: file)
      return
    }
    if let list = try container.decodeIfPresent(String.self, forKey: .files) {
      self = .files(list: list)
      return
    }
    let seed = try container.decode(UInt64.self, forKey: .seed)
    if let name = try container.decodeIfPresent(ClassName.self, forKey: .class) {
      self = .aClass(name, count: try container.decodeIfPresent(Int.self, forKey: .count), seed: seed)
    } else {
      self = .random(try container.decode(AmountPlan.self, forKey: .random), seed: seed)
    }
  }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    switch self {
    case .random(let amount, let seed):
      try container.encode(amount, forKey: .random)
      try container.encode(seed, forKey: .seed)
    case .aClass(let name, let count, let seed):
      try container.encode(name, forKey: .class)
      try container.encodeIfPresent(count, forKey: .count)
      try container.encode(seed, forKey: .seed)
    case .indices(let file):
      try container.encode(file, forKey: .indices)
    case .files(let list):
      try container.encode(list, forKey: .files)
    }
  }
}

/// The network.
package enum ModelPlan: Sendable, Equatable, Codable {
  /// A convolution with as many channels for each number, halving the image each time, then a linear layer.
  case cnn(channels: [Int])
  /// ResNet-18 with the CIFAR stem; `width` channels in the first stage, doubled from stage to stage.
  case resnet18(width: Int)
  /// VGG-16 with batch normalisation in one of its forms; `width` channels in the first convolutions, doubled three times.
  case vgg16(VGGForm, width: Int)
  /// A U-Net that predicts noise.
  case unet(UNetPlan)
  /// The U-Net of a folder of diffusers, absolute path: its configuration, its noise, and as the original model its weights.
  case unetFolder(String)
  /// The U-Net of the class-wise experiments, which is told the class.
  case conditionalUNet(ConditionalUNetPlan)

  /// What follows VGG-16's convolutions, and whether these have biases.
  package enum VGGForm: String, Sendable, Equatable, CaseIterable {
    /// Convolutions without bias, 2×2 average, three linear layers.
    case threeLinear = "vgg16_bn"
    /// Convolutions with bias, global average, one linear layer.
    case globalAverage = "vgg16_bn_lth"
  }

  enum CodingKeys: String, CodingKey {
    case name, channels, width, folder
  }

  /// What it is for.
  package var task: TaskName {
    switch self {
    case .cnn, .resnet18, .vgg16: .classification
    case .unet, .unetFolder, .conditionalUNet: .diffusion
    }
  }

  /// The name a recipe has for it.
  package var name: String {
    switch self {
    case .cnn: "cnn"
    case .resnet18: "resnet18"
    case .vgg16(let form, _): form.rawValue
    case .unet, .unetFolder: "unet"
    case .conditionalUNet: "conditional-unet"
    }
  }

  package init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    let name = try container.decode(String.self, forKey: .name)
    if let form = VGGForm(rawValue: name) {
      self = .vgg16(form, width: try container.decode(Int.self, forKey: .width))
      return
    }
    switch name {
    case "cnn": self = .cnn(channels: try container.decode([Int].self, forKey: .channels))
    case "resnet18": self = .resnet18(width: try container.decode(Int.self, forKey: .width))
    case "unet":
      if let folder = try container.decodeIfPresent(String.self, forKey: .folder) {
        self = .unetFolder(folder)
      } else {
        self = .unet(try UNetPlan(from: decoder))
      }
    case "conditional-unet": self = .conditionalUNet(try ConditionalUNetPlan(from: decoder))
    default:
      throw DecodingError.dataCorruptedError(forKey: .name, in: container, debugDescription: "no model '\(name)'")
    }
  }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(name, forKey: .name)
    switch self {
    case .cnn(let channels): try container.encode(channels, forKey: .channels)
    case .resnet18(let width), .vgg16(_, let width): try container.encode(width, forKey: .width)
    case .unet(let plan): try plan.encode(to: encoder)
    case .unetFolder(let folder): try container.encode(folder, forKey: .folder)
    case .conditionalUNet(let plan): try plan.encode(to: encoder)
    }
  }
}
