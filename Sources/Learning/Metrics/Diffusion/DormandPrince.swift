import Foundation
import Tensors

/// Runge and Kutta's method of order 5 with an error estimate of order 4 (Dormand and Prince 1980), with the choice of steps
/// of SciPy's `solve_ivp(method="RK45")`, so that both take the same steps.
struct DormandPrince {
  let relativeTolerance: Double
  let absoluteTolerance: Double

  /// Why an integration stopped before its end.
  enum Failure: Error {
    case notFinite
    case stepTooSmall(time: Double)
  }

  private static let nodes: [Double] = [0, 1.0 / 5, 3.0 / 10, 4.0 / 5, 8.0 / 9, 1]
  private static let stages: [[Double]] = [
    [], [1.0 / 5], [3.0 / 40, 9.0 / 40], [44.0 / 45, -56.0 / 15, 32.0 / 9],
    [19372.0 / 6561, -25360.0 / 2187, 64448.0 / 6561, -212.0 / 729],
    [9017.0 / 3168, -355.0 / 33, 46732.0 / 5247, 49.0 / 176, -5103.0 / 18656],
  ]
  private static let weights: [Double] = [35.0 / 384, 0, 500.0 / 1113, 125.0 / 192, -2187.0 / 6784, 11.0 / 84]
  private static let errors: [Double] = [
    -71.0 / 57600, 0, 71.0 / 16695, -71.0 / 1920, 17253.0 / 339_200, -22.0 / 525, 1.0 / 40,
  ]
  private static let (safety, smallest, largest): (Double, Double, Double) = (0.9, 0.2, 10.0)

  /// The state at `end`, from `initial` [m] (`float64`) at `start` < `end`.
  ///
  /// - Parameters:
  ///   - accepted: told the time after each step.
  ///   - derivative: of the state [m] at a time, [m] in `float64`.
  /// - Throws: ``Failure``; what `derivative` throws.
  func integrate(
    _ initial: Tensor, from start: Double, to end: Double, accepted: (Double) -> Void,
    _ derivative: (Double, Tensor) throws -> Tensor
  ) throws -> Tensor {
    precondition(start < end, "time goes forward")
    var (time, state) = (start, initial)
    var slope = try derivative(time, state)
    var step = try firstStep(state, slope, from: start, to: end, derivative)
    let slopes = try Tensor.zeros([7, initial.count], dtype: .float64, device: initial.device)
    while time < end {
      let least = 10 * (time.nextUp - time)
      step = max(step, least)
      var wasRejected = false
      while true {
        guard step >= least else { throw Failure.stepTooSmall(time: time) }
        let next = min(time + step, end)
        let length = next - time
        let (newState, newSlope, error) = try attempt(state, slope, time, length, slopes, derivative)
        guard error.isFinite else { throw Failure.notFinite }
        guard error < 1 else {
          step = length * max(Self.smallest, Self.safety * pow(error, -0.2))
          wasRejected = true
          continue
        }
        let factor = error == 0 ? Self.largest : min(Self.largest, Self.safety * pow(error, -0.2))
        step = length * (wasRejected ? min(1, factor) : factor)
        (time, state, slope) = (next, newState, newSlope)
        break
      }
      accepted(time)
    }
    return state
  }

  /// One step: the new state, its slope, and the estimated error in units of the tolerance.
  private func attempt(
    _ state: Tensor, _ slope: Tensor, _ time: Double, _ step: Double, _ slopes: Tensor,
    _ derivative: (Double, Tensor) throws -> Tensor
  ) throws -> (state: Tensor, slope: Tensor, error: Double) {
    func combined(_ coefficients: [Double]) throws(TensorError) -> Tensor {
      let row = try Tensor(coefficients, shape: [1, coefficients.count], device: state.device)
      let sum = try row.matmul(try slopes.narrow(0, start: 0, length: coefficients.count))
      return try sum.squeeze(0) * step
    }
    try slopes.select(0, 0).assign(slope)
    for stage in 1..<6 {
      let moved = try state + (try combined(Self.stages[stage]))
      try slopes.select(0, stage).assign(try derivative(time + Self.nodes[stage] * step, moved))
    }
    let newState = try state + (try combined(Self.weights))
    let newSlope = try derivative(time + step, newState)
    try slopes.select(0, 6).assign(newSlope)
    let scale = try self.scale(try state.absolute().maximum(try newState.absolute()))
    return (newState, newSlope, try Self.norm(try (try combined(Self.errors)) / scale))
  }

  /// A first step from the size of the state, its slope and its curvature (Hairer, Nørsett, Wanner, section II.4).
  private func firstStep(
    _ state: Tensor, _ slope: Tensor, from start: Double, to end: Double,
    _ derivative: (Double, Tensor) throws -> Tensor
  ) throws -> Double {
    let scale = try scale(try state.absolute())
    let (size, speed) = (try Self.norm(try state / scale), try Self.norm(try slope / scale))
    guard size.isFinite, speed.isFinite else { throw Failure.notFinite }
    let trial = min(size < 1e-5 || speed < 1e-5 ? 1e-6 : 0.01 * size / speed, end - start)
    let moved = try derivative(start + trial, try state + (try slope * trial))
    let bend = try Self.norm(try (try moved - slope) / scale) / trial
    let curved =
      speed <= 1e-15 && bend <= 1e-15 ? max(1e-6, trial * 1e-3) : pow(0.01 / max(speed, bend), 1.0 / 5)
    return min(100 * trial, curved, end - start)
  }

  private func scale(_ size: Tensor) throws(TensorError) -> Tensor {
    try size * relativeTolerance + absoluteTolerance
  }

  /// The root of the mean square.
  private static func norm(_ vector: Tensor) throws(TensorError) -> Double {
    try vector.norm().item() / Double(vector.count).squareRoot()
  }
}
