import Tensors
import Testing

@testable import Learning

@Suite struct PictureSheetTests {
  private static func picture(_ level: UInt8, width: Int, height: Int, channels: Int) -> [UInt8] {
    PNGFile.bytes(
      [UInt8](repeating: level, count: width * height * channels), width: width, height: height, channels: channels)
  }

  @Test func `pictures stand side by side in rows, each below its name`() throws {
    let (gap, dot) = (PictureSheet.gap, PictureSheet.dot)
    let pictures = [(10, "A"), (20, "a long name that is wider than its picture"), (30, "")].map { level, name in
      PictureSheet.Picture(name: name, png: Self.picture(UInt8(level), width: 210, height: 3, channels: 1))
    }
    let sheet = try PictureSheet(pictures, columns: 2)
    let decoded = try ImageDecoder().decode(sheet.png())
    let cell = 42 * 6 * dot
    let title = 7 * dot + gap / 2
    #expect(decoded.channels == 1 && decoded.width == sheet.width && decoded.height == sheet.height)
    #expect(sheet.width == 2 * (cell + gap) + gap && sheet.height == 2 * (title + 3 + gap) + gap)
    func level(_ x: Int, _ y: Int) -> UInt8 { decoded.pixels[y * decoded.width + x] }
    for (index, expected) in [10, 20, 30].enumerated() {
      let left = index % 2 * (cell + gap) + gap
      let top = index / 2 * (title + 3 + gap) + gap + title
      #expect(level(left, top) == expected && level(left + 209, top + 2) == expected)
      #expect(level(left + 210, top) == 255 && level(left, top - 1) == 255 && level(left, top + 3) == 255)
    }
    // The top of an A is empty at its left and has ink in its middle; no name, no ink.
    #expect(level(gap, gap) == 255 && level(gap + 2 * dot, gap) == 0 && level(gap + 2 * dot + 1, gap + 1) == 0)
    let row = gap + title + 3 + gap
    let unnamed = decoded.pixels[(row * sheet.width)..<((row + 7 * dot) * sheet.width)]
    #expect(Set(unnamed) == [255])
  }

  @Test func `a small picture is shown larger, and colour beside grey keeps its colours`() throws {
    var red = [UInt8](repeating: 0, count: 100 * 2 * 3)
    for pixel in 0..<200 { red[3 * pixel] = 200 }
    let sheet = try PictureSheet([
      PictureSheet.Picture(name: "red", png: PNGFile.bytes(red, width: 100, height: 2, channels: 3)),
      PictureSheet.Picture(name: "grey", png: Self.picture(90, width: 100, height: 2, channels: 1)),
    ])
    #expect(sheet.channels == 3)
    let decoded = try ImageDecoder().decode(sheet.png())
    let (plane, top) = (decoded.width * decoded.height, PictureSheet.gap + 7 * PictureSheet.dot + PictureSheet.gap / 2)
    func colour(_ x: Int, _ y: Int) -> [UInt8] { (0..<3).map { decoded.pixels[$0 * plane + y * decoded.width + x] } }
    #expect(colour(PictureSheet.gap + 199, top + 3) == [200, 0, 0])
    #expect(colour(2 * PictureSheet.gap + 200, top) == [90, 90, 90])
  }

  @Test func `what is no picture is refused with its name`() throws {
    let error = #expect(throws: LearningError.self) {
      try PictureSheet([PictureSheet.Picture(name: "SISS", png: [1, 2, 3])])
    }
    #expect(error?.description.contains("the picture of SISS") == true)
    #expect(throws: LearningError.self) { try PictureSheet([]) }
  }
}
