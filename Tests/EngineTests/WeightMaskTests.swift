import Learning
import Tensors
import Testing

@testable import Engine

@Suite(.serialized)
struct WeightMaskTests {
  /// Scores with many ties, in three tensors.
  private func scores() throws -> [Tensor] {
    var random = Philox(seed: 5, label: "scores")
    func draw(_ shape: [Int]) throws -> Tensor {
      try Tensor((0..<shape.reduce(1, *)).map { _ in Float(random.integer(below: 7)) }, shape: shape)
    }
    return [try draw([3, 4]), try draw([5]), try draw([2, 2, 7])]
  }

  @Test(arguments: [0, 0.01, 0.1, 0.33, 0.5, 0.77, 0.999, 1])
  func `exactly floor of keep times P weights are kept, the first of equals`(_ keep: Double) throws {
    let scores = try scores()
    let kept = try WeightMask.selecting(scores, keep: keep).flatMap { try $0.bools() }
    let values = try scores.flatMap { try $0.floats() }
    let wanted = Int((keep * Double(values.count)).rounded(.down))
    // A stable sort by falling score is the definition.
    let order = values.indices.sorted { values[$0] != values[$1] ? values[$0] > values[$1] : $0 < $1 }
    #expect(kept.indices.filter { kept[$0] } == order.prefix(wanted).sorted())
  }

  @Test
  func `a threshold keeps what reaches it`() throws {
    let scores = try scores()
    let kept = try WeightMask.selecting(scores, threshold: 3).flatMap { try $0.bools() }
    #expect(try kept == scores.flatMap { try $0.floats() }.map { $0 >= 3 })
  }

  @Test
  func `windows never span the border between the sets`() {
    let plan = EpochPlan(
      seed: 1, epoch: 0, forget: Array(0..<10), retain: Array(10..<40), batch: 4, schedule: .sequential)
    let windows = plan.windows(accumulating: 2)
    #expect(windows.flatMap(\.self) == plan.steps)
    #expect(windows.allSatisfy { $0.count <= 2 && Set($0.map(\.forget.isEmpty)).count == 1 })
    #expect(windows.count == 2 + 4)
  }
}
