import Tensors

/// What metrics of images in [-1, 1] begin with.
enum GeneratedImages {
  /// The shape of images [n, C, H, W], after a look at them.
  ///
  /// - Throws: `LearningError.emptySet`, `.generation(.shape)`, `.notFinite`.
  static func check(_ images: Tensor, _ name: String, metric: String) throws -> [Int] {
    let shape = images.shape
    guard shape.count == 4, shape.dropFirst().allSatisfy({ $0 > 0 }), images.dtype.isFloatingPoint else {
      throw LearningError.generation(
        .shape(
          metric: metric, what: "the tensor of \(name), of type \(images.dtype),", found: shape,
          expected: "[images, channels, height, width] of floating-point numbers in [-1, 1]"))
    }
    guard shape[0] > 0 else { throw LearningError.emptySet(metric: metric, set: name) }
    try images.detach().requireFinite(metric: metric, name: name)
    return shape
  }

  /// Throws unless two lots of images have one size.
  static func requireSize(
    _ first: [Int], _ firstName: String, _ second: [Int], _ secondName: String, metric: String
  ) throws(LearningError) {
    func text(_ shape: [Int]) -> String { shape.dropFirst().map(String.init).joined(separator: "×") }
    guard first.dropFirst() == second.dropFirst() else {
      throw .generation(
        .mismatch(
          metric: metric, first: "an image of the \(firstName)", firstSize: "\(text(first)) values",
          second: "one of the \(secondName)", secondSize: text(second)))
    }
  }

  /// Rows [n, d] of pixels in [0, 1], `float64` on the CPU; what lies beyond is cut off, as in a picture file.
  static func pixels(_ images: Tensor) throws(TensorError) -> Tensor {
    let rows = try images.detach().to(.float64).to(.cpu).reshape([images.shape[0], -1])
    return try (rows / 2.0 + 0.5).clamped(min: 0, max: 1)
  }
}
