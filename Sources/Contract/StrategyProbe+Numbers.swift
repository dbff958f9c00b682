import PluginHost
import Tensors

/// What numbers depend on.
extension StrategyProbe {
  func determinism() throws {
    guard isRepeatable else { return skip("the manifest promises none") }
    let first = try walk()
    let second = try walk()
    for (number, (a, b)) in zip(first, second).enumerated() {
      if let name = a.difference(from: b, within: tolerance) {
        return report("two instances with the same seed and input give other \(name) at step \(number)")
      }
    }
  }

  func notFinite() throws {
    for value in [Double.nan, .infinity, -.infinity] {
      mayFail { try walk(Rig.Variant(poison: value), before: { $0.check.asksAnyway = true }) }
    }
  }

  func batchOfOne() throws { try walk(Rig.Variant(forget: 1, retain: 1)) }

  func emptyBatch() throws {
    mayFail { try walk(Rig.Variant(forget: 0, retain: 0)) }
  }

  func halfPrecision() throws {
    guard task == "classification" || role == .reweighter else { return skip("noise is predicted in single precision") }
    let answers = try walk(Rig.Variant(outputs: .bfloat16))
    if !answers.allSatisfy(\.isFinite) { report("with outputs in bf16, an answer is not finite") }
  }

  func gaps() throws {
    guard isRepeatable else { return skip("the manifest promises no determinism") }
    let usual = try walk()
    for (number, (answer, expected)) in zip(try walk(Rig.Variant(hasGaps: true)), usual).enumerated() {
      if let name = answer.difference(from: expected, within: 1e-5) {
        return report("of inputs that are views with gaps, it gives other \(name) at step \(number)")
      }
    }
  }

  func orderFree() throws {
    guard handle.manifest.isOrderFree else { return skip("the manifest does not promise it") }
    let order: [Int64] = [4, 0, 6, 2, 1, 5, 3]
    for set in [SampleSet.forget, .retain] {
      let variant = Rig.Variant(forget: order.count, retain: order.count)
      let rigs = (try ready(variant), try ready(variant))
      let straight = try rigs.0.weights(of: set, order: Array(0..<Int64(order.count)))
      let shuffled = try rigs.1.weights(of: set, order: order)
      rigs.0.destroy()
      rigs.1.destroy()
      for (place, from) in order.enumerated() {
        let expected = straight[Int(from)]
        guard abs(shuffled[place] - expected) <= 1e-5 * Swift.max(abs(expected), 1e-6) else {
          return report(
            "in another order, a sample of the \(set.names[0]) set weighs \(shuffled[place]) instead of \(expected)")
        }
      }
    }
  }

  /// Shows a strategy the same samples and random numbers in different steps, as a recorded step does.
  func capturable() throws {
    guard handle.manifest.isCapturable else { return skip("the manifest does not promise it") }
    let rig = try ready()
    defer { rig.destroy() }
    for shown in [0, 1] {
      let draws = StepDraws()
      let first = try rig.step(shown, showing: shown, draws)
      for number in [8, 13, 19] {
        let answer = try rig.step(number, showing: shown, draws)
        if let name = answer.difference(from: first, within: tolerance) {
          return report(
            "of the same samples and random numbers it gives other \(name) in step \(number) than in step \(shown)")
        }
      }
    }
  }

  func lentTensors() throws { try walk() }

  /// Compares the gradient of what the terms add up to with differences of it, along some directions, in double precision.
  func gradients() throws {
    let isJoint = !["sequential"].contains(handle.manifest.schedules.first ?? "")
    for number in isJoint ? [0] : [0, 1] {
      for direction in 0..<3 {
        guard let found = try slopes(number, seed: UInt64(31 + direction)) else {
          return skip("part of the loss is taken out of the graph on purpose")
        }
        let (analytic, numeric) = found
        guard abs(analytic - numeric) <= 2e-4 * Swift.max(1, abs(numeric)) else {
          return report(
            "along a direction of the parameters the gradient says \(analytic), the values rise by \(numeric)")
        }
      }
    }
  }

  private func slopes(_ number: Int, seed: UInt64) throws -> (Double, Double)? {
    let variant = Rig.Variant(dtype: .float64)
    let rig = try ready(variant)
    defer { rig.destroy() }
    let direction = try self.direction(rig, seed)
    let value = try Self.value(of: rig.openTerms(number))
    guard !rig.world.wasAskedWithoutGraph, !rig.check.usesNoGraph else { return nil }
    guard value.requiresGrad else {
      report("no term depends on the parameters")
      return (0, 0)
    }
    let gradients = try gradient(of: [value], withRespectTo: rig.world.parameters, allowUnused: true)
    let analytic = try zip(gradients, direction).reduce(0.0) { sum, pair in
      guard let gradient = pair.0 else { return sum }
      return try sum + (gradient * pair.1).sum().item()
    }
    let step = 1e-5
    func moved(_ by: Double) throws -> Double {
      let other = try ready(variant)
      defer { other.destroy() }
      try withoutGradients {
        for (parameter, along) in zip(other.world.parameters, direction) { try parameter.add(along, scale: by) }
      }
      return try Self.value(of: other.openTerms(number)).item()
    }
    return (analytic, try (moved(step) - moved(-step)) / (2 * step))
  }

  private func direction(_ rig: Rig, _ seed: UInt64) throws -> [Tensor] {
    let generator = try Generator(seed: seed)
    return try rig.world.parameters.map {
      try Tensor.randomNormal($0.shape, dtype: .float64, generator: generator)
    }
  }

  /// What the host makes of terms without a reweighter: sum of coefficient * mean of importance * losses.
  private static func value(of terms: [Term]) throws -> Tensor {
    let values: [Tensor] = try terms.map { term in
      guard let losses = term.losses else {
        guard let penalty = term.penalty else { preconditionFailure("a term is losses or a penalty") }
        return try penalty.reshape([]) * term.coefficient
      }
      let weighed = try term.importance.map { try $0 * losses } ?? losses
      return try weighed.sum() * (term.coefficient / Double(losses.count))
    }
    return try values.dropFirst().reduce(values[0]) { try $0 + $1 }
  }
}
