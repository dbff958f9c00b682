import Tensors
import Testing

@testable import Learning

@Suite struct MovingAverageTests {
  private static func linear(_ dtype: DType = .float64) throws -> TrainableModel {
    let builder = try ModelBuilder(seed: 1, dtype: dtype, device: .cpu, channelsLast: false, normalised: [])
    _ = try builder.plainLinear("layer", inputs: 2, outputs: 3)
    return TrainableModel("linear", builder, dtype: dtype, device: .cpu, channelsLast: false)
  }

  /// Adds numbers to each parameter, after setting it to zero where asked.
  private static func move(_ model: TrainableModel, _ number: Int, fromZero: Bool = false) throws {
    try withoutGradients {
      for (index, entry) in model.parameters.enumerated() {
        if fromZero { try entry.tensor.zero() }
        try entry.tensor.add(try DiffusionReference.uniform(number + index, entry.tensor.shape).to(model.dtype))
      }
    }
  }

  private static func values(_ tensors: [(name: String, tensor: Tensor)]) throws -> [Double] {
    try tensors.flatMap { try $0.tensor.doubles() }
  }

  @Test func `averages and decays agree with diffusers'`() throws {
    for expected in try DiffusionReference.read().averages {
      let decay = MovingAverage.Decay.warmingUp(highest: expected.highest, power: expected.power)
      for (count, value) in zip(expected.counts, expected.decays) { #expect(abs(decay.at(count) - value) < 1e-15) }
      let model = try Self.linear()
      try Self.move(model, 0, fromZero: true)
      let average = try MovingAverage(of: model, decay: decay)
      for (index, step) in expected.steps.enumerated() {
        try Self.move(model, 10 * (index + 1))
        try average.update(from: model)
        #expect(abs(decay.at(average.updates) - step.decay) < 1e-15)
        let found = try Self.values(average.tensors)
        #expect(zip(found, step.values).allSatisfy { abs($0 - $1) < 1e-14 } && found.count == step.values.count)
      }
    }
  }

  @Test func `parameters that stand still are their own average, to the bit`() throws {
    let model = try Self.linear(.float32)
    let average = try MovingAverage(of: model, decay: .constant(0.99))
    for _ in 0..<50 { try average.update(from: model) }
    #expect(try average.tensors.map { try $0.tensor.bytes() } == model.parameters.map { try $0.tensor.bytes() })
  }

  @Test(arguments: [MovingAverage.Decay.constant(0.9), .warmingUp(highest: 0.999)])
  func `a step that was bad leaves the average as it was, and a good one moves it as ever`(
    _ decay: MovingAverage.Decay
  ) throws {
    let model = try Self.linear()
    let (plain, gated) = (try MovingAverage(of: model, decay: decay), try MovingAverage(of: model, decay: decay))
    let (good, bad) = (try Tensor([0.0], shape: []).isGreater(than: 0), try Tensor([1.0], shape: []).isGreater(than: 0))
    for number in 1...4 {
      try Self.move(model, number)
      try plain.update(from: model)
      try gated.update(from: model, unless: good)
      #expect(zip(try Self.values(plain.tensors), try Self.values(gated.tensors)).allSatisfy { abs($0 - $1) < 1e-14 })
    }
    if decay != .constant(0.9) {
      // The first update takes over the parameters to the bit.
      let first = try MovingAverage(of: Self.linear(), decay: decay)
      try first.update(from: model, unless: good)
      #expect(try Self.values(first.tensors) == model.parameters.flatMap { try $0.tensor.doubles() })
    }
    let before = try gated.tensors.map { try $0.tensor.bytes() }
    for number in 5...6 {
      try Self.move(model, number)
      try gated.update(from: model, unless: bad)
    }
    #expect(try gated.tensors.map { try $0.tensor.bytes() } == before)
    gated.correct(updates: 4)
    try plain.update(from: model)
    try gated.update(from: model, unless: good)
    #expect(zip(try Self.values(plain.tensors), try Self.values(gated.tensors)).allSatisfy { abs($0 - $1) < 1e-14 })
  }

  @Test func `the average does not move when the model does, until it is told`() throws {
    let model = try Self.linear()
    let average = try MovingAverage(of: model, decay: .constant(0.9))
    let before = try Self.values(average.tensors)
    try Self.move(model, 3)
    #expect(try Self.values(average.tensors) == before)
    try average.update(from: model)
    #expect(try Self.values(average.tensors) != before)
  }

  @Test func `a model in half precision is averaged in binary32`() throws {
    let model = try Self.linear(.bfloat16)
    let average = try MovingAverage(of: model, decay: .constant(0.9999))
    let before = try Self.values(average.tensors)
    try Self.move(model, 3)
    try average.update(from: model)
    #expect(average.tensors[0].tensor.dtype == .float32)
    #expect(try Self.values(average.tensors) != before)
  }

  @Test func `an average goes on from what was saved as if nothing had happened`() throws {
    let model = try Self.linear()
    let whole = try MovingAverage(of: model, decay: .warmingUp(highest: 0.9999))
    for step in 0..<3 {
      try Self.move(model, step)
      try whole.update(from: model)
    }
    let resumed = try MovingAverage(of: try Self.linear(), decay: whole.decay)
    try resumed.restore(whole.tensors.map { ($0.name, try $0.tensor.clone()) }, updates: whole.updates)
    try Self.move(model, 7)
    try whole.update(from: model)
    try resumed.update(from: model)
    #expect(try Self.values(whole.tensors) == Self.values(resumed.tensors) && resumed.updates == 4)
    try resumed.apply(to: model)
    #expect(try Self.values(model.parameters) == Self.values(whole.tensors))
    let error = #expect(throws: LearningError.self) { try resumed.restore([], updates: 1) }
    #expect(error == .weightsMissing(path: "checkpoint", names: ["layer.weight", "layer.bias"]))
  }
}
