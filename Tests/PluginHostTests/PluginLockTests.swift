import Foundation
import Testing

@testable import PluginHost

/// The file `plugins.lock`.
struct PluginLockTests {
  private let folder = Fixture.newFolder("lock")
  private var list: String { folder.appending(path: "plugins.lock").path }

  private func entry(_ number: Int, id: String = "org.example.mine") -> PluginLock.Entry {
    let sha256 = String(repeating: "0123456789abcdef", count: 4).dropLast(4) + String(format: "%04x", number)
    return .init(
      id: id, version: "1.2.0", sha256: String(sha256), file: "/a \"folder\"/libmine.so", date: "2026-01-31T12:00:00Z")
  }

  private func add(_ entries: PluginLock.Entry...) throws {
    try PluginLock.change(list, trust: .tests) { lock throws(PluginError) in entries.forEach { lock.add($0) } }
  }

  @Test func `what is written is read again, one line an entry, and the same bytes are there once`() throws {
    try add(entry(1), entry(2, id: "libplain.so"))
    try add(entry(1))
    let lock = try PluginLock(reading: list, trust: .tests)
    #expect(lock.entries == [entry(2, id: "libplain.so"), entry(1)])
    #expect(lock.has(entry(1).sha256) && !lock.has(entry(3).sha256))
    let text = try String(contentsOfFile: list, encoding: .utf8)
    #expect(text == lock.text && text.split(separator: "\n").count == 7)
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["plugins.lock"])
  }

  @Test func `many who write at once lose nothing`() throws {
    DispatchQueue.concurrentPerform(iterations: 24) { number in try? add(entry(number)) }
    #expect(try PluginLock(reading: list, trust: .tests).entries.count == 24)
  }

  @Test func `a list that is not there is empty`() throws {
    #expect(try PluginLock(reading: list, trust: .tests).entries.isEmpty)
  }

  @Test func `a list that others can write is not believed`() throws {
    try add(entry(1))
    chmod(list, 0o666)
    #expect(message { _ = try PluginLock(reading: list, trust: .tests) }.contains("run: chmod o-w '\(list)'"))
    chmod(list, 0o644)
    chmod(folder.path, 0o777)
    #expect(message { _ = try PluginLock(reading: list, trust: .tests) }.contains("run: chmod o-w '\(folder.path)'"))
  }

  static let broken: [(String, String)] = [
    ("", "line 1, column 1"), ("[]", "an object would be right"), ("{\"plugins\": []}", "'format' is missing"),
    ("{\"format\": 2}", "'schema' is 2"), ("{\"format\": 1, \"plugins\": {}}", "a list would be right"),
    ("{\"format\": 1, \"plugins\": [{\"id\": \"x\"}]}", "'plugins[0].sha256' is missing"),
    ("{\"format\": 1, \"plugins\": [{\"id\": \"x\", \"sha256\": \"abc\"}]}", "64 lower-case hexadecimal digits"),
  ]

  @Test(arguments: broken)
  func `a list that is none is told with its place, and nothing is let in by it`(_ text: String, _ words: String) throws
  {
    try Data(text.utf8).write(to: URL(filePath: list))
    let said = message { _ = try PluginLock(reading: list, trust: .tests) }
    #expect(said.contains(words) && said.contains(list), "\(said)")
    #expect(throws: PluginError.self) { try add(entry(1)) }
    #expect(try String(contentsOfFile: list, encoding: .utf8) == text)
  }

  @Test func `the list is the user's, and a privileged process has none`() {
    #expect(PluginLock.usualPath { ["HOME": "/home/eve"][$0] } == "/home/eve/.config/lethe/plugins.lock")
    #expect(
      PluginLock.usualPath { ["XDG_CONFIG_HOME": "/etc/eve", "HOME": "/x"][$0] } == "/etc/eve/lethe/plugins.lock")
    #expect(PluginLock.usualPath { ["XDG_CONFIG_HOME": "eve"][$0] } == nil)
    #expect(PluginLock.usualPath { _ in nil } == nil)
  }
}
