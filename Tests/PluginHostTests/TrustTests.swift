import Foundation
import Testing

@testable import PluginHost

/// Files that somebody else could have changed.
struct TrustTests {
  private let folder = Fixture.newFolder("trust")
  private let user = geteuid()

  private func file(_ name: String = "libx.so", mode: mode_t = 0o644) throws -> String {
    let path = folder.appending(path: name).path
    try Data("x".utf8).write(to: URL(filePath: path))
    chmod(path, mode)
    return path
  }

  private func policy(group: gid_t? = nil, executable: [String] = []) -> TrustPolicy {
    TrustPolicy(user: user, privateGroup: group, executableFolders: executable)
  }

  private func complaint(_ path: String, _ policy: TrustPolicy) -> String {
    message { try policy.check(OpenFile(path), asked: path) }
      .replacing(folder.path, with: "FOLDER").replacing(Fixture.folder.path, with: "ALL")
  }

  @Test func `the user's own file in a sticky folder of root is trusted`() throws {
    #expect(complaint(try file(), policy()) == "(no error)")
  }

  @Test func `a file that everybody may write is refused with the command that mends it`() throws {
    #expect(
      complaint(try file(mode: 0o646), policy())
        == "'FOLDER/libx.so' is not trusted: 'FOLDER/libx.so' can be written by everybody; "
        + "if that is a mistake, run: chmod o-w 'FOLDER/libx.so'; "
        + "to let in just these bytes: lethe plugin trust 'FOLDER/libx.so'")
  }

  @Test func `a folder that everybody may write is refused unless it is sticky`() throws {
    let path = try file()
    chmod(folder.path, 0o777)
    #expect(
      complaint(path, policy())
        == "'FOLDER/libx.so' is not trusted: 'FOLDER' can be written by everybody; "
        + "if that is a mistake, run: chmod o-w 'FOLDER'; "
        + "to let in just these bytes: lethe plugin trust 'FOLDER/libx.so'")
    chmod(folder.path, 0o1777)
    #expect(complaint(path, policy()) == "(no error)")
  }

  @Test func `a folder beside the executable is trusted as the executable is`() throws {
    let path = try file()
    chmod(folder.path, 0o777)
    #expect(complaint(path, policy(executable: [folder.path])) == "(no error)")
  }

  @Test func `somebody else's file is refused`() throws {
    let path = try file()
    var stranger = policy()
    if user == 0 {
      chown(path, 4711, 0)
    } else {
      stranger.user = user + 1
    }
    #expect(
      complaint(path, stranger).contains("who is neither root nor you; if that is a mistake, run: sudo chown root "))
  }

  @Test(.enabled(if: geteuid() == 0, "only root gives files to other groups"))
  func `a group may write only when it is the user's own`() throws {
    let path = try file(mode: 0o664)
    chown(path, 0, 4711)
    #expect(
      complaint(path, policy()).contains(
        "can be written by the group 'group 4711'; if that is a mistake, run: chmod g-w "))
    #expect(complaint(path, policy(group: 4711)) == "(no error)")
  }

  @Test func `the folder that a link lies in counts as well`() throws {
    let path = try file()
    let open = Fixture.newFolder("open")
    let link = open.appending(path: "liblink.so")
    try FileManager.default.createSymbolicLink(atPath: link.path, withDestinationPath: path)
    #expect(complaint(link.path, policy()) == "(no error)")
    chmod(open.path, 0o777)
    #expect(complaint(link.path, policy()).contains("can be written by everybody"))
  }

  @Test func `a folder, a pipe and nothing are no files`() throws {
    let pipe = folder.appending(path: "pipe").path
    mkfifo(pipe, 0o600)
    #expect(complaint(pipe, policy()).hasSuffix("it is not a regular file"))
    #expect(complaint(folder.path, policy()).hasSuffix("it is not a regular file"))
    #expect(complaint(folder.path + "/none", policy()) == "'FOLDER/none': no such file or folder")
  }

  @Test func `an untrusted plugin is not loaded`() throws {
    let library = try Fixture.library("open", in: folder)
    chmod(library.path, 0o777)
    let plugin = try PluginFile(reading: library.path)
    #expect(throws: PluginError.untrusted(path: library.path, component: library.path, .worldWritable)) {
      try LoadedPlugin(plugin, trust: policy())
    }
  }
}
