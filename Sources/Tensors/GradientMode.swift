import CTorchTable

/// Whether this thread records for gradients, for callers whose scope is not a closure. Prefer `withoutGradients`.
package enum GradientMode {
  /// True unless recording was turned off; without LibTorch there is nothing to record.
  package static var isOn: Bool {
    guard let table = unsafe Tensor.table else { return true }
    return unsafe table.pointee.grad_mode() != 0
  }

  /// Turns recording on or off. The caller puts back what was.
  package static func set(_ isOn: Bool) {
    guard let table = unsafe Tensor.table else { return }
    unsafe table.pointee.set_grad_mode(isOn ? 1 : 0)
  }
}
