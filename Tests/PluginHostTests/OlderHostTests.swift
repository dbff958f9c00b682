import CLethe
import Testing

@testable import PluginHost

/// How a table that has grown is shown to a plugin that asks for less.
struct OlderHostTests {
  @Test func `a host that plays one from before a slot has a table that ends there, and all before it`() async {
    // What a process pretends, it pretends for all of its sessions.
    await #expect(processExitsWith: .success) {
      let whole = unsafe ServiceTables.task
      let end = unsafe try #require(MemoryLayout<lethe_task>.offset(of: \.batch_losses))
      #expect(unsafe ServiceTables.since(HostFacts.minor, \.batch_losses, whole) == UnsafeRawPointer(whole))
      let shorter = unsafe ServiceTables.since(HostFacts.minor + 1, \.batch_losses, whole)
        .assumingMemoryBound(to: lethe_task.self)
      #expect(unsafe shorter.pointee.size == UInt32(end))
      #expect(unsafe shorter.pointee.batch_losses == nil)
      #expect(unsafe shorter.pointee.describe != nil && shorter.pointee.losses != nil)
      #expect(unsafe whole.pointee.batch_losses != nil)
    }
  }
}
