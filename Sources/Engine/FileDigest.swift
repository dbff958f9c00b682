import Foundation
import Learning

/// SHA-256 of a file's bytes, in hexadecimal; nil for what is no file that can be read.
func fileDigest(_ path: String) -> String? {
  var isFolder: ObjCBool = false
  guard unsafe FileManager.default.fileExists(atPath: path, isDirectory: &isFolder), !isFolder.boolValue,
    let file = FileHandle(forReadingAtPath: path)
  else { return nil }
  defer { try? file.close() }
  var hash = SHA256()
  do {
    while let block = try file.read(upToCount: 1 << 20), !block.isEmpty { hash.update([UInt8](block)) }
  } catch {
    return nil
  }
  return hash.hexadecimal()
}
