// SPDX-License-Identifier: Apache-2.0
public import CLethe
public import LetheSDK

/// LoReUn: how large a sample's loss is says how far it is from being forgotten, or from being kept.
///
///     forget:  w'_i = exp(-eta_f (l_i - lo_f)),   w_i = w'_i / sum of w' over the batch      l_i with the true label
///     retain:  v'_j = exp(+eta_r (l_j - lo_r)),   v_j = v'_j / sum of v' over the batch
///
/// The reference losses lo are the same for the whole batch and cancel in the normalisation (D13), which leaves
/// w = softmax(-eta_f l) and v = softmax(+eta_r l). No gradient flows through the weights.
struct LoReUn: Reweighter, Tunable {
  private var etaForget: Double
  private var etaRetain: Double

  init(parameters: Parameters) throws {
    let apply = try parameters.string(2)
    etaForget = apply == "retain" ? 0 : try parameters.float(0)
    etaRetain = apply == "forget" ? 0 : try parameters.float(1)
  }

  mutating func retune(_ parameters: Parameters) throws { self = try LoReUn(parameters: parameters) }

  func weights(for term: SeenTerm, _ call: Call) throws -> Tensor? {
    let eta = term.set == .forget ? -etaForget : etaRetain
    guard eta != 0 else { return nil }

    var loss = term.cleanLosses
    if try loss.dtype.isHalf { loss = try loss.converted(to: .float32) }
    // An infinite loss would make the weights NaN; any finite bound this large decides the softmax the same way.
    var exponent = try eta * loss.clamped(max: Self.largestLoss)
    if let importance = term.importance {
      exponent = try exponent.where(importance.isGreater(than: 0), else: Self.never)
    }
    return try exponent.softmax(along: 0).converted(to: term.losses.dtype)
  }

  private static let largestLoss = 1e30
  /// Far below -eta * largestLoss and still finite in float32: samples of no importance get weight 0, but where a batch
  /// has no others its weights stay uniform instead of becoming NaN.
  private static let never = -3e38
}

let plugin = Plugin(id: "lethe.loreun", version: "0.1.0", [.reweighter("loreun", LoReUn.self)])

/// The plugin's one exported function.
@c @implementation
public func lethe_plugin_abi0(_ host: HostPointer?, _ out: PluginPointer?, _ error: ErrorPointer?) -> lethe_status {
  plugin.enter(host, out, error)
}
