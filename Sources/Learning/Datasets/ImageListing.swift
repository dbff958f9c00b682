import Synchronization

/// Images that were found and wait to be decoded.
struct ImageListing: Sendable {
  /// One image.
  struct Item: Sendable {
    let isTrain: Bool
    let label: Int32
    let entry: String
    let source: ImageFolder.Source
  }

  let path: String
  let items: [Item]
  let classNames: [String]
  /// Further names of each class; empty where there are none.
  var classWords: [[String]] = []
  /// Whether grey images are taken for coloured ones, their plane three times.
  var makesColour = false

  /// Decodes everything on all cores. All images must be like the first one.
  func decode(
    cancel: CancelFlag, progress: @escaping ImageFolder.Progress
  ) throws(LearningError) -> (train: ImageArrays, test: ImageArrays) {
    let first = try image(items[0], ImageDecoder())
    let piece = 512
    let done = Atomic<Int>(0)
    let pieces = try Parallel.map(count: (items.count + piece - 1) / piece) { number throws(LearningError) in
      let decoder = ImageDecoder()
      let range = number * piece..<min(items.count, (number + 1) * piece)
      var pixels: [UInt8] = []
      pixels.reserveCapacity(range.count * first.pixels.count)
      for item in items[range] {
        try cancel.check()
        let image = try image(item, decoder)
        guard (image.channels, image.height, image.width) == (first.channels, first.height, first.width) else {
          throw LearningError.imageShape(
            path: path, entry: item.entry, found: image.shape, expected: first.shape, first: items[0].entry)
        }
        pixels.append(contentsOf: image.pixels)
      }
      progress(done.add(range.count, ordering: .relaxed).newValue, items.count)
      return pixels
    }
    let pixels = Array(pieces.joined())
    let trainCount = items.count { $0.isTrain }
    let border = trainCount * first.pixels.count
    func arrays(_ items: ArraySlice<Item>, _ pixels: ArraySlice<UInt8>) -> ImageArrays {
      ImageArrays(
        count: items.count, channels: first.channels, height: first.height, width: first.width, pixels: Array(pixels),
        labels: items.map(\.label), classNames: classNames, files: items.map(\.entry), classWords: classWords)
    }
    return (
      arrays(items[..<trainCount], pixels[..<border]), arrays(items[trainCount...], pixels[border...])
    )
  }

  private func image(_ item: Item, _ decoder: ImageDecoder) throws(LearningError) -> DecodedImage {
    let bytes: [UInt8]
    switch item.source {
    case .bytes(let held): bytes = held
    case .file(let file): bytes = try FileBytes.read(file)
    }
    do throws(ImageDecoder.Failure) {
      let image = try decoder.decode(bytes)
      guard makesColour, image.channels == 1 else { return image }
      return DecodedImage(
        channels: 3, height: image.height, width: image.width, pixels: image.pixels + image.pixels + image.pixels)
    } catch {
      throw .badImage(path: path, entry: item.entry, reason: error.reason)
    }
  }
}
