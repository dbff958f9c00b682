import Glibc

/// Who may own what is loaded, and who may be able to change it: root and the user, nobody else.
package struct TrustPolicy: Sendable {
  /// The user, whose files are trusted beside root's.
  var user: uid_t
  /// The group that has the user as its only member, whose right to write is harmless.
  var privateGroup: gid_t?
  /// Folders beside the executable: whoever can change them can change the executable.
  var executableFolders: [String]

  /// The policy of this process.
  package init(_ searchPath: SearchPath) {
    user = geteuid()
    privateGroup = Self.privateGroup(of: user)
    executableFolders = searchPath.executableFolders
  }

  init(user: uid_t, privateGroup: gid_t?, executableFolders: [String]) {
    self.user = user
    self.privateGroup = privateGroup
    self.executableFolders = executableFolders
  }

  /// Throws `untrusted` for a path that somebody else could have changed.
  package func check(_ path: String) throws(PluginError) { try check(OpenFile(path), asked: path) }

  /// Throws `untrusted` with the exact file or folder that somebody else could have changed. `asked` is the path as it
  /// was written: when it is a link, the folders that the link lies in count as well.
  func check(_ file: borrowing OpenFile, asked: String) throws(PluginError) {
    try check(file.status, isFolder: false, component: file.path, path: file.path)
    try checkFolders(above: file.path, path: file.path)
    let spelled = asked.hasPrefix("/") ? asked : (SearchPath.real(".") ?? "") + "/" + asked
    if spelled != file.path, let folder = SearchPath.real(Self.parent(spelled)) {
      try checkFolders(from: folder, path: file.path)
    }
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
