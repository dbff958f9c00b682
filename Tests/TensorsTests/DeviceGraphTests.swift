import Tensors
import Testing

@Suite(.serialized) struct DeviceGraphTests {
  private static let isThere = (try? DeviceGraph.open(.cuda(0))) != nil

  @Test func `the processor records no graphs, and says so`() throws {
    #expect(throws: TensorError.deviceUnavailable("'cpu' records no graphs; only CUDA devices do")) {
      try DeviceGraph.open(.cpu)
    }
  }

  @Test(.enabled(if: isThere, "there is no CUDA device that records graphs"))
  func `a graph does again what it was shown, and draws new numbers`() throws {
    let device = Device.cuda(0)
    let input = try Tensor([1, 2, 3] as [Float], shape: [3], device: device)
    let sum = try Tensor.zeros([3], device: device)
    let drawn = try Tensor.zeros([64], device: device)
    try DeviceGraph.onOwnStream(device) {
      let graph = try DeviceGraph(recording: {
        try sum.add(input * 2)
        try drawn.assign(Tensor.randomUniform([64], device: device))
      })
      #expect(try sum.floats() == [0, 0, 0])
      try input.fill(5)
      for _ in 0..<3 { try graph.replay() }
      #expect(try sum.floats() == [30, 30, 30])

      // The same numbers as without a graph, from the same seed.
      try seedAll(9)
      try graph.replay()
      let replayed = try drawn.floats()
      try seedAll(9)
      #expect(try replayed == Tensor.randomUniform([64], device: device).floats())
      try graph.replay()
      #expect(try drawn.floats() != replayed)
    }
  }

  @Test(.enabled(if: isThere, "there is no CUDA device that records graphs"))
  func `graphs that share memory draw from a generator that they were given`() throws {
    let device = Device.cuda(0)
    let generator = try Generator(seed: 1, device: device)
    let (flat, bell) = (try Tensor.zeros([64], device: device), try Tensor.zeros([64], device: device))
    try DeviceGraph.onOwnStream(device) {
      let first = try DeviceGraph(drawingFrom: [generator]) {
        try flat.assign(Tensor.randomUniform([64], device: device, generator: generator))
      }
      let second = try DeviceGraph(drawingFrom: [generator], beside: first) {
        try bell.assign(Tensor.randomNormal([64], device: device, generator: generator) * 2)
      }
      for seed in [7, 8] as [UInt64] {
        try generator.setSeed(seed)
        try first.replay()
        try second.replay()
        let alone = try Generator(seed: seed, device: device)
        #expect(try flat.floats() == Tensor.randomUniform([64], device: device, generator: alone).floats())
        #expect(try bell.floats() == (Tensor.randomNormal([64], device: device, generator: alone) * 2).floats())
      }
    }
  }

  @Test(.enabled(if: isThere, "there is no CUDA device that records graphs"))
  func `what a body throws comes out of its recording`() throws {
    struct Mistake: Error {}
    try DeviceGraph.onOwnStream(.cuda(0)) {
      #expect(throws: Mistake.self) { try DeviceGraph(recording: { throw Mistake() }) }
    }
    #expect(try Tensor.ones([2], device: .cuda(0)).sum().item() == 2)
  }
}
