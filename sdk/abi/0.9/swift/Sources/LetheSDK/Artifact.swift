// SPDX-License-Identifier: Apache-2.0
import CLethe

/// What a long `prepare` made, kept in the run's folder until the run is finished. In `prepare` only.
extension Call {
  /// The tensors stored under `key` by the run that this one goes on with; nil where there are none, and with a host that keeps
  /// none.
  public func artifact(_ key: String, count: Int) throws -> [Tensor]? {
    guard let find = services.artifacts.find else { return nil }
    var found = [lethe_tensor?](repeating: nil, count: count)
    do {
      try key.withCString { key in try ask { find(context, key, &found, UInt32(count), $0) } }
    } catch let failure as Failure where failure.status == LETHE_E_NOT_FOUND {
      return nil
    }
    return try found.map(tensor)
  }

  /// Stores tensors under `key` ([a-z][a-z0-9_.-]*). Waits for the device.
  public func store(_ tensors: [Tensor], as key: String) throws {
    guard let store = services.artifacts.store else { return }
    let handles: [lethe_tensor?] = tensors.map(\.handle)
    try key.withCString { key in try ask { store(context, key, handles, UInt32(handles.count), $0) } }
  }
}
