public import CLethe
public import LetheSDK

/// What is forgotten should look like nothing that the model knows: every class as likely as any other.
///
///     L(theta) = mean over D_r of CE(theta; x, y)  -  strength/C * mean over D_f of  sum_c log p_c(x)
struct Flatten: Objective, Tunable {
  /// The manifest's first parameter: its type, range and default are the host's work.
  private var strength: Double

  init(parameters: Parameters) throws { strength = try parameters.float(0) }

  mutating func retune(_ parameters: Parameters) throws { self = try Flatten(parameters: parameters) }

  func terms(of step: Step, _ call: Call) throws -> [Term] {
    let classes = try Double(call.task().classes)
    var terms: [Term] = []
    for batch in step.batches {
      let outputs = try step.model.forward(batch.inputs)
      let losses = try call.losses(outputs, batch.labels)
      if step.wants(.forget, in: batch) {
        let logarithms = try batch.rows(of: .forget, in: outputs).logSoftmax(along: 1)
        terms.append(
          Term(
            "forget", over: .forget, coefficient: strength, losses: try (-1 / classes) * logarithms.sum(along: 1),
            // Reweighters ask how well a sample is known: that is its loss with the true label.
            cleanLosses: try batch.rows(of: .forget, in: losses).detached(),
            indices: try batch.rows(of: .forget, in: batch.indices)))
      }
      if step.wants(.retain, in: batch) {
        terms.append(
          Term(
            "retain", over: .retain, losses: try batch.rows(of: .retain, in: losses),
            indices: try batch.rows(of: .retain, in: batch.indices)))
      }
    }
    return terms
  }
}

let plugin = Plugin(
  id: "org.example.flatten", version: "0.1.0", [.objective("org.example.flatten", Flatten.self)])

/// The plugin's one exported function.
@c @implementation
public func lethe_plugin_abi1(_ host: HostPointer?, _ out: PluginPointer?, _ error: ErrorPointer?) -> lethe_status {
  plugin.enter(host, out, error)
}
