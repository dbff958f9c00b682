import Foundation

/// The learning rate as a function of the step, and of nothing else.
package struct LearningRateSchedule: Sendable, Equatable {
  /// How the rate runs, apart from the warm-up.
  package enum Shape: Sendable, Equatable {
    /// The same throughout.
    case constant
    /// Multiplied by `gamma` once each of these epochs is reached.
    case milestones([Int], gamma: Double)
    /// Half a cosine from the peak, at the first step after the warm-up, towards 0, which the step after the last has.
    case cosine
    /// From a 25th of the peak up to it over the first 30 % of the steps, then down to a 250 000th; both half cosines
    /// (Smith 2018, with PyTorch's constants).
    case oneCycle
  }

  /// How the rate runs, apart from the warm-up.
  package let shape: Shape
  /// The largest rate.
  package let peak: Double
  /// Steps over which the rate rises linearly: at step s by the factor (s + 1) / warmupSteps.
  package let warmupSteps: Int
  /// Steps of an epoch.
  package let stepsPerEpoch: Int
  /// Steps of the run.
  package let totalSteps: Int

  /// - Parameter warmupEpochs: fractions count; steps are rounded.
  /// - Precondition: at least one step an epoch.
  package init(shape: Shape, peak: Double, warmupEpochs: Double = 0, stepsPerEpoch: Int, epochs: Int) {
    precondition(stepsPerEpoch > 0, "an epoch has a step")
    self.shape = shape
    self.peak = peak
    self.stepsPerEpoch = stepsPerEpoch
    totalSteps = stepsPerEpoch * epochs
    warmupSteps = min(Int((warmupEpochs * Double(stepsPerEpoch)).rounded()), totalSteps)
  }

  /// The rate of a step, counted from 0. Beyond the last it stays as it ends.
  package func rate(at step: Int) -> Double {
    let warmup = step < warmupSteps ? Double(step + 1) / Double(warmupSteps) : 1
    switch shape {
    case .constant: return peak * warmup
    case .milestones(let epochs, let gamma):
      let epoch = step / stepsPerEpoch
      return peak * warmup * pow(gamma, Double(epochs.count { epoch >= $0 }))
    case .cosine:
      let share = Double(step - warmupSteps) / Double(max(1, totalSteps - warmupSteps))
      return Self.cosine(from: peak, to: 0, min(max(share, 0), 1)) * warmup
    case .oneCycle: return oneCycle(step) * warmup
    }
  }

  private func oneCycle(_ step: Int) -> Double {
    let (first, last) = (peak / 25, peak / 25 / 1e4)
    let top = 0.3 * Double(totalSteps) - 1
    let end = Double(totalSteps - 1)
    let place = Double(step)
    if place <= top { return Self.cosine(from: first, to: peak, top > 0 ? place / top : 1) }
    return Self.cosine(from: peak, to: last, min(1, (place - top) / max(end - top, .leastNonzeroMagnitude)))
  }

  /// Half a cosine between two rates, at a share of the way.
  private static func cosine(from start: Double, to end: Double, _ share: Double) -> Double {
    end + (start - end) / 2 * (1 + cos(.pi * share))
  }
}
