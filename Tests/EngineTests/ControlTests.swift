import Foundation
import Glibc
import Learning
import Runs
import Synchronization
import Tensors
import Testing

@testable import Engine

/// What is asked of a run while it goes on happens, is written down, and can be repeated bit for bit.
@Suite(.serialized)
struct ControlTests {
  /// Two forget batches and ten retain batches an epoch.
  private static let epoch = 12

  private func toy(_ overrides: String...) throws -> ToyRun {
    var toy = try ToyRun()
    toy.overrides = ["data.train=384", "data.validation=0", "forget={random: 64, seed: 3}", "checkpoint.every=5 steps"]
    toy.overrides += overrides
    return toy
  }

  /// Carries the toy out; at the checkpoint after `step` steps the run waits until all requests but those that must wait
  /// for it are on their way. Gives the answers in order.
  @discardableResult
  private func carryOut(
    _ toy: ToyRun, _ name: String, asking requests: [ControlRequest], at step: Int, stopAfter: Int? = nil,
    meanwhile: @escaping @Sendable () -> Void = {}
  ) throws -> [ControlReply] {
    let replies = Mutex<[Int: ControlReply]>([:])
    let done = DispatchSemaphore(value: 0)
    let folder = toy.run(name)
    let cancel = CancelFlag()
    var hasAsked = false
    var desk: ControlDesk?
    let engine = Engine(plan: try toy.plan(), folder: folder, cancel: cancel) { event in
      guard case .checkpointed(let now, _) = event.what else { return }
      if now == stopAfter { cancel.cancel(signal: 2) }
      guard now == step, !hasAsked else { return }
      hasAsked = true
      Thread.detachNewThread {
        meanwhile()
        for (index, request) in requests.enumerated() {
          let reply = (try? ControlClient.ask(request, of: folder)) ?? ControlReply(isDone: false, message: "no answer")
          replies.withLock { $0[index] = reply }
        }
        done.signal()
      }
      // The first one lies on the desk before the next step.
      for _ in 0..<2000 where desk?.isIdle == true { Thread.sleep(forTimeInterval: 0.005) }
    }
    desk = engine.desk
    if stopAfter == nil {
      _ = try engine.carryOut()
    } else {
      #expect(throws: EngineError.self) { try engine.carryOut() }
    }
    done.wait()
    return replies.withLock { replies in requests.indices.compactMap { replies[$0] } }
  }

  private func request(_ verb: ControlRequest.Verb, _ words: String...) throws -> ControlRequest {
    try ControlRequest(verb, words: words, folder: "/")
  }

  private func events(_ toy: ToyRun, _ name: String) throws -> [RunEvent] {
    try RunFolder(url: toy.run(name)).record().events
  }

  @Test
  func `a run that only trains models says where it stands, and stops when asked`() throws {
    let toy = try ToyRun("pipeline=none")
    defer { toy.clean() }
    let folder = toy.run()
    var replies: [ControlReply] = []
    let engine = Engine(plan: try toy.plan(), folder: folder, cancel: CancelFlag()) { event in
      guard case .splitReady = event.what else { return }
      for verb in [ControlRequest.Verb.status, .snapshot, .stop] {
        if let reply = try? ControlClient.ask(ControlRequest(verb), of: folder) { replies.append(reply) }
      }
    }
    #expect(throws: EngineError.interrupted(signal: SIGTERM, folder: folder.path)) { try engine.carryOut() }
    #expect(replies.map(\.isDone) == [true, false, true])
    #expect(replies.first?.status?.phase == .data)
    #expect(throws: EngineError.notRunning(folder: folder.path)) {
      try ControlClient.ask(ControlRequest(.status), of: folder)
    }
    #expect(try toy.resume().outcome == .finished)
  }

  @Test
  func `parts swapped in a live run are swapped again by a replay, bit for bit`() throws {
    let (live, plain) = (try toy(), try toy())
    defer { for run in [live, plain] { run.clean() } }
    let replies = try carryOut(
      live, "live",
      asking: [
        try request(.pause), try request(.swap, "reweighter=loreun,eta_forget=0.5", "updater=proximal"),
        try request(.set, "pipeline.optimizer.learning_rate=0.01"),
        try request(.swap, "mask={plugin: salun, keep: 0.5}"),
        try request(.snapshot), try request(.resume),
      ], at: 5)
    #expect(replies.map(\.isDone) == [true, true, true, true, true, true], "\(replies.map(\.message))")
    #expect(replies[0].status?.isPaused == true)
    #expect(replies[1].message == "changed after step 5")
    #expect(replies[3].message.contains("epoch 1"))
    #expect(replies[5].status?.parts["reweighter"]?.hasPrefix("loreun (eta_forget 0.5") == true)
    #expect(replies[5].status?.parts["learning_rate"] == "0.01")
    #expect(
      FileManager.default.fileExists(atPath: live.run("live").appendingPathComponent("snapshot-5.safetensors").path))
    let swaps = try events(live, "live").compactMap { if case .swapped(let swap) = $0.what { swap } else { nil } }
    #expect(swaps.map(\.step) == [5, 5, Self.epoch])
    #expect(swaps.last?.roles == ["mask": "salun"])
    let replay = try Engine.replay(live.run("live"), cancel: CancelFlag(), sink: { _ in })
    #expect(replay.differing == [])
    #expect(replay.changes == 3 && replay.steps == 3 * Self.epoch && replay.tensors > 0)
    try plain.carryOut("plain")
    #expect(try plain.weights("plain") != live.weights("live"), "the changes change nothing, so the test says nothing")
  }

  @Test
  func `a run that was interrupted after live changes goes on bit for bit`() throws {
    let run = try toy()
    defer { run.clean() }
    let changes = [
      try request(.pause), try request(.swap, "reweighter=loreun"), try request(.swap, "schedule=joint"),
      try request(.set, "pipeline.reweighter.eta_forget=0.5"), try request(.resume),
    ]
    try carryOut(run, "whole", asking: changes, at: 5)
    for stop in [5, 10, 20] {
      let replies = try carryOut(run, "parts", asking: changes, at: 5, stopAfter: stop)
      // Stopped at once, the run has no time for them.
      if stop > 5 { #expect(!replies.map(\.isDone).contains(false), "\(replies.map(\.message))") }
      try run.resume("parts")
      if stop > 5 { #expect(try run.weights("whole") == run.weights("parts"), "stopped after \(stop) steps") }
    }
    #expect(try Engine.replay(run.run("parts"), cancel: CancelFlag(), sink: { _ in }).differing == [])
  }

  @Test
  func `what cannot be is refused with a reason, and the run goes on as if nothing had been asked`() throws {
    let (asked, plain) = (try toy(), try toy())
    defer { for run in [asked, plain] { run.clean() } }
    let replies = try carryOut(
      asked, "asked",
      asking: [
        try request(.pause), try request(.swap, "reweighter=lorean"),
        try request(.swap, "reweighter=loreun,eta_forget=x"),
        try request(.swap, "objective=none"), try request(.set, "pipeline.objective.seed=1"),
        try request(.swap, "updater=gradient-balance"), try request(.set, "pipeline.reweighter.eta_forget=1"),
        try request(.resume),
      ], at: 5)
    #expect(
      replies.map(\.isDone) == [true, false, false, false, false, false, false, true], "\(replies.map(\.message))")
    for (reply, word) in zip(
      replies.dropFirst(), ["'loreun'", "eta_forget", "cannot be taken away", "seed", "sequential", "reweighter"])
    {
      #expect(reply.message.contains(word), "'\(reply.message)'")
    }
    try plain.carryOut("plain")
    #expect(try asked.weights("asked") == plain.weights("plain"))
    #expect(try !events(asked, "asked").contains { if case .changed = $0.what { true } else { false } })
  }

  @Test
  func `before the last epoch's end it is too late for a new mask`() throws {
    let run = try toy()
    defer { run.clean() }
    let replies = try carryOut(run, "run", asking: [try request(.swap, "mask=salun")], at: 30)
    #expect(replies.map(\.isDone) == [false])
    #expect(replies[0].message.contains("no other one begins"))
  }

  @Test
  func `stop saves, and the run can be gone on with`() throws {
    let (stopped, plain) = (try toy(), try toy())
    defer { for run in [stopped, plain] { run.clean() } }
    let folder = stopped.run("run")
    let replied = DispatchSemaphore(value: 0)
    let engine = Engine(plan: try stopped.plan(), folder: folder, cancel: CancelFlag()) { event in
      guard case .checkpointed(step: 10, _) = event.what else { return }
      Thread.detachNewThread {
        _ = try? ControlClient.ask(ControlRequest(.stop), of: folder)
        replied.signal()
      }
      replied.wait()
    }
    #expect(throws: EngineError.interrupted(signal: SIGTERM, folder: folder.path)) { try engine.carryOut() }
    try stopped.resume("run")
    try plain.carryOut("plain")
    #expect(try stopped.weights("run") == plain.weights("plain"))
  }

  @Test
  func `a metric that crosses its value swaps at that step, and a replay does so again`() throws {
    let watch = "data.validation=0.1"
    let crossing = try toy(watch, "evaluate.every=10 steps", "swaps=[{at: 'loss-validation > 0', reweighter: loreun}]")
    let planned = try toy(watch, "swaps=[{at: step 10, reweighter: loreun}]")
    let never = try toy(watch, "evaluate.every=10 steps", "swaps=[{at: 'loss-validation < 0', reweighter: loreun}]")
    defer { for run in [crossing, planned, never] { run.clean() } }
    let report = try crossing.carryOut("crossing")
    #expect(report.swaps.map(\.step) == [10])
    try planned.carryOut("planned")
    #expect(try crossing.weights("crossing") == planned.weights("planned"))
    #expect(try Engine.replay(crossing.run("crossing"), cancel: CancelFlag(), sink: { _ in }).differing == [])
    #expect(try never.carryOut("never").swaps.isEmpty)
    for stop in [10, 15] {
      #expect(throws: EngineError.self) { try crossing.carryOut("parts", stopAfter: stop) }
      try crossing.resume("parts")
      #expect(try crossing.weights("crossing") == crossing.weights("parts"), "stopped after \(stop) steps")
    }
  }

  @Test
  func `a metric that is not measured on the way is named with those that are`() throws {
    let run = try toy("data.validation=0.1", "evaluate.every=10 steps", "swaps=[{at: 'ua > 3', reweighter: loreun}]")
    defer { run.clean() }
    #expect {
      try run.carryOut()
    } throws: { error in
      "\(error)".contains("'ua > 3.0'") && "\(error)".contains("'loss-validation@mean-cross-entropy'")
    }
  }

  @Test
  func `what a part kept is handed back when it returns`() throws {
    let balance = "{plugin: gradient-balance, every: 1000}"
    let run = try toy(
      "pipeline.schedule=paired", "pipeline.updater=\(balance)",
      "swaps=[{at: step 6, updater: null}, {at: step 16, updater: \(balance)}]")
    let fresh = try toy(
      "pipeline.schedule=paired", "swaps=[{at: step 16, updater: \(balance)}]")
    defer { for run in [run, fresh] { run.clean() } }
    func state(_ stop: Int, _ prefix: String, of toy: ToyRun) throws -> [UInt8]? {
      #expect(throws: EngineError.self) { try toy.carryOut("stopped", stopAfter: stop) }
      let stored = try SafeTensors.read(RunFolder(url: toy.run("stopped")).checkpoint.path)
      return try stored.tensors.first { $0.name.hasPrefix(prefix) }?.tensor.bytes()
    }
    let before = try state(5, "plugin.updater.", of: run)
    let meanwhile = try state(10, "kept.updater.gradient-balance/", of: run)
    let after = try state(20, "plugin.updater.", of: run)
    #expect(before != nil && before == meanwhile && before == after)
    #expect(try state(20, "plugin.updater.", of: fresh) != before, "the state is the same anyhow")
  }

  @Test
  func `a plugin that was built anew comes into a live run beside the one it was`() throws {
    var run = try toy("pipeline.reweighter={plugin: org.example.cap, cap: 100}")
    defer { run.clean() }
    let library = try Self.buildCap(weight: "1.0", in: run.folder)
    run.pluginFolders = [library.deletingLastPathComponent().path]
    func bytesNow() throws -> String? { try run.plan().plugins.first { $0.role == .reweighter }?.sha256 }
    let before = try bytesNow()
    try run.carryOut("plain")
    let folder = run.folder
    let replies = try carryOut(
      run, "live", asking: [try request(.swap, "reweighter={plugin: org.example.cap, cap: 100}")], at: 5,
      meanwhile: { _ = try? Self.buildCap(weight: "3.0", in: folder) })
    #expect(replies.map(\.isDone) == [true], "\(replies.map(\.message))")
    let events = try events(run, "live")
    let swap = try #require(events.compactMap { if case .swapped(let swap) = $0.what { swap } else { nil } }.first)
    let plugin = try #require(swap.plugins.first { $0.role == .reweighter })
    #expect(plugin.sha256 != before)
    #expect(try plugin.sha256 == bytesNow())
    // Three times the weights from the fifth step on: as if the learning rate of the forget samples were another.
    #expect(try run.weights("live") != run.weights("plain"))
    // A run that stops after that goes on with the part in force, though the one that it began with is gone.
    _ = try Self.buildCap(weight: "1.0", in: folder)
    try carryOut(
      run, "stopped", asking: [try request(.swap, "reweighter={plugin: org.example.cap, cap: 100}")], at: 5,
      stopAfter: 10, meanwhile: { _ = try? Self.buildCap(weight: "3.0", in: folder) })
    try run.resume("stopped")
    #expect(try run.weights("stopped") == run.weights("live"))
    // The bytes that the run began with are gone, and a replay says so.
    do {
      _ = try Engine.replay(run.run("live"), cancel: CancelFlag(), sink: { _ in })
      Issue.record("a run with other bytes was repeated")
    } catch {
      #expect("\(error)".contains("org.example.cap"), "\(error)")
    }
  }

  /// Builds the reweighter `org.example.cap` with another weight than 1/n, and puts it where the one before it is.
  private static func buildCap(weight: String, in folder: URL) throws -> URL {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    let source = root.appendingPathComponent("Tests/EngineTests/Fixtures/cap")
    let target = folder.appendingPathComponent("plugin")
    let text = try String(contentsOf: source.appendingPathComponent("cap.c"), encoding: .utf8)
    try #require(text.contains("lethe_of_float(1.0 /"))
    try text.replacing("lethe_of_float(1.0 /", with: "lethe_of_float(\(weight) /")
      .write(to: folder.appendingPathComponent("cap.c"), atomically: true, encoding: .utf8)
    try compile(
      folder.appendingPathComponent("cap.c"), in: source, to: target.appendingPathComponent("libcap.so.new"))
    let library = target.appendingPathComponent("libcap.so")
    try #require(rename(library.path + ".new", library.path) == 0)
    return library
  }

  // MARK: The socket

  @Test
  func `the socket is its owner's alone and goes with the run`() throws {
    let run = try toy()
    defer { run.clean() }
    let mode = Mutex<mode_t?>(nil)
    let path = run.run().appendingPathComponent("control.sock").path
    _ = try Engine(plan: try run.plan(), folder: run.run(), cancel: CancelFlag()) { event in
      guard case .checkpointed = event.what else { return }
      var status = stat()
      if unsafe lstat(path, &status) == 0 { mode.withLock { [status] in $0 = status.st_mode } }
    }.carryOut()
    #expect(mode.withLock { $0 } == S_IFSOCK | 0o600)
    #expect(!FileManager.default.fileExists(atPath: path))
    #expect(throws: EngineError.alreadyFinished(path: run.run().path)) {
      try ControlClient.ask(ControlRequest(.status), of: run.run())
    }
  }

  @Test(arguments: ["everybody may write", "a file of that name", "a link of that name"])
  func `where a socket would not be safe there is none, and the run goes on`(_ danger: String) throws {
    let run = try toy()
    defer { run.clean() }
    let folder = run.run()
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    let victim = run.folder.appendingPathComponent("victim")
    let socket = folder.appendingPathComponent("control.sock")
    try Data("mine".utf8).write(to: victim)
    switch danger {
    case "everybody may write": chmod(folder.path, 0o777)
    case "a file of that name": try Data("mine".utf8).write(to: socket)
    default: try FileManager.default.createSymbolicLink(at: socket, withDestinationURL: victim)
    }
    try run.carryOut()
    #expect(try String(contentsOf: victim, encoding: .utf8) == "mine")
    if danger != "everybody may write" { #expect(try String(contentsOf: socket, encoding: .utf8) == "mine") }
    let said = try events(run, "run").compactMap {
      if case .log("lethe", "warning", let text) = $0.what { text } else { nil }
    }
    #expect(said.count == 1 && said[0].contains("cannot reach the run"))
  }

  @Test
  func `a folder whose run goes on is not gone on with by a second process`() throws {
    let run = try toy()
    defer { run.clean() }
    let folder = run.run()
    let errors = Mutex<[String]>([])
    _ = try Engine(plan: try run.plan(), folder: folder, cancel: CancelFlag()) { event in
      guard case .checkpointed(step: 5, _) = event.what else { return }
      do { _ = try Engine.resume(folder, cancel: CancelFlag(), sink: { _ in }) } catch {
        errors.withLock { [text = "\(error)"] in $0.append(text) }
      }
    }.carryOut()
    #expect(errors.withLock { $0.count } == 1)
    #expect(errors.withLock { $0.first?.contains("another process carries out") } == true)
  }

  @Test
  func `lines that are no requests are answered or dropped, and others are still heard`() throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("lethe-desk-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    var toy = try toy()
    toy.overrides.append("name=desk")
    defer { toy.clean() }
    let desk = ControlDesk(plan: try toy.plan(), cancel: CancelFlag())
    let socket = try ControlSocket(in: folder, desk: desk)
    defer { socket.close() }
    func send(_ bytes: [UInt8]) throws -> String {
      let connection = Glibc.socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
      defer { Glibc.close(connection) }
      var address = sockaddr_un()
      address.sun_family = sa_family_t(AF_UNIX)
      let path = Array((folder.path + "/control.sock").utf8) + [0]
      unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: path) }
      let isConnected = unsafe withUnsafePointer(to: &address) { pointer in
        unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          unsafe connect(connection, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
        }
      }
      #expect(isConnected == 0)
      _ = unsafe bytes.withUnsafeBytes { unsafe Glibc.send(connection, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
      shutdown(connection, Int32(SHUT_WR))
      var answer = [UInt8](repeating: 0, count: 4096)
      let count = unsafe recv(connection, &answer, answer.count, 0)
      return String(decoding: answer[..<max(0, count)], as: UTF8.self)
    }
    for line in [
      "\n", "{}\n", "[]\n", "{\"do\":\"dance\",\"words\":\"\"}\n", "{\"do\":\"status\"}\n", "\u{0}\n", "nothing else",
    ] {
      let answer = try send(Array(line.utf8))
      #expect(answer.isEmpty == (line == "nothing else") && !answer.contains("\"ok\":true"), "'\(line)': '\(answer)'")
    }
    #expect(try send([UInt8](repeating: 0x20, count: ControlRequest.longest + 2)).contains("at most"))
    #expect(try send(Array("{\"do\":\"swap\",\"words\":\"swap\",\"change\":\"x\"}\n".utf8)).contains("phase 'data'"))
    #expect(try ControlClient.ask(ControlRequest(.status), of: folder).status?.name == "desk")
  }
}
