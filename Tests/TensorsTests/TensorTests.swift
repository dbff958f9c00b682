import Testing

@testable import Tensors

@Suite struct TensorTests {
  let a: Tensor
  let b: Tensor

  init() throws {
    a = try Tensor([1, -2, 3, 4] as [Float], shape: [2, 2])
    b = try Tensor([5, 6, 7, 8] as [Float], shape: [2, 2])
  }

  @Test func `arithmetic gives the numbers done by hand`() throws {
    #expect(try (a + b).floats() == [6, 4, 10, 12])
    #expect(try (a - b).floats() == [-4, -8, -4, -4])
    #expect(try (a * b).floats() == [5, -12, 21, 32])
    #expect(try (b / 2.0).floats() == [2.5, 3, 3.5, 4])
    #expect(try (1.0 - a).floats() == [0, 3, -2, -3])
    #expect(try (-a).floats() == [-1, 2, -3, -4])
    #expect(try a.matmul(b).floats() == [-9, -10, 43, 50])
    #expect(try a.power(2).floats() == [1, 4, 9, 16])
    #expect(try a.clamped(min: 0, max: 3).floats() == [1, 0, 3, 3])
    #expect(try a.clamped(min: 0).floats() == [1, 0, 3, 4])
    #expect(try a.lerp(to: b, weight: 0.5).floats() == [3, 2, 5, 6])
    #expect(try a.sign().floats() == [1, -1, 1, 1])
    #expect(try (Tensor([1, 2] as [Int64], shape: [2]) + 1).dtype == .int64)
  }

  @Test func `changes in place are seen through views`() throws {
    let whole = try Tensor.zeros([4])
    let part = try whole.narrow(0, start: 1, length: 2)
    try part.add(try Tensor([1, 2] as [Float], shape: [2]), scale: 10)
    try part.multiply(by: 2.0)
    #expect(try whole.floats() == [0, 20, 40, 0])
    #expect(whole.version == part.version)
    try whole.fill(where: try whole.isGreater(than: 30), 7)
    #expect(try whole.floats() == [0, 20, 7, 0])
    try whole.copy(along: 0, at: try Tensor([3, 0] as [Int64], shape: [2]), try Tensor([5, 6] as [Float], shape: [2]))
    #expect(try whole.floats() == [6, 20, 7, 5])
    try whole.assign(try Tensor.scalar(3))
    #expect(try whole.floats() == [3, 3, 3, 3])
  }

  @Test func `comparisons, choices and reductions`() throws {
    #expect(try a.isLess(than: 2).bools() == [true, true, false, false])
    #expect(try a.isAtLeast(b).any().item() == 0)
    #expect(try a.isGreater(than: 0).select(a, b).floats() == [1, 6, 3, 4])
    #expect(try (a / 0.0).isFinite().any().item() == 0)
    #expect(try a.sum(along: [0]).floats() == [4, 2])
    #expect(try a.mean(along: [1], keeps: true).shape == [2, 1])
    #expect(try a.max().item() == 4)
    #expect(try a.argMax(along: 1).int64s() == [0, 1])
    #expect(try a.min(along: [1]).floats() == [-2, 3])
    #expect(try a.norm().item() == Double(30).squareRoot().rounded(to: Float.self))
    #expect(try a.cumulativeSum(along: 1).floats() == [1, -1, 3, 7])
    #expect(try b.variance().item().rounded(to: Float.self) == Double(Float(5.0 / 3.0)))
    let (values, places) = try a.flatten().sorted(descending: true)
    #expect(try values.floats() == [4, 3, 1, -2])
    #expect(try places.int64s() == [3, 2, 0, 1])
    #expect(try a.flatten().topK(2, largest: false).values.floats() == [-2, 1])
    #expect(try a.flatten().kthSmallest(3).value.item() == 3)
    #expect(try Tensor([0, 2, 2] as [Int64], shape: [3]).counts(minimumLength: 4).int64s() == [1, 0, 2, 0])
  }

  @Test(.enabled(if: (try? TorchRuntime.shared().open(.cuda(0))) != nil, "there is no CUDA device"))
  func `on a device the k-th smallest is that of the processor`() throws {
    // Long rows are sorted there, short ones are not.
    for rows in [try Tensor.randomUniform([7, 70_000]), try Tensor.randomUniform([7, 1001])] {
      for dimension in [0, 1, -1] {
        let ours = try rows.to(.cuda(0)).kthSmallest(5, along: dimension).value
        #expect(try ours.floats() == rows.kthSmallest(5, along: dimension).value.floats())
      }
      #expect(throws: TensorError.self) { try rows.to(.cuda(0)).kthSmallest(70_001, along: 1) }
    }
  }

  @Test func `shapes, gathers and joins`() throws {
    #expect(try a.transpose(0, 1).floats() == [1, 3, -2, 4])
    #expect(try !a.transpose(0, 1).isContiguous)
    #expect(try a.reshape([-1]).shape == [4])
    #expect(try a.select(0, 1).floats() == [3, 4])
    #expect(try a.unsqueeze(0).expand([3, 2, 2]).count == 12)
    #expect(try Tensor.cat([a, b], along: 1).shape == [2, 4])
    #expect(try Tensor.stack([a, b]).shape == [2, 2, 2])
    #expect(try a.flip([1]).floats() == [-2, 1, 4, 3])
    #expect(try a.pad([1, 0]).floats() == [0, 1, -2, 0, 3, 4])
    let places = try Tensor([1, 0] as [Int64], shape: [2])
    #expect(try a.indexSelect(0, places).floats() == [3, 4, 1, -2])
    #expect(try a.gather(1, places.unsqueeze(1)).floats() == [-2, 3])
    #expect(try places.oneHot(2).int64s() == [0, 1, 1, 0])
    #expect(try a.isGreater(than: 2).nonZero().int64s() == [1, 0, 1, 1])
    #expect(try Tensor.arange(2, 8, step: 3).int64s() == [2, 5])
    let image = try Tensor.arange(16, dtype: .float32).reshape([1, 4, 2, 2])
    let last = try image.contiguous(.channelsLast)
    #expect(last.isChannelsLast && !last.isContiguous)
    #expect(last.strides == [16, 1, 8, 4])
    #expect(try last.floats() == image.floats())
  }

  @Test func `networks' operators agree with sums done by hand`() throws {
    let image = try Tensor.arange(9, dtype: .float32).reshape([1, 1, 3, 3])
    let kernel = try Tensor([1, 0, 0, 1] as [Float], shape: [1, 1, 2, 2])
    let bias = try Tensor([0.5] as [Float], shape: [1])
    #expect(try image.conv2d(kernel, bias: bias).floats() == [4.5, 6.5, 10.5, 12.5])
    #expect(try image.conv2d(kernel, stride: 2, padding: 1).floats() == [0, 2, 6, 12])
    #expect(try image.maxPool2d(2, stride: 1).floats() == [4, 5, 7, 8])
    #expect(try image.adaptiveAveragePool2d(1, 1).item() == 4)
    #expect(try a.linear(b, bias: Tensor([1, 1] as [Float], shape: [2])).floats() == [-6, -8, 40, 54])
    #expect(try a.relu().floats() == [1, 0, 3, 4])
    let labels = try Tensor([0, 1] as [Int64], shape: [2])
    let losses = try Tensor([0, 0, 0, 0] as [Double], shape: [2, 2]).crossEntropy(labels, reduction: .none)
    #expect(try losses.doubles().allSatisfy { abs($0 - 0.6931471805599453) < 1e-15 })
    let logits = try Tensor([2, -1, 0.5, 3] as [Double], shape: [2, 2])
    let direct = try logits.crossEntropy(labels).item()
    #expect(abs(try logits.logSoftmax(along: 1).nllLoss(labels).item() - direct) < 1e-15)
    #expect(try abs(logits.softmax(along: 1).sum().item() - 2) < 1e-15)
  }

  @Test func `batch normalisation moves its running statistics, also through views`() throws {
    let flat = try Tensor([0, 1] as [Float], shape: [2])
    let mean = try flat.narrow(0, start: 0, length: 1)
    let variance = try flat.narrow(0, start: 1, length: 1)
    let x = try Tensor([1, 2, 3, 4] as [Float], shape: [4, 1])
    let y = try x.batchNorm(
      weight: nil, bias: nil, runningMean: mean, runningVariance: variance, training: true, momentum: 0.5)
    #expect(abs(try y.sum().item()) < 1e-6)
    // mean 2.5 and unbiased variance 5/3, each half-way from 0 and 1
    #expect(try flat.floats() == [1.25, 0.5 + 0.5 * Float(5.0 / 3.0)])
  }

  @Test(arguments: DType.allCases)
  func `bytes go in and come out unchanged`(_ dtype: DType) throws {
    let bytes = (0..<(6 * dtype.byteCount)).map { UInt8(dtype == .bool ? $0 % 2 : $0) }
    let tensor = try Tensor(bytes: bytes, shape: [2, 3], dtype: dtype)
    #expect(tensor.dtype == dtype && tensor.shape == [2, 3] && tensor.byteCount == bytes.count)
    #expect(try tensor.bytes() == bytes)
    let turned = try tensor.transpose(0, 1).bytes()
    let expected = [0, 3, 1, 4, 2, 5].flatMap { index in
      bytes[(index * dtype.byteCount)..<((index + 1) * dtype.byteCount)]
    }
    #expect(turned == expected)
  }

  @Test func `bytes of the wrong number are refused`() throws {
    let error = #expect(throws: TensorError.self) { try Tensor(bytes: [1, 2, 3], shape: [2], dtype: .float32) }
    #expect(error?.description == "tensor from bytes: a tensor of this shape and type has 8 bytes, not 3")
    #expect(throws: TensorError.self) { try Tensor(bytes: [], shape: [-1], dtype: .uint8) }
    #expect(throws: TensorError.self) { try Tensor(bytes: [], shape: [1 << 40, 1 << 40], dtype: .uint8) }
    #expect(try Tensor(bytes: [], shape: [0, 3], dtype: .float32).count == 0)
    #expect(try Tensor([] as [Float], shape: [0]).floats() == [])
  }

  @Test func `generators repeat from their seed and are apart from each other`() throws {
    let first = try Generator(seed: 7)
    let drawn = try Tensor.randomNormal([8], generator: first).floats()
    let next = try Tensor.randomNormal([8], generator: first).floats()
    #expect(drawn != next)
    #expect(try Tensor.randomNormal([8], generator: Generator(seed: 7)).floats() == drawn)
    try first.setSeed(7)
    #expect(try Tensor.randomNormal([8], generator: first).floats() == drawn)
    #expect(try Tensor.randomNormal([8], generator: Generator(seed: 8)).floats() != drawn)
    let whole = try Tensor.randomIntegers(3..<6, [100], generator: first).int64s()
    #expect(Set(whole) == [3, 4, 5])
  }

  @Test func `half precision is read as the numbers it holds`() throws {
    let half = try Tensor([1.5, -0.25] as [Float], shape: [2]).to(.bfloat16)
    #expect(half.byteCount == 4)
    #expect(try half.floats() == [1.5, -0.25])
    #expect(try half.to(.float64).item0() == 1.5)
  }
}

extension Double {
  func rounded(to _: Float.Type) -> Double { Double(Float(self)) }
}

extension Tensor {
  func item0() throws -> Double { try select(0, 0).item() }
}
