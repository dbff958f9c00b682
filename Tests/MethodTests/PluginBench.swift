import Learning
import PluginHost

/// A world with a session, and the plugins that were built beside the tests.
class PluginBench {
  let session: HostSession
  private let catalog: PluginCatalog

  init(around world: any StrategyWorld) throws {
    session = HostSession(world: world, cancel: CancelFlag())
    catalog = try PluginCatalog(SearchPath(environment: { _ in nil }))
  }

  func objective(_ id: String, _ given: [(String, ParameterValue)] = []) throws -> ObjectiveInstance {
    let strategy = try catalog.load(id, role: .objective)
    let made = try ObjectiveInstance(
      strategy, session: session, parameters: strategy.manifest.values(given.map { (key: $0, value: $1) }))
    try made.prepare()
    return made
  }

  func reweighter(_ id: String, _ given: [(String, ParameterValue)] = []) throws -> ReweighterInstance {
    let strategy = try catalog.load(id, role: .reweighter)
    let made = try ReweighterInstance(
      strategy, session: session, parameters: strategy.manifest.values(given.map { (key: $0, value: $1) }))
    try made.prepare()
    return made
  }

  func mask(_ id: String, _ given: [(String, ParameterValue)] = []) throws -> MaskInstance {
    let strategy = try catalog.load(id, role: .mask)
    let made = try MaskInstance(
      strategy, session: session, parameters: strategy.manifest.values(given.map { (key: $0, value: $1) }))
    try made.prepare()
    return made
  }

  func updater(_ id: String, _ given: [(String, ParameterValue)] = []) throws -> UpdaterInstance {
    let strategy = try catalog.load(id, role: .updater)
    let made = try UpdaterInstance(
      strategy, session: session, parameters: strategy.manifest.values(given.map { (key: $0, value: $1) }))
    try made.prepare()
    return made
  }

  func procedure(_ id: String, _ given: [(String, ParameterValue)] = []) throws -> ProcedureInstance {
    let strategy = try catalog.load(id, role: .procedure)
    let made = try ProcedureInstance(
      strategy, session: session, parameters: strategy.manifest.values(given.map { (key: $0, value: $1) }))
    try made.prepare()
    return made
  }
}
