import Foundation
package import Tensors

/// Images side by side, as a PNG.
///
/// -1 is black and 1 is white (or a channel's full strength), whatever else is in the image or the grid: nothing is
/// stretched, so that grids of two models can be compared by eye.
package struct ImageGrid: Sendable {
  /// Pixels between neighbours and around the whole.
  package static let gap = 2
  /// The value of a gap, 0 ... 255.
  private static let background: UInt8 = 128

  /// Pixels of the whole.
  package let width, height: Int
  /// 1 for grey, 3 for RGB.
  package let channels: Int
  /// Rows of pixels, the channels of one side by side.
  let pixels: [UInt8]

  /// - Parameters:
  ///   - images: [n, C, H, W] in [-1, 1] with 1 or 3 channels; what lies beyond is cut off.
  ///   - columns: images in a row; places that are left over in the last row are gap.
  /// - Throws: `LearningError.emptySet`, `.notFinite`, `.generation`.
  package init(_ images: Tensor, columns: Int) throws {
    let metric = "image grid"
    let shape = try GeneratedImages.check(images, "images", metric: metric)
    guard shape[1] == 1 || shape[1] == 3 else {
      throw LearningError.generation(
        .shape(metric: metric, what: "the tensor of images", found: shape, expected: "1 or 3 channels"))
    }
    guard columns >= 1 else {
      throw LearningError.generation(
        .setting(metric: metric, name: "the number of columns", found: "\(columns)", expected: "at least 1"))
    }
    let (count, channels, high, wide) = (shape[0], shape[1], shape[2], shape[3])
    let across = min(columns, count)
    let down = (count + across - 1) / across
    let (width, height) = (
      across * (wide + ImageGrid.gap) + ImageGrid.gap, down * (high + ImageGrid.gap) + ImageGrid.gap
    )
    let bytes = try ImageGrid.levels(images).permute([0, 2, 3, 1]).contiguous().to(.uint8).uint8s()
    var pixels = [UInt8](repeating: ImageGrid.background, count: width * height * channels)
    let line = wide * channels
    for image in 0..<count {
      let left = (image % across) * (wide + ImageGrid.gap) + ImageGrid.gap
      let top = (image / across) * (high + ImageGrid.gap) + ImageGrid.gap
      for row in 0..<high {
        let source = (image * high + row) * line
        let target = ((top + row) * width + left) * channels
        pixels.replaceSubrange(target..<target + line, with: bytes[source..<source + line])
      }
    }
    (self.width, self.height, self.channels, self.pixels) = (width, height, channels, pixels)
  }

  /// Images [-1, 1] as the whole numbers 0 ... 255 that a file of pictures holds, in their own type.
  static func levels(_ images: Tensor) throws(TensorError) -> Tensor {
    try ((try images.detach().clamped(min: -1, max: 1) + 1.0) * 127.5).rounded()
  }

  /// The PNG file.
  package func png() -> [UInt8] {
    PNGFile.bytes(pixels, width: width, height: height, channels: channels)
  }

  /// Writes the PNG file, whole or not at all.
  ///
  /// - Throws: `LearningError.unwritable`.
  package func write(to path: String) throws(LearningError) {
    do {
      try Data(png()).write(to: URL(filePath: path), options: .atomic)
    } catch {
      let cause = (error as NSError).userInfo[NSUnderlyingErrorKey] as? NSError
      throw .unwritable(path: path, reason: (cause ?? error as NSError).localizedDescription)
    }
  }
}
