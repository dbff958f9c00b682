import CLethe
import Glibc

/// The tables that plugins call. Each is made once, never changed and never freed.
enum ServiceTables {
  // Immutable after the first use, and never freed.
  nonisolated(unsafe) static let host: UnsafePointer<lethe_host> = unsafe make(
    lethe_host(
      size: size(of: lethe_host.self), abi_minor: UInt32(OfferedMinor.now), name: permanent(HostFacts.name),
      version: permanent(HostFacts.version),
      service: { _, id in unsafe ServiceTables.find(id) }))

  private static func find(_ id: UnsafePointer<CChar>?) -> UnsafeRawPointer? {
    switch unsafe CStruct.text(id, limit: 256) {
    case "lethe.core/1": unsafe UnsafeRawPointer(core)
    case "lethe.tensors/1": unsafe UnsafeRawPointer(tensors)
    case "lethe.ops/1": unsafe UnsafeRawPointer(operations)
    case "lethe.dlpack/1": unsafe UnsafeRawPointer(dlpack)
    case "lethe.autograd/1": unsafe UnsafeRawPointer(autograd)
    case "lethe.rng/1": unsafe UnsafeRawPointer(randoms)
    case "lethe.model/1": unsafe UnsafeRawPointer(models)
    case "lethe.task/1": unsafe UnsafeRawPointer(task)
    case "lethe.evaluate/1": unsafe UnsafeRawPointer(evaluate)
    case "lethe.step/1": unsafe UnsafeRawPointer(steps)
    case "lethe.data/1": unsafe UnsafeRawPointer(data)
    case "lethe.diffusion/1": unsafe UnsafeRawPointer(diffusion)
    case "lethe.artifact/1": unsafe UnsafeRawPointer(artifacts)
    default: nil
    }
  }

  /// How `find` gives a table that has grown: without its slots from `slot` on where the process plays a host from before
  /// `minor`. None has grown since the generation began.
  static func since<Table, Slot>(
    _ minor: Int, _ slot: KeyPath<Table, Slot>, _ table: UnsafePointer<Table>
  ) -> UnsafeRawPointer {
    guard OfferedMinor.now < minor, let size = MemoryLayout<Table>.offset(of: slot) else {
      return unsafe UnsafeRawPointer(table)
    }
    let memory = UnsafeMutableRawPointer.allocate(byteCount: MemoryLayout<Table>.size, alignment: 8)
    unsafe memset(memory, 0, MemoryLayout<Table>.size)
    unsafe memory.copyMemory(from: table, byteCount: size)
    unsafe memory.storeBytes(of: UInt32(size), as: UInt32.self)
    return UnsafeRawPointer(memory)
  }

  /// Memory for one struct that lives as long as the process.
  static func make<Table>(_ table: Table) -> UnsafePointer<Table> {
    let memory = UnsafeMutablePointer<Table>.allocate(capacity: 1)
    unsafe memory.initialize(to: table)
    return unsafe UnsafePointer(memory)
  }

  /// The bytes that this compiler gives a struct, for its `size`.
  static func size<Struct>(of type: Struct.Type) -> UInt32 { UInt32(MemoryLayout<Struct>.size) }

  /// A C text that lives as long as the process.
  static func permanent(_ text: String) -> UnsafePointer<CChar> {
    let bytes = text.utf8CString
    let memory = UnsafeMutablePointer<CChar>.allocate(capacity: bytes.count)
    for (index, byte) in bytes.enumerated() { unsafe (memory + index).initialize(to: byte) }
    return unsafe UnsafePointer(memory)
  }
}
