// SPDX-License-Identifier: Apache-2.0
public import CLethe
public import LetheSDK

/// SalUn: only weights with a large gradient of the forget loss may move.
///
///     S = | sum over batches of D_f of  grad mean CE(theta_o) |        kept: the floor(r * P) largest of all P entries
///
/// The host walks over the forget set, ranks the scores and holds the other weights still.
struct SalUn: Mask {
  /// Whether to score as the published script did until December 2023 (D8).
  private let isPaperEra: Bool
  /// One sum for each parameter.
  private var sums: [KeptTensor] = []

  init(parameters: Parameters) throws { isPaperEra = try parameters.string(0) == "reference" }

  mutating func begin(parameters: [NamedTensor], walk: inout Walk, _ call: Call) throws {
    walk.trains = isPaperEra
    walk.steps = isPaperEra
    sums = try parameters.map { try $0.tensor.detached().zerosLike().keep() }
  }

  mutating func accumulate(gradients: [Tensor?], count: Int, _ call: Call) throws {
    for case (let sum, let gradient?) in zip(sums, gradients) {
      try sum.tensor(in: call).add(isPaperEra ? gradient.abs() : gradient)
    }
  }

  mutating func scores(_ call: Call) throws -> [Tensor] {
    defer { sums = [] }
    return try sums.map { try $0.tensor(in: call).abs() }
  }
}

let plugin = Plugin(id: "lethe.salun", version: "0.1.0", [.mask("salun", SalUn.self)])

/// The plugin's one exported function.
@c @implementation
public func lethe_plugin_abi0(_ host: HostPointer?, _ out: PluginPointer?, _ error: ErrorPointer?) -> lethe_status {
  plugin.enter(host, out, error)
}
