// SPDX-License-Identifier: Apache-2.0
public import CLethe
public import LetheSDK

/// SalUn: only weights with a large gradient of the forget loss may move.
///
///     S = | sum over batches of D_f of  grad mean CE(theta_o) |        kept: the floor(r * P) largest of all P entries
///
/// The host walks over the forget set, ranks the scores and holds the other weights still. For diffusion the loss may be that of
/// the guided prediction (1+s) eps(c) - s eps(null), and each batch's gradient may be clipped before it is added.
struct SalUn: Mask {
  /// Whether to score as the published script did until December 2023 (D8).
  private let isPaperEra: Bool
  /// s.
  private let guidance: Double
  /// The norm that a batch's gradient is clipped to; 0 for no clipping.
  private let clip: Double
  /// One sum for each parameter.
  private var sums: [KeptTensor] = []

  init(parameters: Parameters) throws {
    isPaperEra = try parameters.string(0) == "reference"
    (guidance, clip) = (try parameters.float(1), try parameters.float(2))
  }

  mutating func begin(parameters: [NamedTensor], walk: inout Walk, _ call: Call) throws {
    walk.trains = isPaperEra
    walk.steps = isPaperEra
    walk.guidance = guidance
    sums = try parameters.map { try $0.tensor.detached().zerosLike().keep() }
  }

  mutating func accumulate(gradients: [Tensor?], count: Int, _ call: Call) throws {
    let factor = try clip > 0 ? clipping(gradients, call) : nil
    for case (let sum, let gradient?) in zip(sums, gradients) {
      let part = try isPaperEra ? gradient.abs() : gradient
      try sum.tensor(in: call).add(factor.map { try part * $0 } ?? part)
    }
  }

  /// What shortens a gradient to the norm `clip`, as PyTorch's clip_grad_norm_ does; 1 for a shorter one.
  private func clipping(_ gradients: [Tensor?], _ call: Call) throws -> Tensor {
    let norm = try call.dot(gradients, gradients).sqrt()
    return try (norm.filledLike(clip) / (norm + 1e-6)).clamped(max: 1)
  }

  mutating func scores(_ call: Call) throws -> [Tensor] {
    defer { sums = [] }
    return try sums.map { try $0.tensor(in: call).abs() }
  }
}

let plugin = Plugin(id: "lethe.salun", version: "0.1.0", [.mask("salun", SalUn.self)])

/// The plugin's one exported function.
@c @implementation
public func lethe_plugin_abi1(_ host: HostPointer?, _ out: PluginPointer?, _ error: ErrorPointer?) -> lethe_status {
  plugin.enter(host, out, error)
}
