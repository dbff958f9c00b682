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

  @Test
  func `exactly floor of keep times P weights are kept, the first of equals`() throws {
    let scores = try scores()
    let shares = [0.5, 0, 0.01, 0.1, 0.33, 0.5, 0.77, 0.999, 1]
    let values = try scores.flatMap { try $0.floats() }
    // A stable sort by falling score is the definition.
    let order = values.indices.sorted { values[$0] != values[$1] ? values[$0] > values[$1] : $0 < $1 }
    var masks: [[Tensor]] = []
    try WeightMask.selecting(scores, keeping: shares) { _, active in masks.append(active) }
    #expect(masks.count == shares.count)
    for (share, mask) in zip(shares, masks) {
      let kept = try mask.flatMap { try $0.bools() }
      let wanted = Int((share * Double(values.count)).rounded(.down))
      #expect(kept.indices.filter { kept[$0] } == order.prefix(wanted).sorted(), "\(share)")
      #expect(mask.map(\.shape) == scores.map(\.shape))
      #expect(try WeightMask.selecting(scores, keep: share).flatMap { try $0.bools() } == kept)
    }
  }

  @Test(arguments: [DType.float32, .float64, .bfloat16])
  func `ranks are those of a sort, whatever the numbers`(_ dtype: DType) throws {
    var random = Philox(seed: 6, label: "numbers")
    // Both signs of 0, tiny and huge numbers, infinities, numbers that differ in their last bits only, many equals.
    var numbers = [0, -0.0, 1e-45, -1e-45, 3e38, -3e38, .infinity, -.infinity, 1, 1.0000001192092896, 1 + 1e-15]
    for index in 0..<3000 {
      let number = (random.uniform() - 0.4) * [1, 1e-6, 1e30][index % 3]
      numbers.append(number)
      if index % 5 == 0 { numbers += [number, number, -number] }
    }
    let tensor = try Tensor(numbers, shape: [numbers.count]).to(dtype)
    let sorted = try tensor.to(.float64).doubles().sorted(by: >)
    let ranks = [1, 2, 3, 17, 500, 500, 2000, sorted.count / 2, sorted.count - 1, sorted.count]
    let found = try RankSelection.largest(ranks, of: tensor)
    #expect(found.count == Set(ranks).count)
    for rank in ranks {
      let value = sorted[rank - 1]
      #expect(
        found[rank]
          == RankSelection.Found(
            value: value, above: sorted.count { $0 > value }, equal: sorted.count { $0 == value }), "\(rank)")
    }
    #expect(try RankSelection.largest([], of: tensor).isEmpty)
  }

  @Test(.enabled(if: (try? TorchRuntime.shared().open(.cuda(0))) != nil, "there is no CUDA device"))
  func `a device chooses what the processor chooses`() throws {
    let scores = try scores()
    let there = try scores.map { try $0.to(.cuda(0)) }
    for share in [0.1, 0.5, 0.9] {
      let kept = try WeightMask.selecting(there, keep: share).flatMap { try $0.bools() }
      #expect(try kept == WeightMask.selecting(scores, keep: share).flatMap { try $0.bools() }, "\(share)")
    }
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
