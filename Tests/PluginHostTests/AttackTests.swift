import Foundation
import Testing

@testable import PluginHost

/// Somebody exchanges what is loaded, or puts something else in its way. A constructor writes a mark where it should not run.
struct AttackTests {
  private let folder = Fixture.newFolder("attack")

  private func path(_ name: String) -> String { folder.appending(path: name).path }

  /// A plugin that leaves a mark when it is loaded.
  private func plugin(_ name: String, _ mark: String, in place: URL? = nil) throws -> String {
    try Fixture.library(name, source: "mark.c", macros: ["MARK=\"\(path(mark))\""], in: place ?? folder).path
  }

  private func hasRun(_ mark: String) -> Bool { FileManager.default.fileExists(atPath: path(mark)) }

  private func load(
    _ path: String, _ trust: TrustPolicy = .tests, meanwhile: () throws -> Void = {}
  ) throws {
    let file = try PluginFile(reading: path)
    var failure: (any Error)?
    defer { if let failure { Issue.record("the attack itself failed: \(failure)") } }
    _ = try LoadedPlugin(file, trust: trust) { do { try meanwhile() } catch { failure = error } }
  }

  /// A list with the bytes of a file, and the policy that believes it.
  private func listing(_ file: String, isRequired: Bool = false) throws -> TrustPolicy {
    let list = path("plugins.lock")
    let facts = try PluginFile.facts(reading: file)
    try PluginLock.change(list, trust: .tests) { lock throws(PluginError) in
      lock.add(.init(id: "test", version: "1", sha256: facts.sha256, file: file, date: ""))
    }
    var policy = TrustPolicy.tests
    policy.list = list
    policy.isListRequired = isRequired
    return policy
  }

  // MARK: Between the check and the load

  @Test func `a file that is exchanged between the check and the load does not run`() throws {
    let good = try plugin("good", "good")
    let evil = try plugin("evil", "evil")
    #expect(throws: PluginError.replaced(path: good)) {
      try load(good) { try FileManager.default.replace(good, with: evil) }
    }
    #expect(!hasRun("evil") && !hasRun("good"))
  }

  @Test func `a folder that gives way to a link between the check and the load leads nowhere`() throws {
    let (home, away) = (folder.appending(path: "home"), folder.appending(path: "away"))
    for place in [home, away] { try FileManager.default.createDirectory(at: place, withIntermediateDirectories: true) }
    let good = try plugin("x", "good", in: home)
    _ = try plugin("x", "evil", in: away)
    #expect(throws: PluginError.replaced(path: good)) {
      try load(good) {
        try FileManager.default.moveItem(at: home, to: folder.appending(path: "old"))
        try FileManager.default.createSymbolicLink(at: home, withDestinationURL: away)
      }
    }
    #expect(!hasRun("evil") && !hasRun("good"))
  }

  @Test(arguments: ["by another file", "in place"])
  func `of a listed file that everybody may write, what was checked runs or nothing`(_ way: String) throws {
    let good = try plugin("good", "good")
    let evil = try plugin("evil", "evil")
    let policy = try listing(good)
    chmod(good, 0o666)
    do {
      try load(good, policy) {
        if way == "in place" {
          try Data(contentsOf: URL(filePath: evil)).write(to: URL(filePath: good), options: [])
        } else {
          try FileManager.default.replace(good, with: evil)
        }
      }
      #expect(way != "in place" && hasRun("good"), "the open file was that of the good plugin")
    } catch PluginError.replaced {
      #expect(way == "in place" && !hasRun("good"))
    }
    #expect(!hasRun("evil"))
  }

  // MARK: The list

  @Test func `bytes that are listed are loaded wherever they lie, and the same file with one byte more is not`() throws
  {
    let file = try plugin("listed", "listed")
    chmod(folder.path, 0o777)
    let list = Fixture.newFolder("list").appending(path: "plugins.lock").path
    var policy = TrustPolicy.tests
    policy.list = list
    #expect(throws: PluginError.untrusted(path: file, component: folder.path, .worldWritable)) {
      try load(file, policy)
    }
    #expect(!hasRun("listed"))
    let facts = try PluginFile.facts(reading: file)
    try PluginLock.change(list, trust: .tests) { lock throws(PluginError) in
      lock.add(.init(id: "test.plugin", version: "1.2.0", sha256: facts.sha256, file: file, date: "now"))
    }
    try load(file, policy)
    #expect(hasRun("listed"))
    try FileManager.default.removeItem(atPath: path("listed"))
    let handle = try FileHandle(forWritingTo: URL(filePath: file))
    try handle.seekToEnd()
    try handle.write(contentsOf: Data([0]))
    try handle.close()
    #expect(throws: PluginError.untrusted(path: file, component: folder.path, .worldWritable)) {
      try load(file, policy)
    }
    #expect(!hasRun("listed"))
  }

  @Test func `where the list is required, a file that only the user can change is not loaded without it`() throws {
    let file = try plugin("mine", "mine")
    let other = try plugin("other", "other")
    let policy = try listing(other, isRequired: true)
    let sha256 = try PluginFile.facts(reading: file).sha256
    #expect(throws: PluginError.unlisted(path: file, sha256: sha256, list: path("plugins.lock"))) {
      try load(file, policy)
    }
    #expect(!hasRun("mine"))
    try load(other, policy)
    #expect(hasRun("other"))
  }

  // MARK: What comes along

  @Test func `a library that a plugin brings along is trusted no more than the plugin`() throws {
    let helper = try Fixture.library("brought", source: "helper.c", manifest: nil, in: folder).path
    let user = try Fixture.library(
      "user", in: folder, linker: ["-L\(folder.path)", "-Wl,--no-as-needed", "-lbrought", "-Wl,-rpath,$ORIGIN"]
    ).path
    chmod(helper, 0o666)
    #expect(throws: PluginError.untrusted(path: helper, component: helper, .worldWritable)) { try load(user) }
    // By its bytes alone it cannot be let in: the helper is not among them.
    let policy = try listing(user)
    #expect(throws: PluginError.ownLibraries(path: user, [helper])) { try load(user, policy) }
    chmod(helper, 0o644)
    try load(user)
  }

  @Test func `a place that depends on where the command is called from is none`() throws {
    _ = try Fixture.library("loose", source: "helper.c", manifest: nil, in: folder)
    let user = try Fixture.library(
      "user", in: folder, linker: ["-L\(folder.path)", "-Wl,--no-as-needed", "-lloose", "-Wl,-rpath,plugins"]
    ).path
    #expect(message { try load(user) }.contains("it looks for 'plugins/libloose.so' in the folder that the command"))
  }

  @Test(arguments: [false, true])
  func `a folder in which anybody could put a library that is looked for there is refused`(_ isThere: Bool) throws {
    let (place, away) = (Fixture.newFolder("anybody"), Fixture.newFolder("away"))
    // A name of its own: a library that the process has already is not looked for.
    _ = try Fixture.library("late\(isThere)", source: "helper.c", manifest: nil, in: away)
    let searched = isThere ? place : place.appending(path: "made/later")
    let user = try Fixture.library(
      "user", in: folder,
      linker: ["-L\(away.path)", "-Wl,--no-as-needed", "-llate\(isThere)", "-Wl,-rpath,\(searched.path):\(away.path)"]
    ).path
    chmod(place.path, 0o1777)
    let refused = PluginError.untrusted(path: user, component: place.path, .worldWritable)
    #expect(throws: refused) { try load(user) }
    let policy = try listing(user)
    #expect(throws: PluginError.self) { try load(user, policy) }
    chmod(place.path, 0o755)
    try load(user)
  }

  @Test(.enabled(if: geteuid() == 0, "only root gives links to others"))
  func `a link of somebody else leads to nothing that is loaded, also in a sticky folder`() throws {
    let file = try plugin("mine", "mine")
    let sticky = Fixture.newFolder("sticky")
    chmod(sticky.path, 0o1777)
    let link = sticky.appending(path: "liblink.so").path
    try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: file)
    try TrustPolicy.tests.check(link)
    lchown(link, 4711, 4711)
    #expect(message { try TrustPolicy.tests.check(link) }.contains("'\(link)' belongs to 'user 4711'"))
  }

  // MARK: Plain functions

  private func function(_ library: String, _ symbol: String, meanwhile: () -> Void = {}) throws {
    _ = unsafe try ForeignLibrary.load(library, symbol, .tests, meanwhile: meanwhile)
  }

  @Test func `a function's library is trusted as a plugin is`() throws {
    let library = try Fixture.library("helper", source: "helper.c", manifest: nil, in: folder).path
    try function(library, "help")
    chmod(folder.path, 0o777)
    #expect(throws: PluginError.untrusted(path: library, component: folder.path, .worldWritable)) {
      try function(library, "help")
    }
  }

  @Test(arguments: ["table", "local"]) func `a variable is not called as a function`(_ name: String) throws {
    let library = try Fixture.library("helper", source: "helper.c", manifest: nil, in: folder).path
    #expect(throws: PluginError.function(library: library, symbol: name, .notAFunction)) { try function(library, name) }
    #expect(throws: PluginError.function(library: library, symbol: "none", .noSymbol)) { try function(library, "none") }
  }

  @Test func `a folder, a pipe, a name alone and a dangling link are no libraries`() throws {
    #expect(throws: PluginError.notALibrary(path: folder.path, .notAFile)) { try function(folder.path, "help") }
    mkfifo(path("pipe"), 0o600)
    #expect(throws: PluginError.notALibrary(path: path("pipe"), .notAFile)) { try function(path("pipe"), "help") }
    // What the dynamic linker would find is not looked for.
    #expect(throws: PluginError.function(library: "libm.so.6", symbol: "cos", .noLibrary)) {
      try function("libm.so.6", "cos")
    }
    try FileManager.default.createSymbolicLink(atPath: path("dangling"), withDestinationPath: path("nothing"))
    #expect(throws: PluginError.function(library: path("dangling"), symbol: "help", .noLibrary)) {
      try function(path("dangling"), "help")
    }
  }

  @Test func `a function's library that is exchanged between the check and the load does not run`() throws {
    let good = try Fixture.library("helper", source: "helper.c", manifest: nil, in: folder).path
    let evil = try plugin("evil", "evil")
    #expect(throws: PluginError.replaced(path: good)) {
      try function(good, "help") { try? FileManager.default.replace(good, with: evil) }
    }
    #expect(!hasRun("evil"))
  }

  // MARK: Notes

  @Test func `files with damaged notes do not hide the good plugin beside them, and none of them runs`() throws {
    let good = try plugin("good", "good")
    let bytes = try Array(Data(contentsOf: URL(filePath: good)))
    var random = FixedNumbers(state: 5)
    for number in 0..<60 {
      var damaged = bytes
      for _ in 0..<(1 + number % 7) { damaged[Int(random.next() % 900)] = UInt8(truncatingIfNeeded: random.next()) }
      if number % 5 == 0 { damaged.removeSubrange(Int(random.next() % UInt64(bytes.count))...) }
      try Data(damaged).write(to: folder.appending(path: "lib\(number).so"))
    }
    try Data(count: 0).write(to: folder.appending(path: "libempty.so"))
    let large = String(repeating: " ", count: 300 << 10) + Fixture.manifest
    _ = try Fixture.library("large", manifest: large, in: folder)
    let catalog = try PluginCatalog(.only([folder]))
    #expect(catalog.plugins.contains { $0.path == good })
    #expect(
      catalog.refusals.contains {
        if case .note(_, .tooLarge) = $0.error { $0.path.hasSuffix("liblarge.so") } else { false }
      })
    #expect(!hasRun("good"))
  }
}

extension FileManager {
  /// Puts a copy of a file in the place of another one, as a linker would.
  fileprivate func replace(_ file: String, with other: String) throws {
    try copyItem(atPath: other, toPath: file + ".new")
    guard rename(file + ".new", file) == 0 else { throw CocoaError(.fileWriteUnknown) }
  }
}

/// The 64-bit mix of Steele, Lea and Flood, 2014.
private struct FixedNumbers: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }
}
