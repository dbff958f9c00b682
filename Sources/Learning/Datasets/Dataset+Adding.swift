extension Dataset {
  /// The same with an image put behind the training images, as a class of its own. The test images stay.
  ///
  /// - Parameters:
  ///   - path: a JPEG or PNG file of the training images' size and channels; a grey image may also stand among coloured ones.
  ///   - copies: how often it is put in.
  ///   - name: of the class.
  package func adding(
    _ path: String, copies: Int, asClass name: String, cancel: CancelFlag
  ) throws(LearningError) -> Dataset {
    guard !train.classNames.contains(name) else {
      throw .arrays(path: path, reason: "the data have a class '\(name)' already; give 'data.add.class' another name")
    }
    let image: DecodedImage
    let bytes = try FileBytes.read(path)
    do { image = try ImageDecoder().decode(bytes) } catch {
      throw .badImage(path: path, entry: "the image to add", reason: error.reason)
    }
    let wanted = "\(train.height)×\(train.width) \(train.channels == 1 ? "grey" : "RGB")"
    guard image.height == train.height, image.width == train.width,
      image.channels == train.channels || image.channels == 1
    else {
      throw .imageShape(
        path: path, entry: "the image to add", found: image.shape, expected: wanted, first: "the training images")
    }
    let pixels = image.channels == train.channels ? image.pixels : image.pixels + image.pixels + image.pixels
    var joined = train
    joined.classNames.append(name)
    if !joined.classWords.isEmpty { joined.classWords.append([name]) }
    joined.count += copies
    joined.pixels.reserveCapacity(joined.pixels.count + copies * pixels.count)
    for copy in 0..<copies {
      if copy % 1024 == 0 { try cancel.check() }
      joined.pixels += pixels
    }
    joined.labels += [Int32](repeating: Int32(train.classNames.count), count: copies)
    if !joined.files.isEmpty { joined.files += [String](repeating: path, count: copies) }
    return Dataset(train: joined, test: test, mean: mean, standardDeviation: standardDeviation)
  }
}
