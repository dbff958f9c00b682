import Foundation
import Learning
import PluginHost
import Runs
import Tensors

/// What parts prepared at length, in the run's folder: found again when the run is resumed, gone when it is finished.
extension World {
  func artifact(_ name: ArtifactName) throws -> [Tensor]? {
    guard let file = file(of: name), FileManager.default.fileExists(atPath: file.path) else { return nil }
    return try SafeTensors.read(file.path).tensors.map { try $0.tensor.to(device) }
  }

  func store(_ tensors: [Tensor], as name: ArtifactName) throws {
    guard let folder, let file = file(of: name) else { return }
    try makeFolder(folder.artifacts)
    try SafeTensors.write(
      tensors.enumerated().map { (String(format: "%06d", $0.offset), $0.element) },
      metadata: ["made-by": "lethe", "artifact": "\(name)"], to: file.path)
  }

  private func file(of name: ArtifactName) -> URL? {
    folder?.artifacts.appendingPathComponent(
      "\(digest("\(plan.canonicalJSON())\n\(swaps)\n\(name)")).safetensors")
  }
}
