// SPDX-License-Identifier: Apache-2.0
public import CLethe
import Glibc
public import LetheSDK

/// SISS: subtracted importance-sampled scores. One forward pass serves the loss of what is kept and of what is forgotten,
/// because the noisy image is drawn from a mixture of both.
///
///     m ~ (1-lambda) q(.|x) + lambda q(.|a)        q(.|x) = N(gamma_t x, sigma_t^2 I)
///
///     L = n/(n-k) w_x |eps_x - eps_theta(m, t)|^2  -  k/(n-k) w_a |eps_a - eps_theta(m, t)|^2
///
///     eps_x = (m - gamma_t x) / sigma_t            w_x = q(m|x) / ((1-lambda) q(m|x) + lambda q(m|a))
///     eps_a = (m - gamma_t a) / sigma_t            w_a = q(m|a) / ((1-lambda) q(m|x) + lambda q(m|a))
///
/// With x drawn from X, n samples of which the k of A are to be forgotten, the expectation of L is the loss of X \ A for
/// every lambda. With x drawn from X \ A the first factor is 1.
struct SISS: Objective {
  private enum Variant: String { case importance = "is", twoPasses = "no-is", coin = "bernoulli" }

  private let lambda: Double
  private let hasFactors: Bool
  private let variant: Variant
  private let splits: Bool

  init(parameters: Parameters) throws {
    lambda = try parameters.float(0)
    variant = Variant(rawValue: try parameters.string(1)) ?? .importance
    hasFactors = try parameters.string(2) == "paper"
    splits = try parameters.bool(3)
  }

  func prepare(_ call: Call) throws {
    let task = try call.task()
    guard task.kind == "diffusion" else { throw Failure("siss is for diffusion, and this run is \(task.kind)") }
    guard task.forgetCount > 0 else { throw Failure("there is nothing to forget: the set A is empty") }
    guard task.retainCount > 0 else { throw Failure("all samples are to be forgotten: the set X without A is empty") }
  }

  func terms(of step: Step, _ call: Call) throws -> [Term] {
    guard let batch = step.batches.first, batch.forgetCount > 0, batch.retainCount > 0 else {
      throw Failure("siss pairs each sample with one of A: the schedule 'pairs' or 'paired' would be right")
    }
    if let schedule = step.schedule, schedule != "pairs", schedule != "paired" {
      throw Failure("the schedule is '\(schedule)', 'pairs' or 'paired' would be right")
    }
    let noise = try call.diffusion()
    var pairs = try Pairs(batch, noise, step, call)
    let groups =
      switch variant {
      case .importance: try mixture(&pairs, noise, step, call)
      case .twoPasses:
        [
          Group(rows: pairs.all, keeps: true, forgets: false, source: .x),
          Group(rows: pairs.all, keeps: false, forgets: true, source: .a),
        ]
      case .coin: try coins(&pairs, step, call)
      }
    return try terms(groups, pairs, noise, step, call)
  }

  // MARK: Weights

  /// Which rows go through the network together, and for which terms.
  private struct Group {
    enum Source { case x, a, drawn }
    var rows: [Int64]
    var keeps: Bool
    var forgets: Bool
    var source = Source.drawn
  }

  /// Draws m for every pair and weighs it. Almost every weight is 0 or 1/(1-lambda), respectively 1/lambda: kappa_t =
  /// r_t^2 |x-a|^2 / 2 is large for all but the noisiest timesteps. So rows that only one term needs go through the
  /// network apart, and that term's backward pass meets no others.
  private func mixture(_ pairs: inout Pairs, _ noise: Diffusion, _ step: Step, _ call: Call) throws -> [Group] {
    try pairs.draw(probability: lambda, step, call)
    // With D = x - a and r = gamma/sigma, free of cancellation:
    //   delta = log q(m|a) - log q(m|x) = -+ r^2 |D|^2 / 2 - r <eps, D>        - for m from x, + for m from a
    let count = pairs.all.count
    let gamma = try noise.gamma.converted(to: pairs.difference.dtype)
    let sigma = try noise.sigma.converted(to: pairs.difference.dtype).clamped(min: Self.leastSigma)
    let r = try (gamma / sigma).selecting(pairs.timesteps)
    let distance = try pairs.difference.reshaped([count, -1])
    let half = try 0.5 * (r * r * (distance * distance).sum(along: 1))
    let cross = try r * (distance * pairs.noise.reshaped([count, -1])).sum(along: 1)
    let delta = try (2 * pairs.isFromA + -1) * half - cross

    // (1-lambda) w_x = sigmoid(-u) and lambda w_a = sigmoid(u), u = delta + log(lambda / (1-lambda)).
    let partX, partA: Tensor
    switch lambda {
    case 0: (partX, partA) = (try delta.filledLike(1), try delta.clamped(max: Self.largestLog).exp())
    case 1: (partX, partA) = (try (-delta).clamped(max: Self.largestLog).exp(), try delta.filledLike(1))
    default:
      let u = try delta + log(lambda / (1 - lambda))
      (partX, partA) = (try (-u).sigmoid(), try u.sigmoid())
    }
    pairs.weightX = lambda < 1 ? try (1 / (1 - lambda)) * partX : partX
    pairs.weightA = lambda > 0 ? try (1 / lambda) * partA : partA
    let scale = try r.reshaped([count] + pairs.noise.shape.dropFirst().map { _ in 1 }) * pairs.difference
    let fromA = try pairs.isFromA.reshaped([count] + pairs.noise.shape.dropFirst().map { _ in 1 })
    pairs.noiseX = try pairs.noise - fromA * scale
    pairs.noiseA = try pairs.noise + (-fromA + 1) * scale

    guard splits else { return [Group(rows: pairs.all, keeps: true, forgets: true)] }
    let parts = try Tensor.concatenating([partX, partA]).values(as: Float.self)
    let counts = { (part: Float) in part >= Self.leastPart }
    let keeps = pairs.all.filter { counts(parts[Int($0)]) }
    let forgets = pairs.all.filter { counts(parts[count + Int($0)]) }
    let both = Set(keeps).intersection(forgets)
    return [
      Group(rows: keeps.filter { !both.contains($0) }, keeps: true, forgets: false),
      Group(rows: forgets.filter { !both.contains($0) }, keeps: false, forgets: true),
      Group(rows: both.sorted(), keeps: true, forgets: true),
    ]
  }

  /// No importance weights: a coin says which of the two terms a pair is for.
  private func coins(_ pairs: inout Pairs, _ step: Step, _ call: Call) throws -> [Group] {
    try pairs.draw(probability: lambda, step, call)
    let ones = try pairs.isFromA.filledLike(1)
    pairs.weightX = try (1 / max(1 - lambda, Self.leastShare)) * ones
    pairs.weightA = hasFactors ? try (1 / max(lambda, Self.leastShare)) * ones : ones
    return [
      Group(rows: pairs.all.filter { !pairs.fromA[Int($0)] }, keeps: true, forgets: false),
      Group(rows: pairs.all.filter { pairs.fromA[Int($0)] }, keeps: false, forgets: true),
    ]
  }

  // MARK: Terms

  private func terms(
    _ groups: [Group], _ pairs: Pairs, _ noise: Diffusion, _ step: Step, _ call: Call
  ) throws -> [Term] {
    var keep = Gathered()
    var forget = Gathered()
    for group in groups {
      let keeps = group.keeps && step.sets.contains(.retain)
      let forgets = group.forgets && step.sets.contains(.forget)
      guard !group.rows.isEmpty, keeps || forgets else { continue }
      let rows = try Rows(group.rows, of: pairs.all.count, call)
      let t = try rows(pairs.timesteps)
      let eps = try rows(pairs.noise)
      let noisy: Tensor
      switch group.source {
      case .drawn: noisy = try rows(pairs.drawn)
      case .x: noisy = try noise.addNoise(eps, to: rows(pairs.x), at: t)
      case .a: noisy = try noise.addNoise(eps, to: rows(pairs.a), at: t)
      }
      var conditions: Tensor?
      if noise.conditions > 0 { conditions = try rows(group.source == .a ? pairs.labelsA : pairs.labels) }
      let prediction = try noise.denoise(step.model, noisy, at: t, conditions: conditions)
      let clean = try noise.losses(prediction.detached(), eps)
      if keeps {
        keep.losses.append(try noise.losses(prediction, rows(pairs.noiseX)))
        keep.add(clean, try pairs.weightX.map { try rows($0) }, t, try rows(pairs.indicesX))
      }
      if forgets {
        forget.losses.append(try noise.losses(prediction, rows(pairs.noiseA)))
        forget.add(clean, try pairs.weightA.map { try rows($0) }, t, try rows(pairs.indicesA))
      }
    }
    let (keepFactor, forgetFactor) = try factors(step, call)
    return [
      try keep.term("keep", .retain, keepFactor, of: pairs.all.count),
      try forget.term("forget", .forget, -forgetFactor, of: pairs.all.count),
    ].compactMap(\.self)
  }

  private func factors(_ step: Step, _ call: Call) throws -> (keep: Double, forget: Double) {
    guard hasFactors else { return (1, 1) }
    let task = try call.task()
    let (kept, forgotten) = (Double(task.retainCount), Double(task.forgetCount))
    return (step.schedule == "paired" ? 1 : (kept + forgotten) / kept, forgotten / kept)
  }

  /// Below this part of its bound a weight counts as none.
  private static let leastPart: Float = 1e-8
  /// exp of it is finite in float32; at lambda 0 and 1 one weight has no bound.
  private static let largestLog = 80.0
  private static let leastSigma = 1e-6
  /// Where the coin never falls on a side, its weight is not used.
  private static let leastShare = 1e-12
}

/// The pairs (x, a) of a batch with one timestep and one noise each.
private struct Pairs {
  let all: [Int64]
  let x, a, difference: Tensor
  let indicesX, indicesA, labelsX, labelsA: Tensor
  let timesteps, noise: Tensor
  /// For each pair whether m is drawn around a.
  private(set) var fromA: [Bool] = []
  private(set) var isFromA: Tensor
  private(set) var drawn: Tensor
  private(set) var labels: Tensor
  var weightX, weightA: Tensor?
  var noiseX, noiseA: Tensor
  private let batch: Batch
  private let diffusion: Diffusion

  /// Each of the n samples behind the forget samples, with one of these: a_i is number i mod k.
  init(_ batch: Batch, _ diffusion: Diffusion, _ step: Step, _ call: Call) throws {
    let (k, n) = (batch.forgetCount, batch.retainCount)
    let partners = try call.tensor((0..<n).map { Int64($0 % k) }, shape: [n])
    (self.batch, self.diffusion) = (batch, diffusion)
    all = (0..<n).map(Int64.init)
    x = try batch.inputs.narrowed(to: k, count: n)
    a = try batch.inputs.selecting(partners)
    (indicesX, indicesA) = (try batch.indices.narrowed(to: k, count: n), try batch.indices.selecting(partners))
    (labelsX, labelsA) = (try batch.labels.narrowed(to: k, count: n), try batch.labels.selecting(partners))
    timesteps = try diffusion.drawTimesteps("timesteps.\(step.microBatch)", count: n)
    noise = try diffusion.drawNoise("noise.\(step.microBatch)", like: x)
    difference = try (x.dtype.isHalf ? x.converted(to: .float32) : x) - a
    (noiseX, noiseA, drawn, labels) = (noise, noise, x, labelsX)
    isFromA = try call.tensor([Float](repeating: 0, count: n), shape: [n])
  }

  /// Draws m: around a with this probability, else around x.
  mutating func draw(probability: Double, _ step: Step, _ call: Call) throws {
    fromA = try call.randomBits("source.\(step.microBatch)", count: all.count).map { Double($0) < probability * 0x1p32 }
    isFromA = try call.tensor(fromA.map { $0 ? 1 : 0 as Float }, shape: [fromA.count])
    let rows = fromA.enumerated().map { Int64($1 ? $0 % batch.forgetCount : batch.forgetCount + $0) }
    let chosen = try call.tensor(rows, shape: [rows.count])
    drawn = try diffusion.addNoise(noise, to: batch.inputs.selecting(chosen), at: timesteps)
    labels = try batch.labels.selecting(chosen)
  }
}

/// Some rows of a batch; all of them are a tensor itself.
private struct Rows {
  private let indices: Tensor?

  init(_ rows: [Int64], of count: Int, _ call: Call) throws {
    indices = rows.count == count ? nil : try call.tensor(rows, shape: [rows.count])
  }

  func callAsFunction(_ tensor: Tensor) throws -> Tensor { try indices.map { try tensor.selecting($0) } ?? tensor }
}

/// What the groups of a batch give one term.
private struct Gathered {
  var losses: [Tensor] = []
  private var clean: [Tensor] = []
  private var weights: [Tensor] = []
  private var timesteps: [Tensor] = []
  private var indices: [Tensor] = []

  mutating func add(_ clean: Tensor, _ weights: Tensor?, _ timesteps: Tensor, _ indices: Tensor) {
    self.clean.append(clean)
    if let weights { self.weights.append(weights) }
    self.timesteps.append(timesteps)
    self.indices.append(indices)
  }

  /// The term, or nil where no sample has a part in it. The host divides by the term's own number of samples, so the
  /// weights carry their share of the batch.
  func term(_ name: String, _ set: SampleSet, _ coefficient: Double, of batch: Int) throws -> Term? {
    guard !losses.isEmpty else { return nil }
    func whole(_ list: [Tensor]) throws -> Tensor { list.count == 1 ? list[0] : try Tensor.concatenating(list) }
    let losses = try whole(losses)
    let share = Double(try losses.count) / Double(batch)
    return Term(
      name, over: set, coefficient: coefficient, losses: losses, cleanLosses: try whole(clean),
      importance: weights.isEmpty ? nil : try share * whole(weights), timesteps: try whole(timesteps),
      indices: try whole(indices))
  }
}

let plugin = Plugin(id: "lethe.siss", version: "0.1.0", [.objective("siss", SISS.self)])

/// The plugin's one exported function.
@c @implementation
public func lethe_plugin_abi1(_ host: HostPointer?, _ out: PluginPointer?, _ error: ErrorPointer?) -> lethe_status {
  plugin.enter(host, out, error)
}
