// SPDX-License-Identifier: Apache-2.0
public import CLethe
public import LetheSDK

/// Influence unlearning: where the minimum of the loss moves, to first order, when the forget set is taken away.
///
///     theta_u = theta_o + alpha * k          (damping * I + F) k = v
///     v       = n_f/N * (mean gradient over D_f - mean gradient over D_r)          at theta_o, running statistics
///     F       = 1/n * sum over n samples of D_r of  g_i g_i^T                      g_i: gradient of a sample's loss
///
/// Mode paper solves for k by conjugate gradients; F is only ever multiplied with a vector. Mode reference is the
/// published script's recursion, whose vector o never leaves the line of the first gradient (D5).
struct Influence: Procedure {
  private let alpha, damping, tolerance: Double
  private let samples, iterations, batch: Int
  private let isReference: Bool

  init(parameters: Parameters) throws {
    alpha = try parameters.float(0)
    damping = try parameters.float(1)
    samples = try parameters.int(2)
    iterations = try parameters.int(3)
    tolerance = try parameters.float(4)
    batch = try parameters.int(5)
    isReference = try parameters.string(6) == "reference"
  }

  func run(on model: Model, _ call: Call) throws {
    let parameters = try model.parameters().map(\.tensor)
    let problem = Problem(model: model, parameters: parameters, call: call)
    let v = try rightSide(problem)
    let k = try isReference ? recursion(problem, v) : conjugateGradients(problem, v)
    try call.withoutGraph {
      var start = 0
      for parameter in parameters {
        let (shape, count) = (try parameter.shape, try parameter.count)
        try parameter.add(alpha * k.narrowed(to: start, count: count).reshaped(shape))
        start += count
      }
    }
  }

  /// v.
  private func rightSide(_ problem: Problem) throws -> Tensor {
    let task = try problem.call.task()
    let forget = try problem.meanGradient(over: .forget, batch: batch, count: task.forgetCount)
    let retain = try problem.meanGradient(over: .retain, batch: batch, count: task.retainCount)
    return try Double(task.forgetCount) / Double(task.forgetCount + task.retainCount) * (forget - retain)
  }

  /// Solves (damping * I + F) k = v.
  private func conjugateGradients(_ problem: Problem, _ v: Tensor) throws -> Tensor {
    let call = problem.call
    let (k, rest, direction) = (try v.zerosLike(), try v.clone(), try v.clone())
    let size = try dot(v, v)
    var left = size
    var taken = 0
    while taken < iterations, left > tolerance * tolerance * size {
      try call.freeingTensors {
        let image = try damping * direction + problem.fisher(times: direction, batch: batch, samples: samples)
        let length = try left / dot(direction, image)
        try k.add(length * direction)
        try rest.add(-length * image)
        let now = try dot(rest, rest)
        try direction.copy(from: rest + now / left * direction)
        left = now
      }
      taken += 1
      try call.progress(taken, of: iterations)
    }
    try call.report("iterations", Double(taken))
    let residual = size > 0 ? (left / size).squareRoot() : 0
    try call.report("residual", residual)
    if residual > 1 {
      call.log("the residual grew to \(residual) times its beginning; more damping may help", level: LETHE_LOG_WARNING)
    }
    return k
  }

  /// The script's pass over single samples: k and o lose their parts along o.
  private func recursion(_ problem: Problem, _ v: Tensor) throws -> Tensor {
    let call = problem.call
    let pass = try call.pass(over: .retain, batch: 1, augmented: true)
    let (k, o) = (try v.clone(), try problem.gradient(pass(0)))
    let weight = Double(samples)
    // The script's loop ends after the sample whose number exceeds the limit.
    let last = min(samples + 1, pass.count - 1)
    for number in stride(from: 1, through: last, by: 1) {
      try call.freeingTensors {
        let g = try problem.gradient(pass(number))
        let t = try dot(o, g)
        try k.add(-(dot(k, g) / (weight + t)) * o)
        try o.add(-(t / (weight + t)) * o)
      }
      try call.progress(number, of: last)
    }
    return k
  }
}

/// Gradients of a model's losses as flat vectors [P].
private struct Problem {
  let model: Model
  let parameters: [Tensor]
  let call: Call

  /// Losses of a batch's samples, [n], with running statistics: one sample's gradient says nothing about another's.
  private func losses(_ batch: Batch) throws -> Tensor {
    try call.losses(model.forward(batch.inputs, .evaluating), batch.labels)
  }

  private func flat(_ scalar: Tensor, flags: UInt32 = 0) throws -> Tensor {
    let gradients = try call.gradient(of: scalar, withRespectTo: parameters, flags: flags)
    return try Tensor.concatenating(
      zip(gradients, parameters).map { try ($0 ?? $1.detached().zerosLike()).reshaped([-1]) })
  }

  /// The gradient of the summed loss of a batch.
  func gradient(_ batch: Batch) throws -> Tensor { try flat(losses(batch).sum()) }

  /// The gradient of a set's mean loss.
  func meanGradient(over set: SampleSet, batch: Int, count: Int) throws -> Tensor {
    let pass = try call.pass(over: set, batch: batch)
    let sum = try Tensor.concatenating(parameters.map { try $0.detached().reshaped([-1]) }).zerosLike()
    for number in 0..<pass.count {
      try call.freeingTensors { try sum.add(gradient(pass(number))) }
    }
    return try 1 / Double(count) * sum
  }

  /// F x: first J x, the derivative of J^T u by u in the direction x, then J^T of that.
  func fisher(times x: Tensor, batch: Int, samples: Int) throws -> Tensor {
    let count = min(samples, try call.task().retainCount)
    let pass = try call.pass(over: .retain, batch: min(batch, count))
    let sum = try x.zerosLike()
    for number in 0..<(count + pass.batch - 1) / pass.batch {
      try call.freeingTensors {
        let all = try losses(pass(number))
        let losses = try all.narrowed(to: 0, count: min(pass.batch, count - number * pass.batch))
        let u = try losses.detached().filledLike(1).asLeaf()
        let transposed = try flat((losses * u).sum(), flags: LETHE_GRAD_RETAIN_GRAPH | LETHE_GRAD_CREATE_GRAPH)
        let product = try call.gradient(of: (transposed * x).sum(), withRespectTo: [u], flags: LETHE_GRAD_RETAIN_GRAPH)
        guard let product = product[0] else { return }
        try sum.add(flat((losses * product.detached()).sum()))
      }
    }
    return try 1 / Double(count) * sum
  }
}

/// The inner product of two vectors, read back from the device.
private func dot(_ a: Tensor, _ b: Tensor) throws -> Double {
  try (a * b).sum().converted(to: .float64).values(as: Double.self)[0]
}

let plugin = Plugin(id: "lethe.influence", version: "0.1.0", [.procedure("influence", Influence.self)])

/// The plugin's one exported function.
@c @implementation
public func lethe_plugin_abi1(_ host: HostPointer?, _ out: PluginPointer?, _ error: ErrorPointer?) -> lethe_status {
  plugin.enter(host, out, error)
}
