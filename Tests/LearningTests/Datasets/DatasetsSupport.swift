import Foundation
import Testing

@testable import Learning

/// Where the files beside these tests are.
enum Beside {
  static let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()

  static func fixture(_ name: String) -> URL { folder.appending(path: "Fixtures/\(name)") }
}

/// The real data, which is not in the repository.
enum RealData {
  static let folder =
    ProcessInfo.processInfo.environment["LETHE_DATA"].map { URL(filePath: $0) }
    ?? Beside.folder.deletingLastPathComponent().deletingLastPathComponent().appending(path: "../shared/data")

  static func path(_ name: String) -> String { folder.appending(path: name).standardizedFileURL.path }

  static func isThere(_ name: String) -> Bool { FileManager.default.fileExists(atPath: path(name)) }
}

/// A folder for one test, which removes it at its end.
struct ScratchFolder {
  let url: URL

  init() throws {
    url = FileManager.default.temporaryDirectory.appending(path: "lethe-data-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
  }

  func remove() { try? FileManager.default.removeItem(at: url) }

  @discardableResult
  func write(_ bytes: [UInt8], to name: String) throws -> String {
    let file = url.appending(path: name)
    try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data(bytes).write(to: file)
    return file.path
  }
}

/// A gzip file whose content is stored, not squeezed.
func gzip(_ content: [UInt8]) -> [UInt8] {
  func little(_ value: UInt32, _ bytes: Int) -> [UInt8] {
    (0..<bytes).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
  }
  let length = UInt32(content.count)
  return [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 255, 1] + little(length, 2) + little(~length & 0xFFFF, 2) + content
    + little(CRC32.checksum(content), 4) + little(length, 4)
}

/// Images of no size, for tests in which only the labels matter.
func labelled(_ train: [Int32], test: [Int32] = [0, 1], classes: Int = 2) -> Dataset {
  func images(_ labels: [Int32]) -> ImageArrays {
    ImageArrays(
      count: labels.count, channels: 1, height: 1, width: 1, pixels: Array(repeating: 0, count: labels.count),
      labels: labels, classNames: (0..<classes).map { "class \($0)" })
  }
  return Dataset(train: images(train), test: images(test), mean: [0], standardDeviation: [1])
}

/// Count, channels, height, width.
func shape(_ images: ImageArrays) -> [Int] { [images.count, images.channels, images.height, images.width] }
