import Foundation
import Glibc
import Learning
import Runs
import Synchronization
import Testing

@testable import Engine

/// Somebody throws what he likes at a run's socket. Nothing happens that should not, and the run goes on.
@Suite(.serialized)
final class ControlAttackTests {
  private let folder: URL
  private let toy: ToyRun

  init() throws {
    folder = FileManager.default.temporaryDirectory.resolvingSymlinksInPath()
      .appendingPathComponent("lethe-attack-\(UUID().uuidString)")
    try FileManager.default.createDirectory(
      at: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o755])
    toy = try ToyRun("name=attacked", "checkpoint.every=4 steps")
  }

  deinit {
    try? FileManager.default.removeItem(at: folder)
    toy.clean()
  }

  private func listen() throws -> (desk: ControlDesk, socket: ControlSocket) {
    let desk = ControlDesk(plan: try toy.plan(), cancel: CancelFlag())
    return (desk, try ControlSocket(in: folder, desk: desk))
  }

  private func isHeard() throws -> Bool {
    try ControlClient.ask(ControlRequest(.status), of: folder).status?.name == "attacked"
  }

  // MARK: Messages

  private static let seeds = [
    #"{"do":"status","words":"status"}"#, #"{"do":"pause","words":"pause"}"#,
    #"{"do":"set","words":"set x","change":"{tune: {reweighter: {eta: 0.5}}}","folder":"/"}"#,
    #"{"do":"swap","words":"swap x","change":"{reweighter: {plugin: nobody, eta: 0.5}, mask: null}","folder":"/tmp"}"#,
  ]

  /// A message as somebody would make it up: one of the seeds, changed here and there.
  private static func mutated(_ random: inout Philox) -> [UInt8] {
    var bytes = Array(seeds[random.integer(below: seeds.count)].utf8)
    let tokens = [
      "{", "}", "[", "]", "\"", ":", ",", "\\u0000", "\\ud800", "1e999", "null", "&a ", "*a", "!!", "\n", "\u{0}", "é",
    ]
    for _ in 0...random.integer(below: 5) {
      let at = random.integer(below: bytes.count + 1)
      switch random.integer(below: 5) {
      case 0 where at < bytes.count: bytes[at] = UInt8(truncatingIfNeeded: random.next32())
      case 1 where at < bytes.count: bytes.remove(at: at)
      case 2: bytes.insert(contentsOf: Array(tokens[random.integer(below: tokens.count)].utf8), at: at)
      case 3: bytes.insert(contentsOf: bytes[..<at], at: random.integer(below: bytes.count + 1))
      default: bytes.removeSubrange(at...)
      }
      if bytes.isEmpty { bytes = [0x7B] }
    }
    return bytes
  }

  @Test
  func `thousands of made-up messages are answered or dropped, and the desk still hears`() throws {
    let (desk, socket) = try listen()
    defer { socket.close() }
    var random = Philox(seed: 1, label: "control attack")
    var (answered, good) = (0, 0)
    for _ in 0..<4000 {
      let answer = try Wire.ask(folder, Self.mutated(&random) + [0x0A])
      if !answer.isEmpty {
        answered += 1
        // Whatever was asked, what comes back is one line that a client can read.
        let reply = ControlReply(line: answer.dropLast())
        #expect(reply != nil, "'\(String(decoding: answer, as: UTF8.self))'")
        if reply?.isDone == true { good += 1 }
      }
    }
    #expect(answered > 3900 && good > 5 && good < 2000, "\(answered), \(good)")
    #expect(try isHeard())
    #expect(desk.isIdle)
  }

  @Test
  func `a run that is asked for impossible things goes on as if nothing had been asked`() throws {
    let replies = Mutex<[String]>([])
    let done = DispatchSemaphore(value: 0)
    let (plan, run) = (try toy.plan(), toy.run("attacked"))
    var desk: ControlDesk?
    var hasBegun = false
    let bombs = Self.bombs
    let engine = Engine(plan: plan, folder: run, cancel: CancelFlag()) { event in
      guard case .checkpointed = event.what, !hasBegun else { return }
      hasBegun = true
      Thread.detachNewThread {
        func ask(_ request: ControlRequest) {
          let reply = try? ControlClient.ask(request, of: run)
          replies.withLock { $0.append(reply.map { "\($0.isDone) \($0.message)" } ?? "no answer") }
        }
        ask(ControlRequest(.pause))
        for bomb in bombs {
          var request = ControlRequest(.swap)
          (request.change, request.folder) = (bomb, "/")
          ask(request)
        }
        var random = Philox(seed: 2, label: "control attack on a run")
        for _ in 0..<40 {
          let bytes = Self.mutated(&random)
          // What it makes up must not be what the test waits for.
          if let request = try? ControlRequest(line: bytes), [.resume, .stop].contains(request.verb) { continue }
          _ = try? Wire.ask(run, bytes + [0x0A])
        }
        ask(ControlRequest(.resume))
        done.signal()
      }
      for _ in 0..<2000 where desk?.isIdle == true { Thread.sleep(forTimeInterval: 0.005) }
    }
    desk = engine.desk
    _ = try engine.carryOut()
    done.wait()
    let said = replies.withLock { $0 }
    #expect(said.first?.hasPrefix("true paused") == true && said.last?.hasPrefix("true going on") == true, "\(said)")
    #expect(said.dropFirst().dropLast().allSatisfy { $0.hasPrefix("false ") }, "\(said.map { $0.prefix(200) })")
    try toy.carryOut("plain")
    #expect(try toy.weights("attacked") == toy.weights("plain"))
  }

  /// Changes in YAML that mean more than they say.
  private static var bombs: [String] {
    let laughs = (1..<9).map { level in
      "a\(level): &a\(level) [\(Array(repeating: "*a\(level - 1)", count: 9).joined(separator: ","))]"
    }
    return [
      "{a0: &a0 [x,x,x,x,x,x,x,x,x], \(laughs.joined(separator: ", "))}",
      String(repeating: "[", count: 30_000), String(repeating: "{a: ", count: 15_000),
      String(repeating: "- ", count: 30_000) + "x", "{reweighter: \(String(repeating: "[", count: 900))",
      "&a [*a]", "!!python/object:os.system x", "{objective: {plugin: /etc/passwd}}",
      "{objective: {plugin: /dev/zero}}",
      "{reweighter: {library: /etc/passwd, symbol: x, signature: 'double(double loss)'}}",
      "{reweighter: {library: /proc/self/mem, symbol: x, signature: 'double(double loss)'}}", "at: 3", "\u{0}",
      "? [a]: b",
    ]
  }

  @Test
  func `a message of many megabytes is cut off, and one that never ends is too`() throws {
    let (_, socket) = try listen()
    defer { socket.close() }
    let connection = try #require(Wire.connect(folder.path + "/control.sock"))
    defer { Glibc.close(connection) }
    let block = [UInt8](repeating: 0x61, count: 1 << 20)
    var sent = 0
    // Until the other side has enough of it.
    while sent < 64 << 20 {
      let count = unsafe block.withUnsafeBytes {
        unsafe Glibc.send(connection, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
      }
      guard count > 0 else { break }
      sent += count
    }
    #expect(sent < 4 << 20, "it listened to \(sent) bytes")
    #expect(try isHeard())
  }

  // MARK: Connections

  @Test
  func `connections that say nothing hold up nobody for long`() throws {
    let (_, socket) = try listen()
    defer { socket.close() }
    let mute = (0..<8).compactMap { _ in Wire.connect(folder.path + "/control.sock") }
    #expect(mute.count == 8)
    // All places are taken once the threads of the eight have begun.
    var answer = ""
    for _ in 0..<200 where !answer.contains("too many ask at once") {
      answer = String(decoding: try Wire.ask(folder, Array("{}\n".utf8)), as: UTF8.self)
    }
    #expect(answer.contains("too many ask at once"))
    for connection in mute { Glibc.close(connection) }
    var isHeard = false
    for _ in 0..<400 where !isHeard {
      isHeard = (try? self.isHeard()) ?? false
      if !isHeard { usleep(10_000) }
    }
    #expect(isHeard)
  }

  @Test
  func `hundreds of connections at once are answered or turned away, and leave nothing open`() throws {
    let (_, socket) = try listen()
    defer { socket.close() }
    func descriptors() -> Int { (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count) ?? 0 }
    let before = descriptors()
    let answered = Atomic<Int>(0)
    let folder = folder
    DispatchQueue.concurrentPerform(iterations: 300) { _ in
      let answer = (try? Wire.ask(folder, Array(#"{"do":"status","words":"status"}"#.utf8) + [0x0A])) ?? []
      if !answer.isEmpty { answered.add(1, ordering: .relaxed) }
    }
    #expect(answered.load(ordering: .relaxed) > 0)
    var isHeard = false
    for _ in 0..<400 where !isHeard {
      isHeard = (try? self.isHeard()) ?? false
      if !isHeard { usleep(10_000) }
    }
    #expect(isHeard)
    for _ in 0..<200 where descriptors() > before + 4 { usleep(10_000) }
    #expect(descriptors() <= before + 4)
  }

  // MARK: Who and where

  @Test(.enabled(if: geteuid() == 0, "only root can become somebody else"))
  func `another user is not let in by the file, and not answered when he is`() throws {
    let (_, socket) = try listen()
    defer { socket.close() }
    let program = folder.appendingPathComponent("stranger")
    let source = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appendingPathComponent("Fixtures/stranger.c")
    func run(_ arguments: [String]) throws -> Int32 {
      let process = Process()
      process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
      process.arguments = arguments
      try process.run()
      process.waitUntilExit()
      return process.terminationStatus
    }
    try #require(try run(["cc", "-O1", "-o", program.path, source.path]) == 0)
    // Whoever binds a socket meanwhile has other rights for new files, in the whole process.
    chmod(program.path, 0o755)
    let path = folder.path + "/control.sock"
    #expect(try run([program.path, path]) == 13, "EACCES")
    chmod(path, 0o666)
    // 0: connected, and the other side hung up without a word.
    #expect(try run([program.path, path]) == 0)
    #expect(try isHeard())
  }

  @Test
  func `a link in the place of the socket leads nobody to another run, and stays when the run ends`() throws {
    let (_, socket) = try listen()
    let other = folder.appendingPathComponent("other")
    try FileManager.default.createDirectory(at: other, withIntermediateDirectories: true)
    let desk = ControlDesk(plan: try toy.plan(), cancel: CancelFlag())
    let second = try ControlSocket(in: other, desk: desk)
    defer { second.close() }
    let place = folder.appendingPathComponent("control.sock")
    try FileManager.default.removeItem(at: place)
    try FileManager.default.createSymbolicLink(
      at: place, withDestinationURL: other.appendingPathComponent("control.sock"))
    #expect(throws: EngineError.foreignRun(folder: folder.path)) {
      try ControlClient.ask(ControlRequest(.stop), of: folder)
    }
    socket.close()
    #expect(try FileManager.default.destinationOfSymbolicLink(atPath: place.path).hasSuffix("other/control.sock"))
    #expect(try ControlClient.ask(ControlRequest(.status), of: other).status?.name == "attacked")
  }
}

/// Bytes to and from a socket, as somebody sends them who is no client of ours.
private enum Wire {
  static func connect(_ path: String) -> Int32? {
    let connection = Glibc.socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: Array(path.utf8) + [0]) }
    let isConnected = unsafe withUnsafePointer(to: &address) { pointer in
      unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        unsafe Glibc.connect(connection, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
    guard isConnected == 0 else {
      Glibc.close(connection)
      return nil
    }
    return connection
  }

  /// Sends bytes and gives all that comes back; nothing where the other side hangs up.
  static func ask(_ folder: URL, _ bytes: [UInt8]) throws -> [UInt8] {
    let connection = try #require(connect(folder.path + "/control.sock"))
    defer { Glibc.close(connection) }
    _ = unsafe bytes.withUnsafeBytes { unsafe Glibc.send(connection, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
    shutdown(connection, Int32(SHUT_WR))
    var answer: [UInt8] = []
    var block = [UInt8](repeating: 0, count: 4096)
    while true {
      let count = unsafe recv(connection, &block, block.count, 0)
      guard count > 0 else { return answer }
      answer += block[..<count]
    }
  }
}
