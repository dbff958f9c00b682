/// A convolution of Inception-v3: its name, sizes and place. A batch normalisation and ReLU follow each.
struct InceptionLayer {
  let name: String
  let inputs, outputs: Int
  /// Height and width.
  let kernel, padding: [Int]
  let stride: Int

  private init(
    _ name: String, _ inputs: Int, _ outputs: Int, _ kernel: [Int], stride: Int = 1, padding: [Int] = [0, 0]
  ) {
    self.name = name
    self.inputs = inputs
    self.outputs = outputs
    self.kernel = kernel
    self.padding = padding
    self.stride = stride
  }

  /// Names and shapes of all weights, in the order of the layers; the last layer's at the end.
  static var shapes: [(name: String, shape: [Int])] {
    all.flatMap { layer in
      [("\(layer.name).conv.weight", [layer.outputs, layer.inputs] + layer.kernel)]
        + ["weight", "bias", "running_mean", "running_var"].map { ("\(layer.name).bn.\($0)", [layer.outputs]) }
    } + [
      ("fc.weight", [InceptionV3.classes, InceptionV3.featureCount]), ("fc.bias", [InceptionV3.classes]),
    ]
  }

  /// The 94 convolutions, in module order.
  static let all: [InceptionLayer] = {
    var layers = [
      InceptionLayer("Conv2d_1a_3x3", 3, 32, [3, 3], stride: 2),
      InceptionLayer("Conv2d_2a_3x3", 32, 32, [3, 3]),
      InceptionLayer("Conv2d_2b_3x3", 32, 64, [3, 3], padding: [1, 1]),
      InceptionLayer("Conv2d_3b_1x1", 64, 80, [1, 1]),
      InceptionLayer("Conv2d_4a_3x3", 80, 192, [3, 3]),
    ]
    layers += a("Mixed_5b", 192, pool: 32) + a("Mixed_5c", 256, pool: 64) + a("Mixed_5d", 288, pool: 64)
    layers += [
      InceptionLayer("Mixed_6a.branch3x3", 288, 384, [3, 3], stride: 2),
      InceptionLayer("Mixed_6a.branch3x3dbl_1", 288, 64, [1, 1]),
      InceptionLayer("Mixed_6a.branch3x3dbl_2", 64, 96, [3, 3], padding: [1, 1]),
      InceptionLayer("Mixed_6a.branch3x3dbl_3", 96, 96, [3, 3], stride: 2),
    ]
    layers += c("Mixed_6b", 128) + c("Mixed_6c", 160) + c("Mixed_6d", 160) + c("Mixed_6e", 192)
    layers += [
      InceptionLayer("Mixed_7a.branch3x3_1", 768, 192, [1, 1]),
      InceptionLayer("Mixed_7a.branch3x3_2", 192, 320, [3, 3], stride: 2),
      InceptionLayer("Mixed_7a.branch7x7x3_1", 768, 192, [1, 1]),
      wide("Mixed_7a.branch7x7x3_2", 192, 192),
      high("Mixed_7a.branch7x7x3_3", 192, 192),
      InceptionLayer("Mixed_7a.branch7x7x3_4", 192, 192, [3, 3], stride: 2),
    ]
    return layers + e("Mixed_7b", 1280) + e("Mixed_7c", 2048)
  }()

  private static func wide(_ name: String, _ inputs: Int, _ outputs: Int, size: Int = 7) -> InceptionLayer {
    InceptionLayer(name, inputs, outputs, [1, size], padding: [0, size / 2])
  }

  private static func high(_ name: String, _ inputs: Int, _ outputs: Int, size: Int = 7) -> InceptionLayer {
    InceptionLayer(name, inputs, outputs, [size, 1], padding: [size / 2, 0])
  }

  private static func a(_ block: String, _ inputs: Int, pool: Int) -> [InceptionLayer] {
    [
      InceptionLayer("\(block).branch1x1", inputs, 64, [1, 1]),
      InceptionLayer("\(block).branch5x5_1", inputs, 48, [1, 1]),
      InceptionLayer("\(block).branch5x5_2", 48, 64, [5, 5], padding: [2, 2]),
      InceptionLayer("\(block).branch3x3dbl_1", inputs, 64, [1, 1]),
      InceptionLayer("\(block).branch3x3dbl_2", 64, 96, [3, 3], padding: [1, 1]),
      InceptionLayer("\(block).branch3x3dbl_3", 96, 96, [3, 3], padding: [1, 1]),
      InceptionLayer("\(block).branch_pool", inputs, pool, [1, 1]),
    ]
  }

  private static func c(_ block: String, _ width: Int) -> [InceptionLayer] {
    [
      InceptionLayer("\(block).branch1x1", 768, 192, [1, 1]),
      InceptionLayer("\(block).branch7x7_1", 768, width, [1, 1]),
      wide("\(block).branch7x7_2", width, width),
      high("\(block).branch7x7_3", width, 192),
      InceptionLayer("\(block).branch7x7dbl_1", 768, width, [1, 1]),
      high("\(block).branch7x7dbl_2", width, width),
      wide("\(block).branch7x7dbl_3", width, width),
      high("\(block).branch7x7dbl_4", width, width),
      wide("\(block).branch7x7dbl_5", width, 192),
      InceptionLayer("\(block).branch_pool", 768, 192, [1, 1]),
    ]
  }

  private static func e(_ block: String, _ inputs: Int) -> [InceptionLayer] {
    [
      InceptionLayer("\(block).branch1x1", inputs, 320, [1, 1]),
      InceptionLayer("\(block).branch3x3_1", inputs, 384, [1, 1]),
      wide("\(block).branch3x3_2a", 384, 384, size: 3),
      high("\(block).branch3x3_2b", 384, 384, size: 3),
      InceptionLayer("\(block).branch3x3dbl_1", inputs, 448, [1, 1]),
      InceptionLayer("\(block).branch3x3dbl_2", 448, 384, [3, 3], padding: [1, 1]),
      wide("\(block).branch3x3dbl_3a", 384, 384, size: 3),
      high("\(block).branch3x3dbl_3b", 384, 384, size: 3),
      InceptionLayer("\(block).branch_pool", inputs, 192, [1, 1]),
    ]
  }
}
