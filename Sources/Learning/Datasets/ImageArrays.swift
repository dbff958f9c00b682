/// Images of one size with their labels, decoded: plain bytes, ready to become one tensor.
package struct ImageArrays: Sendable, Equatable {
  /// How many images.
  package var count: Int
  /// 1 for grey, 3 for red, green, blue.
  package var channels: Int
  /// Rows of an image.
  package var height: Int
  /// Columns of an image.
  package var width: Int
  /// `count × channels × height × width` bytes, image by image, channel first, 0 dark to 255 bright.
  package var pixels: [UInt8]
  /// `count` classes, each an index into ``classNames``.
  package var labels: [Int32]
  /// The classes' names, in the order of their indices.
  package var classNames: [String]
  /// The file each image was read from, relative to the data's folder or archive; empty where they come otherwise.
  package var files: [String]
  /// Further names of the classes, as many lists as classes; empty where there are none.
  package var classWords: [[String]]

  /// Images from their parts.
  ///
  /// - Precondition: the lengths agree with the shape.
  package init(
    count: Int, channels: Int, height: Int, width: Int, pixels: [UInt8], labels: [Int32], classNames: [String],
    files: [String] = [], classWords: [[String]] = []
  ) {
    precondition(files.isEmpty || files.count == count, "each image has one file or none has")
    precondition(classWords.isEmpty || classWords.count == classNames.count, "each class has its words or none has")
    precondition(pixels.count == count * channels * height * width, "pixels do not fit the shape of the images")
    precondition(labels.count == count, "each image has one label")
    self.count = count
    self.channels = channels
    self.height = height
    self.width = width
    self.pixels = pixels
    self.labels = labels
    self.classNames = classNames
    self.files = files
    self.classWords = classWords
  }

  /// How many classes labels speak of: those from 0 upwards without a gap.
  static func consecutiveClasses(_ labels: [Int]) -> Int {
    let present = Set(labels)
    var classes = 0
    while present.contains(classes) { classes += 1 }
    return classes
  }

  /// Bytes of one image.
  package var imageSize: Int { channels * height * width }

  /// The images at these positions, in this order.
  ///
  /// - Precondition: each position is in 0 ..< ``count``.
  package func gathering(_ positions: some Collection<Int32>) -> ImageArrays {
    var gathered: [UInt8] = []
    gathered.reserveCapacity(positions.count * imageSize)
    for position in positions {
      let start = Int(position) * imageSize
      gathered.append(contentsOf: pixels[start..<start + imageSize])
    }
    return ImageArrays(
      count: positions.count, channels: channels, height: height, width: width, pixels: gathered,
      labels: positions.map { labels[Int($0)] }, classNames: classNames,
      files: files.isEmpty ? [] : positions.map { files[Int($0)] }, classWords: classWords)
  }

  /// The mean and the standard deviation of each channel in units of [0, 1], rounded to four decimals as such
  /// constants are usually printed. Counted in whole numbers, so the same on every machine.
  ///
  /// - Precondition: there is at least one image.
  package func channelStatistics() -> (mean: [Double], standardDeviation: [Double]) {
    precondition(count > 0, "statistics need an image")
    let area = height * width
    var mean: [Double] = []
    var deviation: [Double] = []
    for channel in 0..<channels {
      var histogram = [Int](repeating: 0, count: 256)
      for image in 0..<count {
        let start = image * imageSize + channel * area
        for pixel in pixels[start..<start + area] { histogram[Int(pixel)] += 1 }
      }
      let sum = histogram.enumerated().reduce(0) { $0 + $1.offset * $1.element }
      let squares = histogram.enumerated().reduce(0) { $0 + $1.offset * $1.offset * $1.element }
      let total = Double(count * area)
      let centre = Double(sum) / total
      let variance = max(0, Double(squares) / total - centre * centre)
      mean.append((centre / 255 * 10_000).rounded() / 10_000)
      deviation.append((variance.squareRoot() / 255 * 10_000).rounded() / 10_000)
    }
    return (mean, deviation)
  }
}
