import Glibc

extension PluginLock {
  /// Reads a list, lets it be changed and writes it back, one process at a time. Folders are made where they are missing.
  ///
  /// - Throws: what `init(reading:trust:)` throws, and `lock` where it cannot be written.
  package static func change(
    _ path: String, trust: TrustPolicy, _ body: (inout PluginLock) throws(PluginError) -> Void
  ) throws(PluginError) {
    let folder = TrustPolicy.parent(path)
    try make(folder)
    let directory = unsafe open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard directory >= 0 else { throw .lock(path: path, reason: "\(systemMessage()); no folder '\(folder)'") }
    // Closing it gives the turn to the next process.
    defer { close(directory) }
    guard flock(directory, LOCK_EX) == 0 else { throw .lock(path: path, reason: systemMessage()) }
    var lock = try PluginLock(reading: path, trust: trust)
    let before = lock
    try body(&lock)
    if lock != before { try lock.write(in: directory) }
  }

  /// The text of the file: JSON with a line for each entry.
  package var text: String {
    let rows = entries.map { entry in
      let pairs = [
        ("id", entry.id), ("version", entry.version), ("sha256", entry.sha256), ("trusted", entry.date),
        ("file", entry.file),
      ]
      return "    {" + pairs.map { "\(Self.quoted($0.0)): \(Self.quoted($0.1))" }.joined(separator: ", ") + "}"
    }
    return """
      {
        "format": \(Self.format),
        "plugins": [\(rows.isEmpty ? "" : "\n" + rows.joined(separator: ",\n") + "\n  ")]
      }

      """
  }

  private func write(in directory: Int32) throws(PluginError) {
    let name = path.split(separator: "/").last.map(String.init) ?? path
    let draft = ".\(name).\(getpid())"
    _ = unsafe unlinkat(directory, draft, 0)
    let file = unsafe openat(directory, draft, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o644)
    guard file >= 0 else { throw .lock(path: path, reason: "it cannot be written: \(systemMessage())") }
    var bytes = Array(text.utf8)[...]
    while !bytes.isEmpty {
      let count = unsafe bytes.withUnsafeBytes { unsafe Glibc.write(file, $0.baseAddress, $0.count) }
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { break }
      bytes = bytes.dropFirst(count)
    }
    // Whatever the umask says: the list of somebody else's group would not be believed.
    let isWritten = bytes.isEmpty && fchmod(file, 0o644) == 0 && fsync(file) == 0
    let reason = systemMessage()
    close(file)
    guard isWritten, unsafe renameat(directory, draft, directory, name) == 0 else {
      let said = isWritten ? systemMessage() : reason
      _ = unsafe unlinkat(directory, draft, 0)
      throw .lock(path: path, reason: "it cannot be written: \(said)")
    }
  }

  private static func make(_ folder: String) throws(PluginError) {
    if unsafe access(folder, F_OK) == 0 || folder == "/" { return }
    try make(TrustPolicy.parent(folder))
    guard unsafe mkdir(folder, 0o700) == 0 || errno == EEXIST else {
      throw .lock(path: folder, reason: "the folder cannot be made: \(systemMessage())")
    }
  }

  /// A JSON string.
  private static func quoted(_ text: String) -> String {
    var quoted = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": quoted += "\\\""
      case "\\": quoted += "\\\\"
      case _ where scalar.value < 0x20 || scalar.value == 0x7F:
        let digits = String(scalar.value, radix: 16)
        quoted += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: quoted.unicodeScalars.append(scalar)
      }
    }
    return quoted + "\""
  }
}
