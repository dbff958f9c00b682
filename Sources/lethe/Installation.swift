import Foundation
import Runs

/// What lies around the command: in an installation `PREFIX/share/lethe` and `PREFIX/lib/lethe`, in a checkout the sources.
struct Installation {
  /// The folder of the kit, absolute and without links.
  let sdk: URL

  /// Looks from the command's own place.
  init() throws {
    var searched: [String] = []
    for candidate in Self.candidates where !searched.contains(candidate.path) {
      if FileManager.default.fileExists(atPath: candidate.appendingPathComponent("include/lethe/lethe.h").path) {
        sdk = candidate
        return
      }
      searched.append(candidate.path)
    }
    throw CommandError.noSDK(searched: searched)
  }

  /// `../share/lethe/sdk`, then `sdk` in every folder above.
  private static var candidates: [URL] {
    let program = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
    var found = [program.deletingLastPathComponent().appendingPathComponent("share/lethe/sdk")]
    var folder = program
    while folder.path != "/" {
      folder = folder.deletingLastPathComponent()
      found.append(folder.appendingPathComponent("sdk"))
    }
    return found
  }

  /// Fetches LibTorch once where an installation has none and nobody said where one is. `LETHE_OFFLINE` forbids it: what
  /// needs LibTorch then says where it looked.
  static func fetchLibTorch() throws {
    let environment = ProcessInfo.processInfo.environment
    guard environment["LIBTORCH", default: ""].isEmpty, environment["LETHE_OFFLINE", default: ""].isEmpty,
      !Workshop.live.hasLibTorch()
    else { return }
    let script = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
      .deletingLastPathComponent().appendingPathComponent("lib/lethe/get-libtorch")
    guard FileManager.default.isExecutableFile(atPath: script.path) else { return }
    Output.tell("LibTorch is not on this machine; it is fetched once (LETHE_OFFLINE=1 forbids it)\n")
    let process = Process()
    process.executableURL = script
    process.standardOutput = FileHandle.standardError
    do { try process.run() } catch { throw CommandError.cannotStart(script.path) }
    process.waitUntilExit()
    guard process.terminationReason == .exit, process.terminationStatus == 0 else {
      throw CommandError.noLibTorch(
        code: process.terminationReason == .exit ? process.terminationStatus : 128 + process.terminationStatus)
    }
  }
}
