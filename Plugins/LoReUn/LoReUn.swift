// SPDX-License-Identifier: Apache-2.0
public import CLethe
import Glibc
public import LetheSDK

/// LoReUn: how large a sample's loss is says how far it is from being forgotten, or from being kept.
///
///     forget:  w'_i = exp(-eta_f (l_i - lo_f)),   w_i = w'_i / sum of w' over the batch      l_i with the true label
///     retain:  v'_j = exp(+eta_r (l_j - lo_r)),   v_j = v'_j / sum of v' over the batch
///
/// The reference losses lo are the same for the whole batch and cancel in the normalisation (D13), which leaves
/// w = softmax(-eta_f l) and v = softmax(+eta_r l). A loss of diffusion depends on its timestep, so there they divide:
///
///     forget:  w' = exp(-eta_f l / lo_f(t))       retain:  v' = exp(+eta_r l / lo_r(t))
///
/// with lo(t) the loss of the original model. No gradient flows through the weights.
struct LoReUn: Reweighter, Tunable {
  private let sets: SampleSet
  private var etaForget: Double
  private var etaRetain: Double
  /// lo(t) for every timestep of a set, float32 [T]; in a run on a diffusion model.
  private var curves: [UInt32: KeptTensor] = [:]

  init(parameters: Parameters) throws {
    let apply = try parameters.string(2)
    sets = apply == "forget" ? .forget : apply == "retain" ? .retain : [.forget, .retain]
    (etaForget, etaRetain) = (try parameters.float(0), try parameters.float(1))
  }

  mutating func retune(_ parameters: Parameters) throws {
    (etaForget, etaRetain) = (try parameters.float(0), try parameters.float(1))
  }

  mutating func prepare(_ call: Call) throws {
    guard try call.task().kind == "diffusion" else { return }
    let count = try call.diffusion().timesteps
    for (set, name) in [(SampleSet.forget, "forget"), (.retain, "retain")] where sets.contains(set) {
      let steps = (0..<10).map { $0 * count / 10 }
      let points = try call.referenceCurve(over: set, at: steps)
      let fit = try Decay(points, at: steps.map { Double($0) / Double(count) }, of: name)
      let curve = (0..<count).map { Float(fit(Double($0) / Double(count))) }
      curves[set.rawValue] = try call.tensor(curve, shape: [count]).keep()
      for (step, point) in zip(steps, points) { try call.report("curve.\(name).t\(step)", point) }
      for (key, value) in [("a", fit.amplitude), ("b", fit.rate), ("c", fit.rest), ("floor", fit.floor)] {
        try call.report("curve.\(name).\(key)", value)
      }
    }
  }

  func weights(for term: SeenTerm, _ call: Call) throws -> Tensor? {
    let eta = term.set == .forget ? -etaForget : etaRetain
    guard eta != 0, sets.contains(term.set) else { return nil }
    guard term.knowsCleanLosses else {
      throw Failure("loreun weighs samples by their own loss, and nobody knows it for the term '\(term.name)'")
    }
    var loss = term.cleanLosses
    if try loss.dtype.isHalf { loss = try loss.converted(to: .float32) }
    if let timesteps = term.timesteps, let curve = curves[term.set.rawValue] {
      loss = try loss / curve.tensor(in: call).selecting(timesteps)
    }
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

/// The reference loss over the share s = t/T of the timesteps: A exp(-b s) + C, fitted to some points.
///
/// C starts below the smallest point, (ln A, b) come from least squares on ln(y - C), and all three are refined by
/// Levenberg's and Marquardt's steps on the squared differences. Where that does not converge to a curve that is positive
/// from s = 0 to 1, it is exp(ln A - b s) with C = 0. Nowhere below 1e-6 + 0.05 of the smallest point.
private struct Decay {
  private(set) var amplitude: Double
  private(set) var rate: Double
  private(set) var rest: Double
  let floor: Double

  init(_ points: [Double], at s: [Double], of name: String) throws {
    guard let least = points.min(), points.allSatisfy(\.isFinite), least > 0 else {
      throw Failure("the original model's losses over the \(name) set are \(points): positive numbers would be right")
    }
    floor = 1e-6 + 0.05 * least
    let start = Self.line(points.map { log($0 - 0.9 * least) }, s)
    if let fit = Self.refined([start.a, start.b, 0.9 * least], points, s) {
      (amplitude, rate, rest) = (exp(fit[0]), fit[1], fit[2])
    } else {
      let line = Self.line(points.map { log($0) }, s)
      (amplitude, rate, rest) = (exp(line.a), line.b, 0)
    }
  }

  func callAsFunction(_ s: Double) -> Double { max(floor, amplitude * exp(-rate * s) + rest) }

  /// Least squares of a - b s.
  private static func line(_ y: [Double], _ s: [Double]) -> (a: Double, b: Double) {
    let n = Double(s.count)
    let (meanS, meanY) = (s.reduce(0, +) / n, y.reduce(0, +) / n)
    let slope =
      zip(s, y).reduce(0) { $0 + ($1.0 - meanS) * ($1.1 - meanY) } / s.reduce(0) { $0 + ($1 - meanS) * ($1 - meanS) }
    return (meanY - slope * meanS, -slope)
  }

  /// (ln A, b, C) at a minimum of the squared differences, or nil where none is found.
  private static func refined(_ start: [Double], _ y: [Double], _ s: [Double]) -> [Double]? {
    func value(_ p: [Double], _ s: Double) -> Double { exp(p[0] - p[1] * s) + p[2] }
    func cost(_ p: [Double]) -> Double {
      zip(s, y).reduce(0) { $0 + (value(p, $1.0) - $1.1) * (value(p, $1.0) - $1.1) }
    }
    var (p, damping, best) = (start, 1e-3, cost(start))
    for _ in 0..<200 {
      // Normal equations of the linearised problem: rows (e, -s e, 1) with e = A exp(-b s).
      var normal = [[Double]](repeating: [0, 0, 0, 0], count: 3)
      for (s, y) in zip(s, y) {
        let e = exp(p[0] - p[1] * s)
        let row = [e, -s * e, 1]
        for i in 0..<3 {
          for j in 0..<3 { normal[i][j] += row[i] * row[j] }
          normal[i][3] += row[i] * (y - e - p[2])
        }
      }
      for i in 0..<3 { normal[i][i] *= 1 + damping }
      guard let step = solution(normal) else { return nil }
      let next = zip(p, step).map { $0 + $1 }
      let new = cost(next)
      if new.isFinite, new <= best {
        let isSettled = zip(step, p).allSatisfy { abs($0) <= 1e-9 * max(1, abs($1)) }
        (p, best, damping) = (next, new, max(damping / 10, 1e-12))
        if isSettled { return min(value(p, 0), value(p, 1)) > 0 ? p : nil }
      } else {
        damping *= 10
        // No step helps any more: a minimum to working precision, or none at all.
        if damping > 1e12 { return min(value(p, 0), value(p, 1)) > 0 && best.isFinite ? p : nil }
      }
    }
    return nil
  }

  /// Gauss's elimination with pivots on three equations.
  private static func solution(_ equations: [[Double]]) -> [Double]? {
    var m = equations
    for column in 0..<3 {
      guard let pivot = (column..<3).max(by: { abs(m[$0][column]) < abs(m[$1][column]) }), abs(m[pivot][column]) > 0
      else { return nil }
      m.swapAt(column, pivot)
      for row in 0..<3 where row != column {
        let factor = m[row][column] / m[column][column]
        for k in column..<4 { m[row][k] -= factor * m[column][k] }
      }
    }
    return (0..<3).map { m[$0][3] / m[$0][$0] }
  }
}

let plugin = Plugin(id: "lethe.loreun", version: "0.1.0", [.reweighter("loreun", LoReUn.self)])

/// The plugin's one exported function.
@c @implementation
public func lethe_plugin_abi1(_ host: HostPointer?, _ out: PluginPointer?, _ error: ErrorPointer?) -> lethe_status {
  plugin.enter(host, out, error)
}
