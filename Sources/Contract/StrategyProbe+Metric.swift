import PluginHost

/// What holds for metrics alone.
extension StrategyProbe {
  /// A second `begin` starts anew.
  func beginsAnew() throws {
    guard isRepeatable else { return skip("the manifest promises no determinism") }
    let fresh = try ready()
    let expected = try fresh.step(0)
    fresh.destroy()
    let used = try ready()
    defer { used.destroy() }
    _ = try used.step(1)
    if let name = try used.step(0).difference(from: expected, within: tolerance) {
      report("after a second begin it gives other \(name): something is left of what was shown before")
    }
  }

  /// How a set is cut into batches says nothing about the set.
  func batchSize() throws {
    guard isRepeatable else { return skip("the manifest promises no determinism") }
    let rig = try ready()
    defer { rig.destroy() }
    guard let metric = rig.instance as? MetricInstance else { return }
    let whole = try rig.measure(metric, 0, batch: 64)
    for size in [1, 3] {
      if let name = try rig.measure(metric, 0, batch: size).difference(from: whole, within: 1e-3) {
        return report("in batches of \(size) it gives other \(name) than in one")
      }
    }
  }
}
