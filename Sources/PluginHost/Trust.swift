import Glibc

/// Who may own what is loaded, and who may be able to change it: root and the user, nobody else.
package struct TrustPolicy: Sendable {
  /// The user, whose files are trusted beside root's.
  var user: uid_t
  /// The group that has the user as its only member, whose right to write is harmless.
  var privateGroup: gid_t?
  /// Folders beside the executable: whoever can change them can change the executable.
  var executableFolders: [String]
  /// The list of bytes that are let in whoever owns them; nil for none.
  var list: String?
  /// Whether bytes that the list does not have are kept out, wherever they lie.
  var isListRequired: Bool

  /// The policy of this process.
  package init(_ searchPath: SearchPath) {
    let rule = PluginLock.rule
    self.init(
      user: geteuid(), privateGroup: Self.privateGroup(of: geteuid()),
      executableFolders: searchPath.executableFolders, list: rule.path, isListRequired: rule.isRequired)
  }

  init(
    user: uid_t, privateGroup: gid_t?, executableFolders: [String], list: String? = nil, isListRequired: Bool = false
  ) {
    self.user = user
    self.privateGroup = privateGroup
    self.executableFolders = executableFolders
    self.list = list
    self.isListRequired = isListRequired
  }

  /// How a file that is let in may be loaded.
  enum Admission: Equatable {
    /// From its place: nobody but root and the user can exchange it.
    case asItLies
    /// Others could exchange it, so that only the bytes that were looked at may be used.
    case sealedCopy
  }

  /// Throws `untrusted` for a path that somebody else could have changed.
  package func check(_ path: String) throws(PluginError) { try check(OpenFile(path), asked: path) }

  /// Throws what loading a file would, where it would not be let in.
  package func admit(_ path: String) throws(PluginError) {
    let file = try OpenFile(path)
    _ = try admit(file, asked: path, sha256: file.sha256())
  }

  /// Lets a file in, or says why not.
  ///
  /// - Parameters:
  ///   - asked: the path as it was written.
  ///   - sha256: of the file's bytes.
  /// - Throws: `untrusted`, `unlisted` where the list is required and does not have the bytes, `ownLibraries` where a copy
  ///   could not find what it is linked with, `lock` for a list that cannot be used.
  func admit(_ file: borrowing OpenFile, asked: String, sha256: String) throws(PluginError) -> Admission {
    let lock = isListRequired ? try PluginLock(list: list, trust: self) : nil
    if let lock, !lock.has(sha256) {
      throw .unlisted(path: file.path, sha256: sha256, list: lock.path)
    }
    let libraries = LinkedLibraries(file)
    if let lock {
      for library in libraries.found {
        let bytes = try OpenFile(library).sha256()
        guard lock.has(bytes) else { throw .unlisted(path: library, sha256: bytes, list: lock.path) }
      }
    }
    let problem: PluginError
    do throws(PluginError) {
      try check(file, asked: asked)
      try libraries.check(self, isCopied: false)
      return .asItLies
    } catch {
      guard case .untrusted = error else { throw error }
      problem = error
    }
    if lock == nil, try !PluginLock(list: list, trust: self).has(sha256) { throw problem }
    guard libraries.found.isEmpty else { throw .ownLibraries(path: file.path, libraries.found) }
    try libraries.check(self, isCopied: true)
    return .sealedCopy
  }

  /// Throws `untrusted` with the exact file or folder that somebody else could have changed. `asked` is the path as it
  /// was written: when it is a link, the folders that the link lies in count as well.
  func check(_ file: borrowing OpenFile, asked: String) throws(PluginError) {
    try check(file.status, isFolder: false, component: file.path, path: file.path)
    try checkFolders(above: file.path, path: file.path)
    let spelled = asked.hasPrefix("/") ? asked : (SearchPath.real(".") ?? "") + "/" + asked
    guard spelled != file.path, let folder = SearchPath.real(Self.parent(spelled)) else { return }
    try checkFolders(from: folder, path: file.path)
    // Whoever owns a link chooses the file, also where a sticky folder keeps others from exchanging it.
    var link = stat()
    guard unsafe lstat(spelled, &link) == 0, link.st_mode & S_IFMT == S_IFLNK else { return }
    guard link.st_uid == 0 || link.st_uid == user else {
      throw .untrusted(path: file.path, component: spelled, .owner(name: Self.userName(link.st_uid)))
    }
  }

  /// Throws `untrusted` for a folder into which somebody else could put something that is looked for there: also a sticky one,
  /// and one that he could make.
  func check(searched folder: String, for path: String) throws(PluginError) {
    var folder = folder
    while unsafe access(folder, F_OK) != 0, folder != "/" { folder = Self.parent(folder) }
    guard let real = SearchPath.real(folder), !executableFolders.contains(real) else { return }
    var status = stat()
    guard unsafe stat(real, &status) == 0 else { throw .unreadable(path: real, reason: systemMessage()) }
    status.st_mode &= ~S_ISVTX
    try check(status, isFolder: true, component: real, path: path)
    try checkFolders(from: real, path: path)
  }

  private func checkFolders(above path: String, path file: String) throws(PluginError) {
    try checkFolders(from: Self.parent(path), path: file)
  }

  private func checkFolders(from folder: String, path: String) throws(PluginError) {
    guard !executableFolders.contains(folder) else { return }
    var folder = folder
    while true {
      var status = stat()
      guard unsafe stat(folder, &status) == 0 else { throw .unreadable(path: folder, reason: systemMessage()) }
      try check(status, isFolder: true, component: folder, path: path)
      if folder == "/" { return }
      folder = Self.parent(folder)
    }
  }

  private func check(
    _ status: stat, isFolder: Bool, component: String, path: String
  ) throws(PluginError) {
    guard status.st_uid == 0 || status.st_uid == user else {
      throw .untrusted(path: path, component: component, .owner(name: Self.userName(status.st_uid)))
    }
    // In a sticky folder only its owner and a file's own owner can replace the file.
    if isFolder, status.st_mode & S_ISVTX != 0 { return }
    if status.st_mode & S_IWOTH != 0 { throw .untrusted(path: path, component: component, .worldWritable) }
    if status.st_mode & S_IWGRP != 0, status.st_gid != 0, status.st_gid != privateGroup {
      throw .untrusted(path: path, component: component, .groupWritable(group: Self.groupName(status.st_gid)))
    }
  }

  static func parent(_ path: String) -> String {
    guard let slash = path.lastIndex(of: "/"), slash != path.startIndex else { return "/" }
    return String(path[..<slash])
  }

  private static func userName(_ user: uid_t) -> String {
    guard let entry = unsafe getpwuid(user), let name = unsafe entry.pointee.pw_name else { return "user \(user)" }
    return unsafe String(cString: name)
  }

  private static func groupName(_ group: gid_t) -> String {
    guard let entry = unsafe getgrgid(group), let name = unsafe entry.pointee.gr_name else { return "group \(group)" }
    return unsafe String(cString: name)
  }

  /// The user's own group: of the user's name, and with no other member.
  private static func privateGroup(of user: uid_t) -> gid_t? {
    guard let entry = unsafe getpwuid(user) else { return nil }
    let group = unsafe entry.pointee.pw_gid
    let name = userName(user)
    guard let found = unsafe getgrgid(group), groupName(group) == name else { return nil }
    var member = unsafe found.pointee.gr_mem
    while let next = unsafe member?.pointee {
      guard unsafe String(cString: next) == name else { return nil }
      unsafe member = unsafe member.map { unsafe $0 + 1 }
    }
    return group
  }
}
