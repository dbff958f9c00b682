import PluginHost
import Tensors

/// A term with the weights of its samples.
struct WeighedTerm {
  let name: String
  /// The set its samples are of; none for a penalty.
  let set: PluginHost.SampleSet
  /// The coefficient and the batch's share.
  let scale: Double
  /// `[n]`, without a graph; nil for a penalty.
  let losses: Tensor?
  /// `[n]`; nil where all samples count the same.
  let weights: Tensor?
  /// The scalar that is differentiated.
  let value: Tensor
}
