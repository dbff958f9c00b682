import Foundation
import Glibc

/// libFuzzer's own loop; its command line is this program's.
@_silgen_name("LLVMFuzzerRunDriver")
private func runDriver(
  _ count: UnsafeMutablePointer<Int32>,
  _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>>,
  _ body: @convention(c) (UnsafePointer<UInt8>, Int) -> Int32
) -> Int32

/// What is fuzzed: the variable LETHE_FUZZ_TARGET names it. `scripts/fuzz` builds and runs this program.
private let target: Target = {
  let name = ProcessInfo.processInfo.environment["LETHE_FUZZ_TARGET"] ?? ""
  guard let target = Target.all.first(where: { $0.name == name }) else {
    print(Target.all.map(\.name).joined(separator: "\n"))
    exit(name.isEmpty ? 0 : 64)
  }
  return target
}()

let isReady = target.name
var count = CommandLine.argc
var arguments = CommandLine.unsafeArgv
exit(
  runDriver(&count, &arguments) { data, size in
    target.body(Array(UnsafeBufferPointer(start: data, count: size)))
    return 0
  })
