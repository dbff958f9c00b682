// SPDX-License-Identifier: Apache-2.0
public import CLethe
public import LetheSDK

/// The superfactor of SISS: the gradient that forgets gets a norm of its own choosing.
///
///     g = g_keep + (c / |g_forget|) g_forget          c absolute, or c = r |g_keep|
///
/// g_keep is the sum of the retain terms' gradients, g_forget that of the forget terms', each as the objective gives it: a
/// term to be unlearned has a negative coefficient. Between two estimates of the ratio c / |g_forget| the step is one
/// backward pass.
struct GradientBalance: Updater, Tunable, Stateful {
  private let isRelative: Bool
  private var size: Double
  private var every: Int
  /// c / |g_forget| of the last estimate, a float32 scalar.
  private var ratio: KeptTensor?

  init(parameters: Parameters) throws {
    isRelative = try parameters.string(0) == "relative"
    size = try parameters.float(1)
    every = try parameters.int(2)
  }

  mutating func retune(_ parameters: Parameters) throws { size = try parameters.float(1) }

  static let combines = true
  static let scalesTerms = true

  func scales(for terms: [StepTerm], _ progress: Progress, _ call: Call) throws -> [Tensor]? {
    guard let ratio, !progress.step.isMultiple(of: every) else { return nil }
    try check(terms)
    let factor = ratio.tensor(in: call)
    let one = try factor.filledLike(1)
    return terms.map { $0.set == .forget ? factor : one }
  }

  mutating func combine(_ progress: Progress, _ call: Call) throws {
    let terms = try call.stepTerms()
    try check(terms)
    let keep = try call.sum(terms.filter { $0.set == .retain })
    guard let forget = try call.sum(terms.filter { $0.set == .forget }) else {
      // No sample of this step is to be forgotten: the last estimate stays.
      return try call.setDirection(keep?.compactMap(\.self) ?? [])
    }
    if let new = try estimate(keep, forget, call) { ratio = try new.keep() }
    guard let ratio else {
      throw Failure(
        "the first step has no retain term to measure the forget gradient against: the mode 'absolute' needs none")
    }
    try call.setDirection(
      call.sum(keep ?? forget.map { _ in nil }, scale: ratio.tensor(in: call), forget))
  }

  /// c / |g_forget|, or 0 where g_forget is too small to have a direction (D23); nil without a norm to be relative to.
  private func estimate(_ keep: [Tensor?]?, _ forget: [Tensor?], _ call: Call) throws -> Tensor? {
    let norm = try call.dot(forget, forget).sqrt()
    try call.report("forget_norm", norm)
    var wanted = try norm.filledLike(size)
    if let keep {
      let retained = try call.dot(keep, keep).sqrt()
      try call.report("keep_norm", retained)
      if isRelative { wanted = try size * retained }
    } else if isRelative {
      return nil
    }
    let found = try (wanted / norm).where(norm.isGreater(than: Self.leastNorm), else: 0)
    try call.report("ratio", found)
    return found
  }

  private func check(_ terms: [StepTerm]) throws {
    if let other = terms.first(where: { $0.set != .retain && $0.set != .forget }) {
      throw Failure(
        "the term '\(other.name)' is of neither set: gradient-balance joins retain and forget terms and nothing else")
    }
  }

  private static let leastNorm = 1e-20

  // MARK: State

  static let stateVersion: UInt32 = 1

  func save(to state: StateWriter, _ call: Call) throws {
    try state.write(ratio == nil ? 0 : 1)
    if let ratio { try state.write(ratio.tensor(in: call)) }
  }

  mutating func load(from state: StateReader, version: UInt32, _ call: Call) throws {
    guard version == Self.stateVersion else {
      throw Failure("the saved state is of another version", status: LETHE_E_INVALID_ARGUMENT)
    }
    guard try state.int() == 1 else { return ratio = nil }
    ratio = try state.tensor(like: call.tensor([0 as Float], shape: [])).keep()
  }
}

let plugin = Plugin(
  id: "lethe.gradient-balance", version: "0.1.0", [.updater("gradient-balance", GradientBalance.self)])

/// The plugin's one exported function.
@c @implementation
public func lethe_plugin_abi1(_ host: HostPointer?, _ out: PluginPointer?, _ error: ErrorPointer?) -> lethe_status {
  plugin.enter(host, out, error)
}
