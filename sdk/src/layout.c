/* SPDX-License-Identifier: Apache-2.0
 *
 * layout.c - what every compiler must agree with: sizes, and where the last field of each version is (LP64, little endian).
 * Written by scripts/abi record.
 */
#include <lethe/lethe.h>

#ifdef __cplusplus
#define _Static_assert static_assert
#endif
#define SIZE(type, bytes) _Static_assert(sizeof(type) == (bytes), #type " changed its size")
#define AT(type, field, bytes) _Static_assert(offsetof(type, field) == (bytes), #type "." #field " moved")

SIZE(void *, 8);
SIZE(lethe_artifacts, 24);
AT(lethe_artifacts, store, 16);
SIZE(lethe_autograd, 24);
AT(lethe_autograd, set_no_grad, 16);
SIZE(lethe_batch, 48);
AT(lethe_batch, indices, 40);
SIZE(lethe_core, 40);
AT(lethe_core, report, 32);
SIZE(lethe_create_info, 32);
AT(lethe_create_info, strategy, 24);
SIZE(lethe_data, 24);
AT(lethe_data, progress, 16);
SIZE(lethe_denoise, 40);
AT(lethe_denoise, guidance, 32);
SIZE(lethe_diffusion, 56);
AT(lethe_diffusion, losses, 48);
SIZE(lethe_diffusion_info, 48);
AT(lethe_diffusion_info, sigma, 40);
SIZE(lethe_dlpack, 24);
AT(lethe_dlpack, import_tensor, 16);
SIZE(lethe_error, 32);
AT(lethe_error, detail, 24);
SIZE(lethe_evaluate, 24);
AT(lethe_evaluate, reference_curve, 16);
SIZE(lethe_evaluation, 16);
AT(lethe_evaluation, flags, 12);
SIZE(lethe_forward, 16);
AT(lethe_forward, inputs, 8);
SIZE(lethe_host, 32);
AT(lethe_host, service, 24);
SIZE(lethe_mask, 32);
AT(lethe_mask, finish, 24);
SIZE(lethe_metric, 32);
AT(lethe_metric, finish, 24);
SIZE(lethe_metric_begin, 32);
AT(lethe_metric_begin, classes, 24);
SIZE(lethe_metric_in, 72);
AT(lethe_metric_in, samples, 64);
SIZE(lethe_models, 48);
AT(lethe_models, resize, 40);
SIZE(lethe_named_tensors, 24);
AT(lethe_named_tensors, tensors, 16);
SIZE(lethe_objective, 16);
AT(lethe_objective, terms, 8);
SIZE(lethe_objective_in, 56);
AT(lethe_objective_in, reserved0, 52);
SIZE(lethe_ops, 24);
AT(lethe_ops, call, 16);
SIZE(lethe_pass, 24);
AT(lethe_pass, batch, 16);
SIZE(lethe_plugin, 40);
AT(lethe_plugin, reserved0, 36);
SIZE(lethe_procedure, 16);
AT(lethe_procedure, run, 8);
SIZE(lethe_procedure_in, 16);
AT(lethe_procedure_in, model, 8);
SIZE(lethe_progress, 56);
AT(lethe_progress, steps_in_epoch, 48);
SIZE(lethe_result, 72);
AT(lethe_result, samples, 64);
SIZE(lethe_result_sink, 16);
AT(lethe_result_sink, report, 8);
SIZE(lethe_reweigh_in, 72);
AT(lethe_reweigh_in, indices, 64);
SIZE(lethe_reweighter, 16);
AT(lethe_reweighter, weigh, 8);
SIZE(lethe_rngs, 32);
AT(lethe_rngs, generator, 24);
SIZE(lethe_step_term, 32);
AT(lethe_step_term, loss, 24);
SIZE(lethe_steps, 88);
AT(lethe_steps, restore, 80);
SIZE(lethe_strategy, 88);
AT(lethe_strategy, retune, 80);
SIZE(lethe_stream, 32);
AT(lethe_stream, write, 24);
SIZE(lethe_task, 32);
AT(lethe_task, batch_losses, 24);
SIZE(lethe_task_info, 40);
AT(lethe_task_info, retain, 32);
SIZE(lethe_task_losses, 24);
AT(lethe_task_losses, timesteps, 16);
SIZE(lethe_tensors, 72);
AT(lethe_tensors, release_to, 64);
SIZE(lethe_term, 80);
AT(lethe_term, reserved0, 76);
SIZE(lethe_term_sink, 16);
AT(lethe_term_sink, add, 8);
SIZE(lethe_updater, 32);
AT(lethe_updater, scale_terms, 24);
SIZE(lethe_value, 16);
AT(lethe_value, as, 8);
SIZE(lethe_walk, 24);
AT(lethe_walk, guidance, 16);
