// SPDX-License-Identifier: Apache-2.0
public import CLethe
public import LetheSDK

/// SalUn-soft: unlearn with an l1 penalty on the change of the weights, by a proximal step after every step of the
/// optimizer.
///
///     min over theta of  L(theta) + b * ||theta - theta_o||_1
///
///     Delta = theta - theta_anchor
///     tau   = the k-th smallest |Delta| of all P entries,  k = int(ratio * (S - (e * L + 1)) / S * P)
///     theta = theta_anchor + sign(Delta) * max(|Delta| - tau, 0)
///
/// with e the epoch, L its steps and S the steps of the run: b is a quantile, and it falls to zero over the epochs.
struct Proximal: Updater, Tunable, Stateful {
  private var ratio: Double
  /// Whether the anchor is taken anew at the start of every epoch (D11) instead of being theta_o throughout.
  private let movesAnchor: Bool
  /// In mode reference: the weights at the start of this epoch.
  private var anchor: [KeptTensor] = []
  private var kthSmallest: Operator?

  init(parameters: Parameters) throws {
    ratio = try parameters.float(0)
    movesAnchor = try parameters.string(1) == "reference"
  }

  mutating func retune(_ parameters: Parameters) throws { ratio = try parameters.float(0) }

  mutating func prepare(_ call: Call) throws {
    kthSmallest = try call.operator(LETHE_ATEN_KTHVALUE)
    if movesAnchor { try capture(call.model().parameters()) }
  }

  mutating func afterStep(_ progress: Progress, _ call: Call) throws {
    let weights = try call.model().parameters()
    let anchor =
      movesAnchor ? self.anchor.map { $0.tensor(in: call) } : try call.model("original").parameters().map(\.tensor)
    let deltas = try zip(weights, anchor).map { try $0.tensor - $1 }

    if let tau = try threshold(deltas, progress, call) {
      for (index, delta) in deltas.enumerated() {
        let shrunk = try delta.sign() * (delta.abs() - tau).relu()
        try weights[index].tensor.copy(from: anchor[index] + shrunk)
      }
    }
    if movesAnchor, progress.stepInEpoch == progress.stepsInEpoch - 1 { try capture(weights) }
  }

  /// tau, or nil where k is 0.
  private func threshold(_ deltas: [Tensor], _ progress: Progress, _ call: Call) throws -> Tensor? {
    let (s, e, l) = (Double(progress.steps), Double(progress.epoch), Double(progress.stepsInEpoch))
    let magnitudes = try Tensor.concatenating(deltas.map { try $0.reshaped([-1]).abs() })
    let k = Int(ratio * (s - (e * l + 1)) / s * Double(try magnitudes.count))
    guard k > 0, let kthSmallest else { return nil }
    return try kthSmallest([.tensor(magnitudes), .int(k)], returning: 2, in: call)[0]
  }

  private mutating func capture(_ weights: [NamedTensor]) throws {
    anchor = try weights.map { try $0.tensor.detached().clone().keep() }
  }

  // The original weights need no saving; an anchor of this run does.

  static let stateVersion: UInt32 = 1

  func save(to state: StateWriter, _ call: Call) throws {
    try state.write(anchor.count)
    for tensor in anchor { try state.write(tensor.tensor(in: call)) }
  }

  mutating func load(from state: StateReader, version: UInt32, _ call: Call) throws {
    guard version == Self.stateVersion, try state.int() == anchor.count else {
      throw Failure("the saved state is of another mode or model", status: LETHE_E_INVALID_ARGUMENT)
    }
    anchor = try anchor.map { try state.tensor(like: $0.tensor(in: call)).keep() }
  }
}

let plugin = Plugin(id: "lethe.proximal", version: "0.1.0", [.updater("proximal", Proximal.self)])

/// The plugin's one exported function.
@c @implementation
public func lethe_plugin_abi1(_ host: HostPointer?, _ out: PluginPointer?, _ error: ErrorPointer?) -> lethe_status {
  plugin.enter(host, out, error)
}
