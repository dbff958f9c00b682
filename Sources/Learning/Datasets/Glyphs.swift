/// The built-in data set: ten letters of an invented script, written by a shaky hand on stained paper.
///
/// 28×28 grey images, 10 000 for training and 2 000 for testing, the classes equally often. Made anew from a seed at
/// each load with nothing but `+ − × ÷ √` and whole numbers, so they are the same on every machine. Each image has a
/// random stream of its own (label `glyphs.train` or `glyphs.test`, step = its number), so neither the number of
/// threads nor the number of images changes any of them.
///
/// What makes them hard is not wrong labels but the hand: every image is turned, sheared, stretched and shifted, its
/// points shake, its pen is thin or thick, strokes end early, foreign strokes cross it, and the paper is noisy. Several
/// letters share most of their strokes. A network of two convolutions (16 and 32 channels) fits 9 000 of them and
/// reaches about 90 % on the test set.
package enum Glyphs {
  /// The names of the ten letters.
  package static let classNames = ["vad", "ruk", "tem", "sho", "lir", "bon", "zet", "kip", "dal", "ami"]

  /// How many training images there are.
  package static let trainCount = 10_000
  /// How many test images there are.
  package static let testCount = 2_000
  /// Rows and columns of an image.
  static let side = 28

  /// Writes both parts.
  ///
  /// - Parameters:
  ///   - seed: which collection of images; recipes use 1.
  ///   - cancel: looked at several times a second.
  package static func load(seed: UInt64 = 1, cancel: CancelFlag) throws(LearningError) -> (
    train: ImageArrays, test: ImageArrays
  ) {
    let train = try write(count: trainCount, seed: seed, label: "glyphs.train", cancel: cancel)
    let test = try write(count: testCount, seed: seed, label: "glyphs.test", cancel: cancel)
    return (train, test)
  }

  private static func write(
    count: Int, seed: UInt64, label: String, cancel: CancelFlag
  ) throws(LearningError) -> ImageArrays {
    let piece = 250
    let pieces = try Parallel.map(count: (count + piece - 1) / piece) { number throws(LearningError) in
      try cancel.check()
      var pixels: [UInt8] = []
      for image in number * piece..<min(count, (number + 1) * piece) {
        var random = Philox(seed: seed, label: label, step: UInt64(image))
        var scribe = GlyphScribe(side: side)
        scribe.write(letters[image % letters.count], &random)
        pixels.append(contentsOf: scribe.pixels(&random))
      }
      return pixels
    }
    return ImageArrays(
      count: count, channels: 1, height: side, width: side, pixels: Array(pieces.joined()),
      labels: (0..<count).map { Int32($0 % letters.count) }, classNames: classNames)
  }

  /// The strokes of each letter: a quadratic curve from the first point to the last, drawn towards the middle one,
  /// on a sheet of 8×8 with y downwards.
  static let letters: [[GlyphStroke]] = [
    [line(4, 0, 4, 8), line(4, 2, 8, 0), line(4, 5, 8, 3)],
    [line(4, 0, 4, 8), line(4, 2, 8, 4), line(4, 5, 8, 7)],
    [line(4, 0, 4, 8), line(4, 2, 8, 0), line(4, 5, 0, 3)],
    [curve(1, 0, 0, 9, 7, 8), line(7, 8, 7, 2), line(1, 3, 4, 3)],
    [curve(1, 0, 0, 9, 7, 8), line(1, 4, 6, 2), line(7, 8, 7, 5)],
    [curve(7, 0, 8, 9, 1, 8), line(1, 8, 1, 2), line(7, 3, 4, 3)],
    [line(0, 1, 7, 1), line(7, 1, 1, 7), line(1, 7, 8, 7)],
    [line(0, 1, 7, 1), line(7, 1, 1, 7), line(1, 4, 7, 4)],
    [line(4, 0, 8, 7), line(8, 7, 0, 7), line(0, 7, 4, 0)],
    [line(4, 0, 8, 7), line(2, 4, 6, 4), line(0, 7, 4, 0)],
  ]

  private static func line(_ x0: Double, _ y0: Double, _ x1: Double, _ y1: Double) -> GlyphStroke {
    curve(x0, y0, (x0 + x1) / 2, (y0 + y1) / 2, x1, y1)
  }

  private static func curve(
    _ x0: Double, _ y0: Double, _ x1: Double, _ y1: Double, _ x2: Double, _ y2: Double
  ) -> GlyphStroke {
    GlyphStroke(from: .init(x: x0, y: y0), towards: .init(x: x1, y: y1), to: .init(x: x2, y: y2))
  }
}
