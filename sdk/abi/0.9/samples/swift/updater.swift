public import CLethe
public import LetheSDK

/// Forgetting does not work against keeping. With the gradients f and r of the forget and of the retain term:
///
///     direction = f + r - min(0, <f, r>) / max(<r, r>, floor) * r
struct MyMethod: Updater {
  static let combines = true

  /// The manifest's first parameter: its type, range and default are the host's work.
  private let floor: Double

  init(parameters: Parameters) throws { floor = try parameters.float(0) }

  func combine(_ progress: Progress, _ call: Call) throws {
    let terms = try call.stepTerms()
    guard terms.count == 2, let forget = terms.first(where: { $0.set == .forget }),
      let retain = terms.first(where: { $0.set == .retain })
    else { throw Failure("my-method joins a forget and a retain term, no others") }
    let (f, r) = (forget.gradients, retain.gradients)
    let share = try call.dot(f, r).clamped(max: 0) / call.dot(r, r).clamped(min: floor)
    try call.setDirection(call.sum(f, scale: -share + 1, r))
  }
}

let plugin = Plugin(
  id: "org.example.my-method", version: "0.1.0", [.updater("org.example.my-method", MyMethod.self)])

/// The plugin's one exported function.
@c @implementation
public func lethe_plugin_abi1(_ host: HostPointer?, _ out: PluginPointer?, _ error: ErrorPointer?) -> lethe_status {
  plugin.enter(host, out, error)
}
