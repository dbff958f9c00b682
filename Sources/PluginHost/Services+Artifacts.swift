import CLethe
import Tensors

/// "lethe.artifact/1".
extension ServiceTables {
  // Immutable after the first use, and never freed.
  nonisolated(unsafe) static let artifacts: UnsafePointer<lethe_artifacts> = unsafe make(
    lethe_artifacts(
      size: size(of: lethe_artifacts.self), reserved0: 0,
      find: { context, key, out, count, error in
        unsafe HostSession.serve(context, error) { session throws(Refusal) in
          let name = try session.artifact(unsafe CStruct.text(key, limit: 256))
          guard count > 0, let out = unsafe out else { throw .argument(2, "there is no room for any tensor") }
          guard let found = try attempt({ try session.world.artifact(name) }) else {
            throw Refusal(LETHE_E_NOT_FOUND, "nothing is stored under '\(name.key)'")
          }
          guard found.count == Int(count) else {
            throw .argument(3, "\(found.count) tensors are stored under '\(name.key)', not \(count)")
          }
          for (index, tensor) in found.enumerated() { unsafe out[index] = try session.lend(tensor) }
        }
      },
      store: { context, key, tensors, count, error in
        unsafe HostSession.serve(context, error) { session throws(Refusal) in
          let name = try session.artifact(unsafe CStruct.text(key, limit: 256))
          let given = unsafe try session.tensors(tensors, count, 2)
          let whole = given.compactMap(\.self)
          guard count > 0, whole.count == given.count else {
            throw .argument(2, "tensors to be stored are there, at least one and none of them NULL")
          }
          try attempt { try session.world.store(whole.map { try $0.detach() }, as: name) }
        }
      }))
}

extension HostSession {
  fileprivate func artifact(_ key: String?) throws(Refusal) -> ArtifactName {
    guard frame.moment == .prepare, let instance = frame.instance else {
      throw Refusal(LETHE_E_PRECONDITION, "artifacts are for 'prepare' only")
    }
    guard let key, let first = key.utf8.first, (97...122).contains(first),
      key.utf8.allSatisfy({ (97...122).contains($0) || (48...57).contains($0) || [95, 46, 45].contains($0) })
    else { throw .argument(1, "an artifact's key must look like [a-z][a-z0-9_.-]*") }
    return ArtifactName(part: "\(instance.name) \(instance.strategy.id) \(instance.parameters)", key: key)
  }
}
