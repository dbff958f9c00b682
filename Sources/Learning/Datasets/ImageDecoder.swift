import CImage

/// One decoded image: channel first.
struct DecodedImage {
  let channels: Int
  let height: Int
  let width: Int
  let pixels: [UInt8]

  /// The shape in words.
  var shape: String { "\(height)×\(width) \(channels == 1 ? "grey" : "RGB")" }
}

/// Decodes JPEG by TurboJPEG and PNG by libpng. Used by one thread at a time.
@safe final class ImageDecoder {
  /// Why an image cannot be decoded; the caller knows which file it was.
  struct Failure: Error {
    let reason: String
  }

  private let jpeg: tjhandle

  init() {
    guard let jpeg = unsafe tjInitDecompress() else { preconditionFailure("no memory for a JPEG decoder") }
    unsafe self.jpeg = unsafe jpeg
  }

  deinit { _ = unsafe tjDestroy(jpeg) }

  /// Decodes what the first bytes say it is, whatever the file is called.
  func decode(_ bytes: [UInt8]) throws(Failure) -> DecodedImage {
    if bytes.isEmpty { throw Failure(reason: "the file is empty") }
    if bytes.starts(with: [0xFF, 0xD8]) { return try decodeJPEG(bytes) }
    if bytes.starts(with: [0x89, 0x50, 0x4E, 0x47]) { return try decodePNG(bytes) }
    throw Failure(reason: "it is neither JPEG nor PNG")
  }

  private func decodeJPEG(_ bytes: [UInt8]) throws(Failure) -> DecodedImage {
    var (width, height, subsampling, space) = (Int32(0), Int32(0), Int32(0), Int32(0))
    let size = UInt(bytes.count)
    let header = unsafe tjDecompressHeader3(jpeg, bytes, size, &width, &height, &subsampling, &space)
    guard header == 0 else { throw jpegFailure() }
    guard space != Int32(TJCS_CMYK.rawValue), space != Int32(TJCS_YCCK.rawValue) else {
      throw Failure(reason: "it is CMYK")
    }
    let isGrey = space == Int32(TJCS_GRAY.rawValue)
    let channels = isGrey ? 1 : 3
    var interleaved = try Self.space(Int(width), Int(height), channels)
    // The accurate transform is what Python's decoders use; a warning means missing data.
    let status = unsafe tjDecompress2(
      jpeg, bytes, size, &interleaved, width, 0, height, Int32(isGrey ? TJPF_GRAY.rawValue : TJPF_RGB.rawValue),
      TJFLAG_ACCURATEDCT | TJFLAG_STOPONWARNING)
    guard status == 0 else { throw jpegFailure() }
    return Self.channelFirst(interleaved, channels: channels, height: Int(height), width: Int(width))
  }

  private func jpegFailure() -> Failure {
    unsafe Failure(reason: String(cString: tjGetErrorStr2(jpeg)))
  }

  private func decodePNG(_ bytes: [UInt8]) throws(Failure) -> DecodedImage {
    var image = unsafe png_image()
    unsafe image.version = png_uint_32(PNG_IMAGE_VERSION)
    defer { unsafe png_image_free(&image) }
    guard unsafe png_image_begin_read_from_memory(&image, bytes, bytes.count) != 0 else {
      throw unsafe Self.pngFailure(image)
    }
    let format = unsafe image.format
    guard format & PNG_FORMAT_FLAG_ALPHA == 0 else { throw Failure(reason: "it has transparent pixels") }
    guard format & PNG_FORMAT_FLAG_LINEAR == 0 else { throw Failure(reason: "it has 16 bits a channel") }
    let channels = format & PNG_FORMAT_FLAG_COLOR == 0 ? 1 : 3
    let (height, width) = unsafe (Int(image.height), Int(image.width))
    var interleaved = try Self.space(width, height, channels)
    unsafe image.format = channels == 1 ? 0 : PNG_FORMAT_FLAG_COLOR
    guard unsafe png_image_finish_read(&image, nil, &interleaved, 0, nil) != 0 else {
      throw unsafe Self.pngFailure(image)
    }
    return Self.channelFirst(interleaved, channels: channels, height: height, width: width)
  }

  private static func pngFailure(_ image: png_image) -> Failure {
    let message = unsafe image.message
    let reason = unsafe withUnsafeBytes(of: message) { bytes in
      unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
    }
    return Failure(reason: reason)
  }

  /// Room for the pixels, when the header's numbers are believable.
  private static func space(_ width: Int, _ height: Int, _ channels: Int) throws(Failure) -> [UInt8] {
    guard (1...4096).contains(width), (1...4096).contains(height) else {
      throw Failure(reason: "it is \(height)×\(width) pixels, and at most 4096×4096 are read")
    }
    return [UInt8](repeating: 0, count: width * height * channels)
  }

  private static func channelFirst(_ interleaved: [UInt8], channels: Int, height: Int, width: Int) -> DecodedImage {
    var pixels = interleaved
    if channels > 1 {
      let area = height * width
      for channel in 0..<channels {
        for place in 0..<area { pixels[channel * area + place] = interleaved[place * channels + channel] }
      }
    }
    return DecodedImage(channels: channels, height: height, width: width, pixels: pixels)
  }
}
