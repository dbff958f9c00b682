import Foundation

/// What can go wrong while a run is carried out, beyond what its parts report themselves. The only place of this wording.
package enum EngineError: Error, Equatable, Sendable {
  /// A folder or file cannot be made there.
  case cannotWrite(path: String, reason: String)
  /// Writing failed on the way: a full disk, an I/O error.
  case writeFailed(path: String, reason: String)
  /// A folder that holds no run, or one that has not begun.
  case notARun(path: String, missing: String)
  /// A run that is done already.
  case alreadyFinished(path: String)
  /// A run that is not done yet where its result is needed.
  case notFinished(path: String)
  /// The user stopped a replay, which keeps nothing.
  case replayInterrupted(signal: Int32)
  /// Something that keeps nothing on its way was under way.
  case startsAnew(what: String, signal: Int32)
  /// A folder in which weights from elsewhere were to be measured.
  case onlyMeasures(path: String)
  /// A checkpoint that does not belong to the plan beside it.
  case foreignCheckpoint(path: String, reason: String)
  /// A plugin whose file changed since the run began.
  case pluginChanged(id: String, file: String)
  /// A device that this machine does not have.
  case noDevice(name: String, reason: String)
  /// Steps of training cannot be recorded on that device by this program.
  case noGraphs(device: String, reason: String)
  /// The user asked to stop; everything is saved.
  case interrupted(signal: Int32, folder: String)
  /// A loss or a gradient was no finite number; `folder` is empty where no state is kept.
  case notFinite(step: Int, what: String, folder: String)
  /// Another process carries out the run of that folder.
  case busy(folder: String)
  /// There can be no socket in a run's folder.
  case noControl(folder: String, reason: String)
  /// No process carries out the run of that folder.
  case notRunning(folder: String)
  /// The run of that folder is another user's.
  case foreignRun(folder: String)
  /// A run that ended before it answered.
  case noAnswer(folder: String)
  /// A plan without a pipeline where one is needed.
  case noPipeline
  /// Data and weights that do not fit together.
  case mismatch(String)

  /// The command's exit status for this error.
  package var exitCode: Int32 {
    switch self {
    case .cannotWrite: 73
    case .writeFailed: 74
    case .notARun, .onlyMeasures, .notRunning: 66
    case .busy, .foreignRun, .noAnswer, .notFinished: 65
    case .replayInterrupted(let signal), .startsAnew(_, let signal): 128 + signal
    case .noControl: 73
    case .alreadyFinished, .foreignCheckpoint, .pluginChanged, .noDevice, .noGraphs, .noPipeline, .mismatch: 65
    case .interrupted(let signal, _): 128 + signal
    case .notFinite: 75
    }
  }

  /// The error for a failed write: 73 where the place is wrong, 74 where the medium is.
  static func from(writing path: String, _ error: any Error) -> EngineError {
    let cocoa = error as NSError
    let inner = cocoa.userInfo[NSUnderlyingErrorKey] as? NSError
    let code = (error as? POSIXError).map { Int($0.code.rawValue) } ?? inner.map(\.code) ?? cocoa.code
    let isFull = cocoa.domain == NSCocoaErrorDomain && cocoa.code == CocoaError.Code.fileWriteOutOfSpace.rawValue
    if isFull || [Int(ENOSPC), Int(EDQUOT), Int(EFBIG), Int(EIO)].contains(code) {
      return .writeFailed(path: path, reason: reason(of: error))
    }
    return .cannotWrite(path: path, reason: reason(of: error))
  }
}

extension EngineError: CustomStringConvertible {
  package var description: String {
    switch self {
    case .cannotWrite(let path, let reason):
      "cannot write '\(path)': \(reason); choose another folder with --output"
    case .writeFailed(let path, let reason):
      "writing '\(path)' failed: \(reason); what was written before is whole"
    case .notARun(let path, let missing):
      "'\(path)' is not a run folder: '\(missing)' is missing"
    case .alreadyFinished(let path):
      "the run in '\(path)' is finished; its report is in 'report.md'"
    case .notFinished(let path):
      "the run in '\(path)' is not finished; go on with it by: lethe run --resume \(path)"
    case .replayInterrupted:
      "interrupted; a replay begins anew each time, and the run itself is as it was"
    case .startsAnew(let what, _):
      "interrupted; \(what) begins anew each time, but models that are trained are kept: give the command again"
    case .onlyMeasures(let path):
      "in '\(path)' weights were to be measured, which leaves nothing to go on with; measure them again with: lethe evaluate"
    case .foreignCheckpoint(let path, let reason):
      "'\(path)' does not belong to the plan beside it: \(reason)"
    case .pluginChanged(let id, let file):
      "plugin '\(id)' (\(file)) is not the file that the run began with; "
        + "a run goes on bit for bit only with the same bytes: start a new run"
    case .noDevice(let name, let reason):
      "device '\(name)' is not available: \(reason); use device=cpu"
    case .noGraphs(let device, let reason):
      "'cuda_graphs: true' cannot be had on device '\(device)': \(reason); use cuda_graphs=false"
    case .interrupted(_, let folder):
      "interrupted; everything is saved in '\(folder)'; go on with: lethe run --resume \(folder)"
    case .notFinite(let step, let what, let folder):
      "\(what) is not a finite number at step \(step), which changed nothing; "
        + (folder.isEmpty ? "" : "the last good state is in '\(folder)'; ") + "try a lower learning rate or clip"
    case .busy(let folder):
      "another process carries out the run in '\(folder)'; ask it with: lethe ctl \(folder) status"
    case .noControl(let folder, let reason):
      "'lethe ctl' cannot reach the run in '\(folder)': \(reason)"
    case .notRunning(let folder):
      "no process carries out the run in '\(folder)'; go on with it by: lethe run --resume \(folder)"
    case .foreignRun(let folder):
      "the run in '\(folder)' is another user's"
    case .noAnswer(let folder):
      "the run in '\(folder)' ended before it answered"
    case .noPipeline:
      "the plan has no pipeline to carry out"
    case .mismatch(let what):
      what
    }
  }
}
