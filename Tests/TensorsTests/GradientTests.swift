import Testing

@testable import Tensors

@Suite struct GradientTests {
  private func leaf(_ values: [Double]) throws -> Tensor {
    let tensor = try Tensor(values, shape: [values.count])
    try tensor.setRequiresGrad(true)
    return tensor
  }

  @Test func `the gradient of a cubic is the quadratic done by hand`() throws {
    let x = try leaf([1, 2, 3])
    let y = try x.power(3).sum()
    let grads = try gradient(of: [y], withRespectTo: [x])
    #expect(try grads[0]?.doubles() == [3, 12, 27])
  }

  @Test func `a graph made for it can be differentiated again`() throws {
    let x = try leaf([2, 5])
    let y = try x.power(3).sum()
    guard let first = try gradient(of: [y], withRespectTo: [x], createGraph: true)[0] else {
      Issue.record("no gradient")
      return
    }
    #expect(first.requiresGrad)
    let second = try gradient(of: [try first.sum()], withRespectTo: [x])
    #expect(try second[0]?.doubles() == [12, 30])
  }

  @Test func `several outputs are weighted by their seeds`() throws {
    let x = try leaf([1, 2])
    let y = try x * 3.0
    let z = try x.power(2).sum()
    let seed = try Tensor([10, 100] as [Double], shape: [2])
    let grads = try gradient(of: [y, z], seeds: [seed, nil], withRespectTo: [x])
    #expect(try grads[0]?.doubles() == [30 + 2, 300 + 4])
    #expect(throws: TensorError.self) { try gradient(of: [y, z], seeds: [seed], withRespectTo: [x]) }
  }

  @Test func `an input that is not used gives nil only when that is allowed`() throws {
    let x = try leaf([1])
    let unused = try leaf([1])
    let y = try x.sum()
    #expect(throws: TensorError.self) { try gradient(of: [y], withRespectTo: [x, unused], retainGraph: true) }
    let grads = try gradient(of: [y], withRespectTo: [x, unused], allowUnused: true)
    #expect(grads[0] != nil && grads[1] == nil)
  }

  @Test func `one graph serves several calls only when it is kept`() throws {
    let x = try leaf([3])
    let y = try x.power(2).sum()
    for _ in 0..<2 { #expect(try gradient(of: [y], withRespectTo: [x], retainGraph: true)[0]?.doubles() == [6]) }
    _ = try gradient(of: [y], withRespectTo: [x])
    #expect(throws: TensorError.self) { try gradient(of: [y], withRespectTo: [x]) }
  }

  @Test func `nothing is recorded without gradients, and the mode comes back after an error`() throws {
    let x = try leaf([1])
    let y = try withoutGradients { () throws(TensorError) in try x * 2.0 }
    #expect(!y.requiresGrad)
    let z = try withoutGradients { () throws(TensorError) in
      try withGradients { () throws(TensorError) in try x * 2.0 }
    }
    #expect(z.requiresGrad)
    #expect(throws: TensorError.self) { try withoutGradients { try x.reshape([7]) } }
    #expect(try (x * 2.0).requiresGrad)
    #expect(try !(x * 2.0).detach().requiresGrad)
  }

  @Test func `autocast computes products in bfloat16 and gives single-precision gradients`() throws {
    let weight = try Tensor([0.1, 0.2, 0.3, 0.4] as [Float], shape: [2, 2])
    try weight.setRequiresGrad(true)
    let x = try Tensor([1, 2, 3, 4] as [Float], shape: [2, 2])
    let y = try withAutocast(.bfloat16, .cpu) { () throws(TensorError) in try x.linear(weight) }
    #expect(y.dtype == .bfloat16)
    #expect(try x.linear(weight).dtype == .float32)
    let off = try withAutocast(.bfloat16, .cpu) { () throws(TensorError) in
      try withAutocast(nil, .cpu) { () throws(TensorError) in try x.linear(weight) }
    }
    #expect(off.dtype == .float32)
    let grads = try gradient(of: [try y.sum()], withRespectTo: [weight])
    #expect(grads[0]?.dtype == .float32)
    #expect(try grads[0]?.floats() == [4, 6, 4, 6])
  }

  @Test func `a weight changed between two autocast scopes is cast anew`() throws {
    let weight = try Tensor([1] as [Float], shape: [1, 1])
    try weight.setRequiresGrad(true)
    let x = try Tensor([1] as [Float], shape: [1, 1])
    func product() throws -> Double {
      try withAutocast(.bfloat16, .cpu) { () throws(TensorError) in try x.linear(weight) }.item()
    }
    #expect(try product() == 1)
    try withoutGradients { () throws(TensorError) in try weight.fill(2) }
    #expect(try product() == 2)
  }
}
