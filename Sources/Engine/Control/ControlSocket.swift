package import Foundation
import Glibc
package import Runs
import Synchronization

/// The Unix socket in a run's folder through which `lethe ctl` reaches the run. For its owner alone: mode 0600, and whoever
/// connects must have the run's user id. There is no network in it.
///
/// Paths go through the descriptor of the opened folder, so that they are never too long for a socket's address, and nobody who
/// exchanges a folder on the way leads anybody astray.
final class ControlSocket: Sendable {
  /// Connections answered side by side; more are turned away.
  private static let mostConnections = 8
  /// Seconds a client may take to send its request.
  private static let patience = 5

  private let desk: ControlDesk
  private let folder: Int32
  private let listener: Int32
  /// Which file the socket is: what somebody put in its place is not taken away.
  private let inode: ino_t?
  private let bell: (read: Int32, write: Int32)
  private let connections = Atomic<Int>(0)
  private let isClosed = Atomic<Bool>(false)

  /// Opens the socket and answers on threads of its own until ``close()``.
  ///
  /// - Throws: `busy` where another process carries out the same run, `noControl` where there can be no socket.
  init(in folder: URL, desk: ControlDesk) throws(EngineError) {
    self.desk = desk
    let directory = try ControlAddress.open(folder.path)
    let made: Int32
    do throws(EngineError) {
      try ControlAddress.checkOwner(of: directory, path: folder.path)
      made = try ControlSocket.listen(in: directory, folder: folder)
    } catch {
      Glibc.close(directory)
      throw error
    }
    var ends: [Int32] = [-1, -1]
    guard unsafe pipe(&ends) == 0 else {
      let reason = systemReason()
      Glibc.close(made)
      Glibc.close(directory)
      throw .noControl(folder: folder.path, reason: reason)
    }
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    self.folder = directory
    listener = made
    var status = stat()
    inode = unsafe fstatat(directory, ControlAddress.name, &status, AT_SYMLINK_NOFOLLOW) == 0 ? status.st_ino : nil
    bell = (ends[0], ends[1])
    Thread.detachNewThread { [self] in serve() }
  }

  /// Ends the answering and takes the socket away. Requests that wait must have been answered.
  func close() {
    guard !isClosed.exchange(true, ordering: .acquiringAndReleasing) else { return }
    var status = stat()
    if unsafe fstatat(folder, ControlAddress.name, &status, AT_SYMLINK_NOFOLLOW) == 0, status.st_ino == inode {
      _ = unsafe unlinkat(folder, ControlAddress.name, 0)
    }
    Glibc.close(bell.write)
  }

  /// Refuses a folder whose run another process carries out.
  static func checkFree(in folder: URL) throws(EngineError) {
    guard let directory = try? ControlAddress.open(folder.path) else { return }
    defer { Glibc.close(directory) }
    guard let connection = ControlAddress.connect(directory) else { return }
    Glibc.close(connection)
    throw .busy(folder: folder.path)
  }

  private static func listen(in directory: Int32, folder: URL) throws(EngineError) -> Int32 {
    try removeLeftover(in: directory, folder: folder)
    let socket = Glibc.socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    guard socket >= 0 else { throw .noControl(folder: folder.path, reason: systemReason()) }
    // Nobody else's from its first moment on.
    let mask = umask(0o177)
    let isBound = unsafe ControlAddress.with(directory) { unsafe bind(socket, $0, $1) } == 0
    let reason = systemReason()
    umask(mask)
    guard isBound, Glibc.listen(socket, 16) == 0 else {
      Glibc.close(socket)
      throw .noControl(folder: folder.path, reason: reason)
    }
    return socket
  }

  /// What a crashed run left is taken away; a run that goes on is not disturbed.
  private static func removeLeftover(in directory: Int32, folder: URL) throws(EngineError) {
    var status = stat()
    guard unsafe fstatat(directory, ControlAddress.name, &status, AT_SYMLINK_NOFOLLOW) == 0 else { return }
    guard status.st_mode & S_IFMT == S_IFSOCK, status.st_uid == geteuid() else {
      throw .noControl(
        folder: folder.path, reason: "'\(ControlAddress.name)' is there and is no socket of this user")
    }
    if let connection = ControlAddress.connect(directory) {
      Glibc.close(connection)
      throw .busy(folder: folder.path)
    }
    _ = unsafe unlinkat(directory, ControlAddress.name, 0)
  }

  private func serve() {
    while true {
      var waited = [
        pollfd(fd: listener, events: Int16(POLLIN), revents: 0),
        pollfd(fd: bell.read, events: Int16(POLLIN), revents: 0),
      ]
      guard unsafe poll(&waited, 2, -1) > 0 else {
        if errno == EINTR { continue }
        break
      }
      if waited[1].revents != 0 { break }
      let connection = accept(listener, nil, nil)
      guard connection >= 0 else {
        // Too many open files, and the poll would say at once that somebody waits.
        if errno != EINTR, errno != ECONNABORTED { usleep(20_000) }
        continue
      }
      _ = fcntl(connection, F_SETFD, FD_CLOEXEC)
      // Somebody who reads nothing holds no thread for ever.
      var patience = timeval(tv_sec: ControlSocket.patience, tv_usec: 0)
      _ = unsafe setsockopt(
        connection, SOL_SOCKET, SO_SNDTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
      guard connections.add(1, ordering: .acquiringAndReleasing).newValue <= ControlSocket.mostConnections else {
        connections.subtract(1, ordering: .acquiringAndReleasing)
        if ControlAddress.peer(of: connection) == geteuid() {
          let reply = ControlReply(isDone: false, message: "too many ask at once; ask again in some seconds")
          Wire.send(reply.line(), to: connection)
        }
        Glibc.close(connection)
        continue
      }
      Thread.detachNewThread { [self] in
        answer(connection)
        Glibc.close(connection)
        connections.subtract(1, ordering: .acquiringAndReleasing)
      }
    }
    Glibc.close(listener)
    Glibc.close(bell.read)
    Glibc.close(folder)
  }

  private func answer(_ connection: Int32) {
    guard ControlAddress.peer(of: connection) == geteuid() else { return }
    let line = Wire.readLine(connection, atMost: ControlRequest.longest, seconds: ControlSocket.patience)
    let reply: ControlReply
    switch line {
    case .line(let bytes):
      do throws(RunError) {
        reply = desk.answer(try ControlRequest(line: bytes))
      } catch {
        reply = ControlReply(isDone: false, message: "\(error)")
      }
    case .tooLong:
      reply = ControlReply(isDone: false, message: "a request has at most \(ControlRequest.longest) bytes")
    case .ended: return
    }
    Wire.send(reply.line(), to: connection)
  }
}

/// Asks a run for something, from another process.
package enum ControlClient {
  /// Sends a request to the run of a folder and waits for its answer, which may take as long as a step.
  package static func ask(_ request: ControlRequest, of folder: URL) throws(EngineError) -> ControlReply {
    let directory: Int32
    do throws(EngineError) { directory = try ControlAddress.open(folder.path) } catch {
      throw .notARun(path: folder.path, missing: RunFolder(url: folder).plan.lastPathComponent)
    }
    defer { Glibc.close(directory) }
    // The very file that is looked at is the one that is spoken to, not what may lie there a moment later.
    guard let found = ControlAddress.find(directory) else { throw absent(folder) }
    defer { Glibc.close(found.file) }
    guard found.status.st_mode & S_IFMT == S_IFSOCK, found.status.st_uid == geteuid() else {
      throw .foreignRun(folder: folder.path)
    }
    guard let connection = ControlAddress.connect(to: "/proc/self/fd/\(found.file)") else { throw absent(folder) }
    defer { Glibc.close(connection) }
    guard ControlAddress.peer(of: connection) == geteuid() else { throw .foreignRun(folder: folder.path) }
    guard Wire.send(request.line(), to: connection),
      case .line(let bytes) = Wire.readLine(connection, atMost: 1 << 20, seconds: nil),
      let reply = ControlReply(line: bytes)
    else { throw .noAnswer(folder: folder.path) }
    return reply
  }

  /// Why no process carries out the run of a folder.
  private static func absent(_ folder: URL) -> EngineError {
    let run = RunFolder(url: folder)
    guard FileManager.default.fileExists(atPath: run.plan.path) else {
      return .notARun(path: folder.path, missing: run.plan.lastPathComponent)
    }
    let isOver = FileManager.default.fileExists(atPath: run.reportJSON.path)
    if isOver { return .alreadyFinished(path: folder.path) }
    if let (plan, events) = try? run.record(), plan.isMeasurement(events) { return .onlyMeasures(path: folder.path) }
    return .notRunning(folder: folder.path)
  }
}

/// The address of the socket in a folder that is open.
private enum ControlAddress {
  static let name = "control.sock"

  /// The folder itself, not what it may be exchanged for later.
  static func open(_ path: String) throws(EngineError) -> Int32 {
    let directory = unsafe Glibc.open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard directory >= 0 else { throw .noControl(folder: path, reason: systemReason()) }
    return directory
  }

  /// Where others may write, others could put a socket of their own.
  static func checkOwner(of directory: Int32, path: String) throws(EngineError) {
    var status = stat()
    guard unsafe fstat(directory, &status) == 0 else { throw .noControl(folder: path, reason: systemReason()) }
    guard status.st_uid == geteuid() else {
      throw .noControl(folder: path, reason: "the folder belongs to another user")
    }
    guard status.st_mode & 0o002 == 0 else {
      throw .noControl(folder: path, reason: "everybody may write into the folder; chmod o-w makes it private")
    }
  }

  /// What lies under the socket's name, as an open file through which nothing can be read; a link is not followed.
  static func find(_ directory: Int32) -> (file: Int32, status: stat)? {
    // O_PATH, which glibc's module does not show to Swift.
    let file = unsafe openat(directory, name, 0o10000000 | O_NOFOLLOW | O_CLOEXEC)
    guard file >= 0 else { return nil }
    var status = stat()
    guard unsafe fstat(file, &status) == 0 else {
      Glibc.close(file)
      return nil
    }
    return (file, status)
  }

  static func with<Result>(
    _ directory: Int32, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Result
  ) -> Result { unsafe with("/proc/self/fd/\(directory)/\(name)", body) }

  private static func with<Result>(
    _ path: String, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Result
  ) -> Result {
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: Array(path.utf8) + [0]) }
    return unsafe withUnsafePointer(to: &address) { pointer in
      unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
        unsafe body(pointer, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
  }

  /// A connection; nil where nobody listens.
  static func connect(_ directory: Int32) -> Int32? { connect(to: "/proc/self/fd/\(directory)/\(name)") }

  static func connect(to path: String) -> Int32? {
    let socket = Glibc.socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    guard socket >= 0 else { return nil }
    guard unsafe with(path, { unsafe Glibc.connect(socket, $0, $1) }) == 0 else {
      Glibc.close(socket)
      return nil
    }
    return socket
  }

  /// The user at the other end, as the kernel knows it; nil where it does not say.
  static func peer(of connection: Int32) -> uid_t? {
    // `struct ucred`, which glibc's module does not show to Swift: process, user, group.
    var credentials: [uid_t] = [0, 0, 0]
    var length = socklen_t(3 * MemoryLayout<uid_t>.stride)
    guard unsafe getsockopt(connection, SOL_SOCKET, SO_PEERCRED, &credentials, &length) == 0 else { return nil }
    return credentials[1]
  }
}

/// Lines over a socket.
private enum Wire {
  enum Line {
    case line([UInt8])
    case tooLong
    /// The other side hung up, or took too long.
    case ended
  }

  /// Bytes up to a line feed.
  static func readLine(_ socket: Int32, atMost most: Int, seconds: Int?) -> Line {
    let deadline = seconds.map { ContinuousClock.now + .seconds($0) }
    var bytes: [UInt8] = []
    var block = [UInt8](repeating: 0, count: 4096)
    while true {
      var waited = pollfd(fd: socket, events: Int16(POLLIN), revents: 0)
      var patience: Int32 = -1
      if let deadline {
        patience = Int32(max(0, (deadline - .now).seconds * 1000))
        if patience == 0 { return .ended }
      }
      let ready = unsafe poll(&waited, 1, patience)
      if ready < 0, errno == EINTR { continue }
      guard ready > 0 else { return .ended }
      let count = unsafe recv(socket, &block, block.count, 0)
      guard count > 0 else { return .ended }
      if let end = block[..<count].firstIndex(of: 0x0A) {
        bytes += block[..<end]
        return bytes.count <= most ? .line(bytes) : .tooLong
      }
      bytes += block[..<count]
      guard bytes.count <= most else { return .tooLong }
    }
  }

  /// Whether all of it could be sent.
  @discardableResult
  static func send(_ text: String, to socket: Int32) -> Bool {
    let bytes = Array(text.utf8)
    var sent = 0
    while sent < bytes.count {
      let count = unsafe bytes[sent...].withUnsafeBytes { rest in
        unsafe Glibc.send(socket, rest.baseAddress, rest.count, Int32(MSG_NOSIGNAL))
      }
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { return false }
      sent += count
    }
    return true
  }
}

private func systemReason() -> String { unsafe String(cString: strerror(errno)).lowercased() }
