/// What can go wrong with LibTorch, its operators, and files of weights.
package enum TensorError: Error, Equatable, Sendable {
  /// LibTorch is in none of the places it may be.
  case libraryNotFound(searched: [String])
  /// A library is there but cannot be opened, or is not what it should be.
  case libraryUnusable(path: String, reason: String)
  /// A device that was asked for is not there.
  case deviceUnavailable(String)
  /// No such operator, or its schema does not fit. The text names the operator and the argument.
  case schema(String)
  /// An operator refused. `details` is all that LibTorch says, for `--debug`.
  case operation(String, message: String, details: String)
  /// Memory ran out.
  case outOfMemory(String, message: String)
  /// A file of weights cannot be read or written.
  case file(path: String, FileProblem)

  /// What is wrong with a file of weights.
  package enum FileProblem: Error, Equatable, Sendable {
    /// There is none.
    case missing
    /// The system does not let it be read.
    case unreadable(reason: String)
    /// It is no safetensors file, or a broken one.
    case malformed(reason: String)
    /// No file can be made there, or not of these tensors.
    case unwritable(reason: String)
    /// Writing began and could not end: a full disk, say.
    case writeFailed(reason: String)
  }

  /// What LibTorch says beyond the description; empty when there is no more.
  package var details: String {
    if case .operation(_, _, let details) = self { return details }
    return ""
  }

  /// The command's exit code for this error.
  package var exitCode: Int32 {
    switch self {
    case .libraryNotFound, .libraryUnusable, .deviceUnavailable: 66
    case .schema, .operation: 70
    case .outOfMemory: 71
    case .file(_, .missing): 66
    case .file(_, .malformed): 65
    case .file(_, .unwritable): 73
    case .file(_, .unreadable), .file(_, .writeFailed): 74
    }
  }
}

extension TensorError: CustomStringConvertible {
  /// What went wrong, where, and what would be right.
  package var description: String {
    switch self {
    case .libraryNotFound(let searched):
      "LibTorch was not found; looked in \(searched.map { "'\($0)'" }.joined(separator: ", ")); "
        + "'scripts/get-libtorch' installs it, or set LIBTORCH to the folder that holds lib/libtorch_cpu.so"
    case .libraryUnusable(let path, let reason): "'\(path)' cannot be used: \(reason)"
    case .deviceUnavailable(let reason): "\(reason)"
    case .schema(let message): "\(message)"
    case .operation(let name, let message, _): message.hasPrefix(name) ? message : "\(name): \(message)"
    case .outOfMemory(let name, let message): "\(name): out of memory: \(message)"
    case .file(let path, let problem): "'\(path)': \(problem)"
    }
  }
}

extension TensorError.FileProblem: CustomStringConvertible {
  /// What went wrong, where, and what would be right.
  package var description: String {
    switch self {
    case .missing: "no such file"
    case .unreadable(let reason): "cannot be read: \(reason)"
    case .malformed(let reason): "not a safetensors file that can be used: \(reason)"
    case .unwritable(let reason): "cannot be written: \(reason)"
    case .writeFailed(let reason): "writing failed: \(reason)"
    }
  }
}
