import Foundation
import Testing

@testable import Tensors

@Suite struct TensorErrorTests {
  private static let all: [TensorError] = [
    .libraryNotFound(searched: ["/a/libtorch", "/b/torch"]),
    .libraryUnusable(path: "/a/lib/libtorch_cpu.so", reason: "file too short"),
    .deviceUnavailable("there is no device 'cuda:3'; LibTorch finds 1 CUDA devices"),
    .schema("aten::mul.Tensor: argument 'other' is Tensor, not int"),
    .operation("aten::add.Tensor", message: "The size of tensor a (3) must match", details: "more"),
    .operation("aten::narrow", message: "aten::narrow: argument 'dim' wants int, not float", details: ""),
    .outOfMemory("aten::zeros", message: "DefaultCPUAllocator: can't allocate memory"),
    .file(path: "w.safetensors", .missing),
    .file(path: "w.safetensors", .unreadable(reason: "Permission denied")),
    .file(path: "w.safetensors", .malformed(reason: "5 bytes follow the last tensor")),
    .file(path: "w.safetensors", .unwritable(reason: "Read-only file system")),
    .file(path: "w.safetensors", .writeFailed(reason: "No space left on device")),
  ]

  @Test func `every message is the recorded one`() throws {
    let golden = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Golden/tensor-errors.txt")
    let text = Self.all.map { "\($0.exitCode) \($0.description)\n" }.joined()
    if ProcessInfo.processInfo.environment["RECORD_GOLDEN"] == "1" {
      try text.write(to: golden, atomically: true, encoding: .utf8)
      Issue.record("recorded; look at the difference and run again without RECORD_GOLDEN")
    }
    #expect(try String(contentsOf: golden, encoding: .utf8) == text)
  }
}
