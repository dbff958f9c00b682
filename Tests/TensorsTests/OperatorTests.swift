import Testing

@testable import Tensors

@Suite struct OperatorTests {
  @Test func `adds, multiplies and reduces`() throws {
    let a = try Tensor([1, 2, 3, 4] as [Float], shape: [2, 2])
    let b = try a + a * 2.0
    #expect(try b.floats() == [3, 6, 9, 12])
    #expect(try b.sum().item() == 30)
    #expect(try a.matmul(a).floats() == [7, 10, 15, 22])
    #expect(a.shape == [2, 2])
  }
}
