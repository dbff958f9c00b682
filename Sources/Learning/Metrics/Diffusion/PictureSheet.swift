/// Pictures side by side on white, each below its name, as a PNG: for documents that show an image and no page.
package struct PictureSheet: Sendable {
  /// A picture with its name.
  package struct Picture: Sendable {
    /// Drawn in capitals; a character that ``DotLetters`` does not have is drawn as a box.
    package let name: String
    /// A PNG file.
    package let png: [UInt8]

    /// Makes a picture of its two halves.
    package init(name: String, png: [UInt8]) {
      self.name = name
      self.png = png
    }
  }

  /// Pixels between pictures and around the whole.
  static let gap = 12
  /// Pixels of a name's dots.
  static let dot = 2
  /// A picture that is narrower is shown several times as large.
  static let narrowest = 200

  /// Pixels of the whole.
  package let width, height: Int
  /// Rows of pixels, the channels of one side by side.
  let pixels: [UInt8]
  /// 1 where all pictures are grey, else 3.
  package let channels: Int

  /// - Parameter columns: pictures in a row.
  /// - Throws: `LearningError.unreadable` for a picture that is no PNG; `.emptySet` for none.
  package init(_ pictures: [Picture], columns: Int = 4) throws(LearningError) {
    precondition(columns > 0, "a row has pictures")
    guard !pictures.isEmpty else { throw .emptySet(metric: "sheet of pictures", set: "pictures") }
    let decoder = ImageDecoder()
    var images: [DecodedImage] = []
    for picture in pictures {
      do throws(ImageDecoder.Failure) {
        images.append(try decoder.decode(picture.png))
      } catch {
        throw .unreadable(path: "the picture of \(picture.name)", reason: error.reason)
      }
    }
    let channels = images.contains { $0.channels == 3 } ? 3 : 1
    let scales = images.map { max(1, PictureSheet.narrowest / max($0.width, 1)) }
    let across = min(columns, images.count)
    let names = pictures.map { DotLetters.rows(of: $0.name) }
    let sizes: [(wide: Int, high: Int)] = zip(images, scales).map { (wide: $0.width * $1, high: $0.height * $1) }
    let lengths: [Int] = names.map { ($0.first?.count ?? 0) * PictureSheet.dot }
    let cell: Int = max(sizes.map(\.wide).max() ?? 1, lengths.max() ?? 1)
    let title = DotLetters.height * PictureSheet.dot + PictureSheet.gap / 2
    let tallest = sizes.map(\.high).max() ?? 1
    let down = (images.count + across - 1) / across
    let width = across * (cell + PictureSheet.gap) + PictureSheet.gap
    let height = down * (title + tallest + PictureSheet.gap) + PictureSheet.gap
    var pixels = [UInt8](repeating: 255, count: width * height * channels)
    for (index, image) in images.enumerated() {
      let left: Int = (index % across) * (cell + PictureSheet.gap) + PictureSheet.gap
      let top: Int = (index / across) * (title + tallest + PictureSheet.gap) + PictureSheet.gap
      func place(_ x: Int, _ y: Int) -> Int { ((top + y) * width + left + x) * channels }
      for (row, dots) in names[index].enumerated() {
        for (column, isInked) in dots.enumerated() where isInked {
          for y in row * PictureSheet.dot..<(row + 1) * PictureSheet.dot {
            let start = place(column * PictureSheet.dot, y)
            for ink in start..<start + PictureSheet.dot * channels { pixels[ink] = 0 }
          }
        }
      }
      let scale = scales[index]
      let plane: Int = image.width * image.height
      for y in 0..<image.height * scale {
        for x in 0..<image.width * scale {
          let source: Int = (y / scale) * image.width + x / scale
          let target = place(x, title + y)
          for channel in 0..<channels {
            pixels[target + channel] = image.pixels[min(channel, image.channels - 1) * plane + source]
          }
        }
      }
    }
    (self.width, self.height, self.channels, self.pixels) = (width, height, channels, pixels)
  }

  /// The PNG file.
  package func png() -> [UInt8] { PNGFile.bytes(pixels, width: width, height: height, channels: channels) }
}
