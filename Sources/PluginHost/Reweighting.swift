package import Tensors

/// What a pipeline is put together from: an instance of a plugin's strategy, or a plain C function.
package protocol Part: AnyObject {
  /// Sees the models; before the first step.
  func prepare(step: Int?) throws
  /// After the last step.
  func finish(step: Int?) throws
  /// Which form its state has; nil where it keeps nothing.
  var stateVersion: UInt32? { get }
  /// What it needs to go on bit for bit; nil where it keeps nothing.
  func saveState(step: Int?) throws -> SavedState?
  /// Puts back what `saveState` gave.
  func loadState(_ state: SavedState, step: Int?) throws
}

/// What decides how much each sample of a term counts: a plugin's reweighter or a plain C function.
package protocol Reweighting: Part {
  /// What its weights promise.
  var promise: WeightPromise { get }

  /// Weights of the samples of one term, which is not a penalty.
  func weights(for term: Term, progress: Progress) throws -> Weights
}

extension StrategyInstance: Part {}

/// What a reweighter answered.
package struct Weights {
  /// `[n]` of the losses' type (single precision where they are of half precision) and device, without a graph; nil means
  /// uniform weights `1/n`.
  package var tensor: Tensor?
  /// A check of the values that the device still has to do; nil where it is done.
  package var valueCheck: ValueCheck?
}

/// A check whose result lies on the device.
package struct ValueCheck {
  /// One element of type `bool`: true where the promise was broken.
  package var isBroken: Tensor
  /// What to throw then, in the step that it was.
  package var error: (_ step: Int) -> PluginError
}
