import CImage

/// Writes PNG files.
enum PNGFile {
  /// The file of an image.
  ///
  /// - Parameters:
  ///   - pixels: rows of pixels, the channels of one side by side.
  ///   - channels: 1 for grey, 3 for RGB.
  static func bytes(_ pixels: [UInt8], width: Int, height: Int, channels: Int) -> [UInt8] {
    precondition(pixels.count == width * height * channels, "an image has as many pixels as its sides say")
    var image = unsafe png_image()
    unsafe image.version = png_uint_32(PNG_IMAGE_VERSION)
    unsafe image.width = png_uint_32(width)
    unsafe image.height = png_uint_32(height)
    unsafe image.format = channels == 1 ? 0 : PNG_FORMAT_FLAG_COLOR
    defer { unsafe png_image_free(&image) }
    var size: png_alloc_size_t = 0
    guard unsafe png_image_write_to_memory(&image, nil, &size, 0, pixels, 0, nil) != 0 else {
      preconditionFailure("libpng cannot say how large a PNG of \(width)×\(height) pixels is")
    }
    var bytes = [UInt8](repeating: 0, count: Int(size))
    guard unsafe png_image_write_to_memory(&image, &bytes, &size, 0, pixels, 0, nil) != 0 else {
      preconditionFailure("libpng cannot write \(width)×\(height) pixels to memory")
    }
    return Array(bytes.prefix(Int(size)))
  }
}
