public import CLethe
public import LetheSDK

/// Only the weights that the forget set pulls at may move:
///
///     score_k = sum over batches b of D_f of  n_b * | d/d theta_k  mean over b of CE |
struct MyMethod: Mask {
  /// Of each parameter; kept tensors outlive the callbacks.
  private var sums: [KeptTensor] = []

  init(parameters: Parameters) throws {}

  mutating func begin(parameters: [NamedTensor], walk: inout Walk, _ call: Call) throws {
    sums = try parameters.map { try $0.tensor.detached().zerosLike().keep() }
  }

  func accumulate(gradients: [Tensor?], count: Int, _ call: Call) throws {
    for case (let sum, let gradient?) in zip(sums, gradients) {
      try sum.tensor(in: call).add(Double(count) * gradient.abs())
    }
  }

  func scores(_ call: Call) throws -> [Tensor] { sums.map { $0.tensor(in: call) } }
}

let plugin = Plugin(
  id: "org.example.my-method", version: "0.1.0", [.mask("org.example.my-method", MyMethod.self)])

/// The plugin's one exported function.
@c @implementation
public func lethe_plugin_abi1(_ host: HostPointer?, _ out: PluginPointer?, _ error: ErrorPointer?) -> lethe_status {
  plugin.enter(host, out, error)
}
