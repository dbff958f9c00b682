import Learning
import Tensors

/// Images and labels on the run's device: decoded once into one tensor of bytes, from which batches are gathered.
final class ImageStore {
  /// Bytes `[N, C, H, W]`.
  let pixels: Tensor
  /// True labels, int64 `[N]`.
  let labels: Tensor
  /// Channels, height and width of an image.
  let channels, height, width: Int
  /// How many images there are.
  let count: Int
  /// Whether batches are in [-1, 1], as diffusion models see images; else in [0, 1].
  let isSymmetric: Bool
  private let device: Device

  /// Copies the images to the device.
  init(_ images: ImageArrays, device: Device, isSymmetric: Bool = false) throws {
    self.isSymmetric = isSymmetric
    count = images.count
    channels = images.channels
    height = images.height
    width = images.width
    self.device = device
    pixels = try Tensor(images.pixels, shape: [count, channels, height, width], device: device)
    labels = try Tensor(images.labels.map { Int64($0) }, shape: [count], device: device)
  }

  /// The same with images [n, C, H, W] in [-1, 1] behind them, rounded to bytes.
  init(_ other: ImageStore, adding images: Tensor, labels added: [Int]) throws {
    let bytes = try (images * 127.5 + 127.5).rounded().clamped(min: 0, max: 255).to(.uint8)
    pixels = try Tensor.cat([other.pixels, bytes])
    labels = try Tensor.cat([
      other.labels, Tensor(added.map { Int64($0) }, shape: [added.count], device: other.device),
    ])
    (channels, height, width) = (other.channels, other.height, other.width)
    count = other.count + added.count
    device = other.device
    isSymmetric = other.isSymmetric
  }

  /// The same images, batches of which are in [0, 1].
  init(inUnitRange other: ImageStore) {
    pixels = other.pixels
    labels = other.labels
    (channels, height, width, count) = (other.channels, other.height, other.width, other.count)
    device = other.device
    isSymmetric = false
  }

  /// The images at `positions` (int64 `[n]`, on the device) as floats in [0, 1] or [-1, 1], `[n, C, H, W]`.
  ///
  /// With an augmentation the crop and the flip of each image come from `generator`, in one gather for the whole batch.
  func images(
    at positions: Tensor, augmentation: Augmentation? = nil, generator: Generator? = nil, channelsLast: Bool
  ) throws -> Tensor {
    var batch = try pixels.indexSelect(0, positions)
    if let augmentation, let generator { batch = try augmented(batch, augmentation, generator) }
    let floats = isSymmetric ? try batch.to(.float32) * (2.0 / 255.0) - 1.0 : try batch.to(.float32) * (1.0 / 255.0)
    return channelsLast ? try floats.contiguous(.channelsLast) : floats
  }

  /// Pads with zeros, then picks for each image a window and a direction.
  private func augmented(_ batch: Tensor, _ augmentation: Augmentation, _ generator: Generator) throws -> Tensor {
    let n = batch.shape[0]
    let pad = augmentation.crop
    func draw(_ range: Range<Int>) throws -> Tensor {
      try Tensor.randomIntegers(range, [n, 1], device: device, generator: generator)
    }
    var rows = try Tensor.arange(0, Double(height), device: device).reshape([1, height])
    var columns = try Tensor.arange(0, Double(width), device: device).reshape([1, width])
    if augmentation.flip {
      // Column w of a mirrored image is column W-1-w: w + f·(W-1-2w) for f in {0, 1}.
      let mirror = try columns * -2 + (width - 1)
      columns = try columns + draw(0..<2) * mirror
    }
    if pad > 0 {
      rows = try rows + draw(0..<2 * pad + 1)
      columns = try columns + draw(0..<2 * pad + 1)
      return try gather(batch.pad([pad, pad, pad, pad]), rows: rows, columns: columns)
    }
    return try gather(batch, rows: rows, columns: columns)
  }

  /// `out[i, c, y, x] = batch[i, c, rows[i, y], columns[i, x]]`; a first dimension of 1 serves all images.
  private func gather(_ batch: Tensor, rows: Tensor, columns: Tensor) throws -> Tensor {
    let n = batch.shape[0]
    let image = try Tensor.arange(0, Double(n), device: device).reshape([n, 1, 1, 1])
    let channel = try Tensor.arange(0, Double(channels), device: device).reshape([1, channels, 1, 1])
    return try batch.indexed([
      image, channel, rows.reshape([rows.shape[0], 1, height, 1]), columns.reshape([columns.shape[0], 1, 1, width]),
    ])
  }
}

/// What training images go through before the model sees them.
struct Augmentation: Sendable, Equatable {
  /// Zeros added on each side before a window of the old size is cut out at a random place, in pixels.
  var crop: Int
  /// Whether half of the images are mirrored.
  var flip: Bool

  /// Nil where nothing would happen.
  init?(crop: Int, flip: Bool) {
    guard crop > 0 || flip else { return nil }
    self.crop = crop
    self.flip = flip
  }
}
