import CLethe
import Foundation
import Testing

/// The ABI as Swift sees it, beside what was recorded by clang.
struct LayoutTests {
  /// Bytes of every struct.
  private static let sizes = [
    "lethe_artifacts": MemoryLayout<lethe_artifacts>.size,
    "lethe_autograd": MemoryLayout<lethe_autograd>.size,
    "lethe_batch": MemoryLayout<lethe_batch>.size,
    "lethe_core": MemoryLayout<lethe_core>.size,
    "lethe_create_info": MemoryLayout<lethe_create_info>.size,
    "lethe_data": MemoryLayout<lethe_data>.size,
    "lethe_denoise": MemoryLayout<lethe_denoise>.size,
    "lethe_diffusion": MemoryLayout<lethe_diffusion>.size,
    "lethe_diffusion_info": MemoryLayout<lethe_diffusion_info>.size,
    "lethe_dlpack": MemoryLayout<lethe_dlpack>.size,
    "lethe_error": MemoryLayout<lethe_error>.size,
    "lethe_evaluate": MemoryLayout<lethe_evaluate>.size,
    "lethe_evaluation": MemoryLayout<lethe_evaluation>.size,
    "lethe_forward": MemoryLayout<lethe_forward>.size,
    "lethe_host": MemoryLayout<lethe_host>.size,
    "lethe_mask": MemoryLayout<lethe_mask>.size,
    "lethe_metric": MemoryLayout<lethe_metric>.size,
    "lethe_metric_begin": MemoryLayout<lethe_metric_begin>.size,
    "lethe_metric_in": MemoryLayout<lethe_metric_in>.size,
    "lethe_models": MemoryLayout<lethe_models>.size,
    "lethe_named_tensors": MemoryLayout<lethe_named_tensors>.size,
    "lethe_objective": MemoryLayout<lethe_objective>.size,
    "lethe_objective_in": MemoryLayout<lethe_objective_in>.size,
    "lethe_ops": MemoryLayout<lethe_ops>.size,
    "lethe_pass": MemoryLayout<lethe_pass>.size,
    "lethe_plugin": MemoryLayout<lethe_plugin>.size,
    "lethe_procedure": MemoryLayout<lethe_procedure>.size,
    "lethe_procedure_in": MemoryLayout<lethe_procedure_in>.size,
    "lethe_progress": MemoryLayout<lethe_progress>.size,
    "lethe_result": MemoryLayout<lethe_result>.size,
    "lethe_result_sink": MemoryLayout<lethe_result_sink>.size,
    "lethe_reweigh_in": MemoryLayout<lethe_reweigh_in>.size,
    "lethe_reweighter": MemoryLayout<lethe_reweighter>.size,
    "lethe_rngs": MemoryLayout<lethe_rngs>.size,
    "lethe_step_term": MemoryLayout<lethe_step_term>.size,
    "lethe_steps": MemoryLayout<lethe_steps>.size,
    "lethe_strategy": MemoryLayout<lethe_strategy>.size,
    "lethe_stream": MemoryLayout<lethe_stream>.size,
    "lethe_task": MemoryLayout<lethe_task>.size,
    "lethe_task_info": MemoryLayout<lethe_task_info>.size,
    "lethe_task_losses": MemoryLayout<lethe_task_losses>.size,
    "lethe_tensors": MemoryLayout<lethe_tensors>.size,
    "lethe_term": MemoryLayout<lethe_term>.size,
    "lethe_term_sink": MemoryLayout<lethe_term_sink>.size,
    "lethe_updater": MemoryLayout<lethe_updater>.size,
    "lethe_value": MemoryLayout<lethe_value>.size,
    "lethe_walk": MemoryLayout<lethe_walk>.size,
  ]

  @Test func `every struct has the size in Swift that its version recorded`() throws {
    let checkout = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../..").standardizedFileURL
    let text = try String(
      contentsOf: checkout.appending(path: "sdk/abi/\(LETHE_ABI_VERSION)/layout.txt"), encoding: .utf8)
    let recorded = text.matches(of: #/struct (lethe_\w+) \[size (\d+), /#).map { (String($0.1), Int($0.2)) }
    #expect(Dictionary(uniqueKeysWithValues: recorded) == Self.sizes.mapValues(Optional.init))
  }
}
