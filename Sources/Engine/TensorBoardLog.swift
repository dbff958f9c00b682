import Foundation
import Runs

/// Appends a run's events to an event file of TensorBoard's, each in one write and only where there is something to show:
/// steps that nothing is told of cost nothing.
final class TensorBoardLog {
  private let file: URL
  private let handle: FileHandle
  private var transcript = TensorBoardTranscript()

  /// Makes a file that no other writer has. Readers take a folder's files in the order of their names, so its name stands
  /// behind those of the run's earlier parts.
  init(in folder: RunFolder) throws(EngineError) {
    let now = Date().timeIntervalSince1970
    let last = folder.tensorBoardFiles.last.flatMap { TensorBoardLog.seconds(in: $0.lastPathComponent) } ?? 0
    let second = max(Int(now), last + 1)
    let host = ProcessInfo.processInfo.hostName.map { $0 == "/" || $0.isWhitespace ? "-" : $0 }
    let stem = "\(TensorBoardTranscript.prefix)\(second).\(String(host)).\(ProcessInfo.processInfo.processIdentifier)"
    let opening = Data(TensorBoardTranscript.opening(wallTime: now))
    var number = 0
    var made: URL?
    while made == nil {
      let file = folder.url.appendingPathComponent("\(stem).\(number)")
      do {
        try opening.write(to: file, options: [.withoutOverwriting])
        made = file
      } catch let error as CocoaError where error.code == .fileWriteFileExists {
        number += 1
      } catch {
        throw .from(writing: file.path, error)
      }
    }
    guard let made else { preconditionFailure("the loop ends with a file") }
    file = made
    do {
      handle = try FileHandle(forWritingTo: made)
      try handle.seekToEnd()
    } catch {
      throw .from(writing: made.path, error)
    }
  }

  /// Appends what TensorBoard can show of an event.
  func append(_ event: RunEvent.What) throws(EngineError) {
    let bytes = transcript.bytes(of: event, wallTime: Date().timeIntervalSince1970)
    guard !bytes.isEmpty else { return }
    do { try handle.write(contentsOf: Data(bytes)) } catch { throw .from(writing: file.path, error) }
  }

  /// The time in a file's name, in seconds since 1970.
  private static func seconds(in name: String) -> Int? {
    Int(name.dropFirst(TensorBoardTranscript.prefix.count).prefix { $0.isNumber })
  }

  deinit { try? handle.close() }
}
