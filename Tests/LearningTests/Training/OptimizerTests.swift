import Foundation
import Tensors
import Testing

@testable import Learning

/// `Fixtures/training.json`, which `scripts/reference/training.py` made with PyTorch in binary64.
struct TrainingReference: Decodable {
  struct Clipped: Decodable {
    let norm: Double
    let length: Double
    let gradients: [[Double]]
  }

  let shapes: [[Int]]
  let start: [[Double]]
  let gradients: [[[Double]]]
  let after: [String: [[[Double]]]]
  let rates: [String: [Double]]
  let clipped: [Clipped]

  static let shared = Result { () throws -> TrainingReference in
    try JSONDecoder().decode(TrainingReference.self, from: Data(contentsOf: Beside.fixture("training.json")))
  }

  func tensors(_ values: [[Double]], _ dtype: DType = .float64) throws -> [Tensor] {
    try zip(values, shapes).map { try Tensor($0, shape: $1).to(dtype) }
  }
}

/// A rule as PyTorch was asked for it.
struct RuleCase: Sendable, CustomTestStringConvertible {
  let name: String
  let rule: OptimizerSettings.Rule
  let weightDecay: Double

  var testDescription: String { name }
  var settings: OptimizerSettings { OptimizerSettings(rule: rule, learningRate: 0.1, weightDecay: weightDecay) }

  static let all = [
    RuleCase(name: "sgd", rule: .sgd(momentum: 0, nesterov: false), weightDecay: 0),
    RuleCase(name: "sgd-decay", rule: .sgd(momentum: 0, nesterov: false), weightDecay: 0.05),
    RuleCase(name: "sgd-momentum", rule: .sgd(momentum: 0.9, nesterov: false), weightDecay: 0.05),
    RuleCase(name: "sgd-nesterov", rule: .sgd(momentum: 0.9, nesterov: true), weightDecay: 0.05),
    RuleCase(name: "adam", rule: .adam(betas: (0.8, 0.95), epsilon: 1e-6), weightDecay: 0.05),
    RuleCase(name: "adamw", rule: .adamW(betas: (0.8, 0.95), epsilon: 1e-6), weightDecay: 0.05),
  ]
}

@Suite struct OptimizerTests {
  let reference: TrainingReference

  init() throws { reference = try TrainingReference.shared.get() }

  private func rate(_ step: Int) -> Double { 0.1 / Double(step + 1) }

  private func bytes(_ tensors: [Tensor]) throws -> [[UInt8]] { try tensors.map { try $0.bytes() } }

  @Test(arguments: RuleCase.all)
  func `steps agree with PyTorch's to 1e-12`(_ rule: RuleCase) throws {
    let parameters = try reference.tensors(reference.start)
    let optimizer = try Optimizer(rule.settings, parameters: parameters)
    let expected = try #require(reference.after[rule.name])
    for (step, gradients) in reference.gradients.enumerated() {
      try optimizer.step(try reference.tensors(gradients), learningRate: rate(step))
      for (parameter, wanted) in zip(parameters, expected[step]) {
        #expect(try zip(parameter.doubles(), wanted).allSatisfy { abs($0 - $1) < 1e-12 })
      }
    }
  }

  @Test(arguments: RuleCase.all)
  func `a bad step changes nothing, counts and moments included`(_ rule: RuleCase) throws {
    let parameters = try reference.tensors(reference.start, .float32)
    let optimizer = try Optimizer(rule.settings, parameters: parameters)
    let infinite = try zip(parameters, reference.shapes).map { try $0.0 * Double.nan }
    let isBad = try Tensor.scalar(1)
    let isGood = try Tensor.scalar(0)
    for (step, gradients) in reference.gradients.enumerated() {
      // Bad before the first good step too: what is special about it must not be lost.
      let before = try bytes(parameters + optimizer.state.map(\.tensor))
      try optimizer.step(infinite, learningRate: rate(step), foundInfinity: isBad)
      #expect(try bytes(parameters + optimizer.state.map(\.tensor)) == before)
      try optimizer.step(try reference.tensors(gradients, .float32), learningRate: rate(step), foundInfinity: isGood)
      #expect(try bytes(parameters + optimizer.state.map(\.tensor)) != before)
    }
    let plain = try reference.tensors(reference.start, .float32)
    let other = try Optimizer(rule.settings, parameters: plain)
    for (step, gradients) in reference.gradients.enumerated() {
      try other.step(try reference.tensors(gradients, .float32), learningRate: rate(step))
    }
    #expect(try bytes(plain) == bytes(parameters))
  }

  @Test(arguments: RuleCase.all)
  func `a state put back goes on bit for bit`(_ rule: RuleCase) throws {
    let parameters = try reference.tensors(reference.start)
    let optimizer = try Optimizer(rule.settings, parameters: parameters)
    for step in 0..<3 {
      try optimizer.step(try reference.tensors(reference.gradients[step]), learningRate: rate(step))
    }
    let copies = try parameters.map { try $0.clone() }
    let saved = try optimizer.state.map { (name: $0.name, tensor: try $0.tensor.clone()) }
    let other = try Optimizer(rule.settings, parameters: copies)
    try other.restore(saved)
    for step in 3..<6 {
      let gradients = try reference.tensors(reference.gradients[step])
      try optimizer.step(gradients, learningRate: rate(step))
      try other.step(gradients, learningRate: rate(step))
    }
    #expect(try bytes(copies) == bytes(parameters))
  }

  @Test func `a state of another rule or shape is refused, and nothing changes`() throws {
    let parameters = try reference.tensors(reference.start)
    let momentum = try Optimizer(RuleCase.all[2].settings, parameters: parameters)
    let adam = try Optimizer(RuleCase.all[4].settings, parameters: parameters)
    let foreign = #expect(throws: LearningError.self) { try momentum.restore(adam.state) }
    #expect(foreign == .optimizerState(name: "step", reason: "belongs to another rule or model"))
    let missing = #expect(throws: LearningError.self) { try adam.restore([]) }
    #expect(missing == .optimizerState(name: "step", reason: "is missing"))
    let wrong: [(name: String, tensor: Tensor)] = try [
      ("momentum.0", Tensor.zeros([3])), ("momentum.1", Tensor.zeros([2, 2], dtype: .float64)),
    ]
    let shape = #expect(throws: LearningError.self) { try momentum.restore(wrong) }
    #expect(shape == .optimizerState(name: "momentum.0", reason: "is float32[3] on cpu; expected float64[3] on cpu"))
  }

  @Test func `a mask on the moments stops what they were carrying`() throws {
    let parameter = try Tensor([1, 1] as [Double], shape: [2])
    let optimizer = try Optimizer(
      OptimizerSettings(rule: .sgd(momentum: 0.9, nesterov: false), learningRate: 0.1), parameters: [parameter])
    try optimizer.step([try Tensor([1, 1] as [Double], shape: [2])], learningRate: 0.1)
    try optimizer.mask([try Tensor([0, 1] as [Double], shape: [2])])
    try optimizer.step([try Tensor.zeros([2], dtype: .float64)], learningRate: 0.1)
    let moved = try parameter.doubles()
    #expect(moved[0] == 0.9)
    #expect(abs(moved[1] - (0.9 - 0.09)) < 1e-15)
  }

  @Test(arguments: RuleCase.all, [false, true])
  func `weights that are held keep their bits, and the others move as if none were`(
    _ rule: RuleCase, _ asOneRow: Bool
  ) throws {
    // One that fills a block, one in another memory order that spans several, several in one block, a number, nothing.
    let shapes = [[1 << 17], [512, 64, 3, 3], [300], [8, 16, 3, 3], [], [0], [7]]
    let generator = try Generator(seed: 8)
    func draw(inMemoryOrder: Bool = true) throws -> [Tensor] {
      try shapes.map { shape in
        let drawn = try Tensor.randomNormal(shape, generator: generator)
        return shape.count == 4 && inMemoryOrder ? try drawn.contiguous(.channelsLast) : drawn
      }
    }
    let start = try draw()
    // A -0 among the held is a -0 afterwards.
    try start[0].narrow(0, start: 0, length: 9).fill(-0.0)
    let active = try draw().map { try $0.isGreater(than: 0.3) }
    try active[0].narrow(0, start: 0, length: 9).fill(0)
    let (ours, free) = (try start.map { try $0.clone() }, try start.map { try $0.clone() })
    let held = try HeldWeights(ours, active: active, asOneRow: asOneRow)
    let (masked, plain) = (
      try Optimizer(rule.settings, parameters: ours), try Optimizer(rule.settings, parameters: free)
    )
    for step in 0..<3 {
      let gradients = try draw(inMemoryOrder: step == 0)
      let isBad = try Tensor.scalar(step == 1 ? 1 : 0)
      try masked.step(gradients, learningRate: rate(step), held: held, foundInfinity: isBad)
      try plain.step(gradients, learningRate: rate(step), foundInfinity: isBad)
    }
    // The fused operators round another way where a vector does not fill up, and blocks end elsewhere than tensors do.
    func isNear(_ ours: Tensor, _ theirs: Tensor, where active: Tensor) throws -> Bool {
      try active.select(ours, theirs).squaredError(theirs, reduction: .none).sum().item() < 1e-12
    }
    // Weight decay is of the weights, so the moments of held ones are others.
    let isMoment = { (entry: (name: String, tensor: Tensor)) in entry.name != "step" }
    for (index, (ours, theirs)) in zip(masked.state.filter(isMoment), plain.state.filter(isMoment)).enumerated() {
      #expect(try isNear(ours.tensor, theirs.tensor, where: active[index % shapes.count]), "\(ours.name)")
    }
    for index in shapes.indices {
      #expect(try isNear(ours[index], free[index], where: active[index]), "\(shapes[index])")
      #expect(try bytes([active[index].select(start[index], ours[index])]) == bytes([start[index]]), "\(shapes[index])")
    }
    // Whatever was written to held weights meanwhile, they have their bits again.
    try ours[1].fill(.nan)
    try held.putBack()
    #expect(try bytes([active[1].select(start[1], ours[1])]) == bytes([start[1]]))
    // Let go, all of them move.
    let before = try ours.map { try $0.clone() }
    try masked.step(try draw(), learningRate: 0.1)
    for index in [0, 2, 3, 6] { #expect(try ours[index].equals(before[index]).sum().item() == 0) }
  }

  @Test(
    .enabled(if: (try? TorchRuntime.shared().open(.cuda(0))) != nil, "there is no CUDA device"), arguments: RuleCase.all
  )
  func `on a device held weights keep their bits and the others move`(_ rule: RuleCase) throws {
    let generator = try Generator(seed: 8)
    let shapes = [[600], [8, 16, 3, 3], [7]]
    func draw() throws -> [Tensor] {
      try shapes.map { try Tensor.randomNormal($0, generator: generator).to(.cuda(0)) }
    }
    let start = try draw()
    let active = try draw().map { try $0.isGreater(than: 0.3) }
    let weights = try start.map { try $0.clone() }
    let optimizer = try Optimizer(rule.settings, parameters: weights)
    let held = try HeldWeights(weights, active: active)
    for step in 0..<3 { try optimizer.step(try draw(), learningRate: rate(step), held: held) }
    for index in shapes.indices {
      #expect(try bytes([active[index].select(start[index], weights[index])]) == bytes([start[index]]))
      #expect(try active[index].and(weights[index].equals(start[index])).sum().item() == 0)
    }
  }

  @Test func `gradients in another memory order are stepped along element by element`() throws {
    let values = (0..<36).map(Double.init)
    let last = try Tensor(values, shape: [2, 2, 3, 3]).contiguous(.channelsLast).clone()
    let first = try Tensor(values, shape: [2, 2, 3, 3])
    let gradient = try Tensor(values.map { $0 * $0 }, shape: [2, 2, 3, 3])
    for parameter in [last, first] {
      let optimizer = try Optimizer(RuleCase.all[2].settings, parameters: [parameter])
      for _ in 0..<2 { try optimizer.step([gradient], learningRate: 0.1) }
    }
    #expect(last.isChannelsLast)
    #expect(try last.doubles() == first.doubles())
  }

  @Test func `clipping agrees with PyTorch's and never lengthens`() throws {
    for clipped in reference.clipped {
      let gradients = try reference.tensors(reference.gradients[0])
      let length = try gradientNorm(gradients)
      #expect(try abs(length.item() - clipped.length) < 1e-12)
      try clipGradients(gradients, to: clipped.norm, from: length)
      for (gradient, wanted) in zip(gradients, clipped.gradients) {
        #expect(try zip(gradient.doubles(), wanted).allSatisfy { abs($0 - $1) < 1e-12 })
      }
    }
  }
}
