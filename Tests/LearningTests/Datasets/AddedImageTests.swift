import Foundation
import Tensors
import Testing

@testable import Learning

@Suite struct AddedImageTests {
  private static func dataset() throws -> Dataset {
    try Dataset.load(.glyphs(seed: 1), permutationSeed: 1, trainLimit: 20, testLimit: 5, cancel: CancelFlag())
  }

  /// A grey picture: a square of one shade in a frame of another.
  private static func picture(_ side: Int, _ body: (String) throws -> Void) throws {
    let inside = side - 2 * ImageGrid.gap
    let grid = try ImageGrid(.full([1, 1, inside, inside], 0.5), columns: 1)
    let file = FileManager.default.temporaryDirectory.appendingPathComponent("added-\(UUID().uuidString).png")
    defer { try? FileManager.default.removeItem(at: file) }
    try Data(grid.png()).write(to: file)
    try body(file.path)
  }

  @Test func `copies stand behind the training images as a class of their own`() throws {
    let before = try Self.dataset()
    let side = before.train.height
    try Self.picture(side) { path in
      let after = try before.adding(path, copies: 3, asClass: "t-shirt", cancel: CancelFlag())
      #expect(after.train.count == 23)
      #expect(after.train.classNames == before.train.classNames + ["t-shirt"])
      #expect(after.train.labels.suffix(3) == [10, 10, 10])
      #expect(Array(after.train.pixels.prefix(before.train.pixels.count)) == before.train.pixels)
      let added = after.train.pixels.suffix(3 * side * side)
      #expect(Set(added).count == 2)
      #expect(Array(added.prefix(side * side)) == Array(added.suffix(side * side)))
      #expect(after.test == before.test)
    }
  }

  @Test func `an image of another size, a missing one and a class twice are refused`() throws {
    let data = try Self.dataset()
    try Self.picture(9) { path in
      #expect(throws: LearningError.self) {
        try data.adding(path, copies: 1, asClass: "new", cancel: CancelFlag())
      }
    }
    #expect(throws: LearningError.self) {
      try data.adding("/nowhere.png", copies: 1, asClass: "new", cancel: CancelFlag())
    }
    try Self.picture(data.train.height) { path in
      #expect(throws: LearningError.self) {
        try data.adding(path, copies: 1, asClass: data.train.classNames[0], cancel: CancelFlag())
      }
    }
  }

  @Test func `pairs have a batch of all samples beside one to forget`() {
    let plan = EpochPlan(
      seed: 1, epoch: 0, forget: [0, 1], retain: [2, 3, 4, 5, 6, 7], batch: 2, schedule: .pairs)
    #expect(plan.steps.count == 4)
    #expect(plan.steps.allSatisfy { $0.forget.count == 2 && $0.retain.count == 2 })
    #expect(plan.retainOrder.sorted() == Array(0..<8))
    #expect(Set(plan.forgetOrder) == [0, 1])
  }
}
