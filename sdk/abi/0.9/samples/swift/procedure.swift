public import CLethe
public import LetheSDK

/// One long step up the forget loss: the forget set's task vector is subtracted, to first order.
///
///     theta_u = theta_o + rate * d/d theta  mean over D_f of CE(theta_o; x, y)          running statistics
struct MyMethod: Procedure {
  /// The manifest's parameters, in its order: types, ranges and defaults are the host's work.
  private let rate: Double
  private let batch: Int

  init(parameters: Parameters) throws {
    rate = try parameters.float(0)
    batch = try parameters.int(1)
  }

  func run(on model: Model, _ call: Call) throws {
    let theta = try model.parameters().map(\.tensor)
    let sums = try theta.map { try $0.detached().zerosLike() }
    let pass = try call.pass(over: .forget, batch: batch)
    for number in 0..<pass.count {
      try call.freeingTensors {
        let samples = try pass(number)
        let losses = try call.losses(model.forward(samples.inputs, .evaluating), samples.labels)
        let gradients = try call.gradient(of: losses.sum(), withRespectTo: theta)
        for case (let sum, let gradient?) in zip(sums, gradients) { try sum.add(gradient) }
      }
      try call.progress(number + 1, of: pass.count)
    }
    let step = rate / Double(try call.task().forgetCount)
    try call.withoutGraph {
      for (parameter, sum) in zip(theta, sums) { try parameter.add(step * sum) }
    }
  }
}

let plugin = Plugin(
  id: "org.example.my-method", version: "0.1.0", [.procedure("org.example.my-method", MyMethod.self)])

/// The plugin's one exported function.
@c @implementation
public func lethe_plugin_abi1(_ host: HostPointer?, _ out: PluginPointer?, _ error: ErrorPointer?) -> lethe_status {
  plugin.enter(host, out, error)
}
