/* SPDX-License-Identifier: Apache-2.0
 *
 * layout.c - what the compiler must agree with: sizes and offsets of the tables that cross the border (LP64, little
 * endian). A change here is a change of the ABI.
 */
#include <lethe/lethe.h>

#define SIZE(type, bytes) _Static_assert(sizeof(type) == (bytes), #type " changed its size")
#define AT(type, field, bytes) _Static_assert(offsetof(type, field) == (bytes), #type "." #field " moved")

SIZE(void *, 8);
SIZE(lethe_value, 16);
AT(lethe_value, as, 8);
SIZE(lethe_error, 32);
AT(lethe_error, detail, 24);
SIZE(lethe_named_tensors, 24);
SIZE(lethe_progress, 56);
SIZE(lethe_stream, 32);
SIZE(lethe_host, 32);
AT(lethe_host, service, 24);
SIZE(lethe_core, 40);
AT(lethe_core, report, 32);
SIZE(lethe_tensors, 72);
AT(lethe_tensors, release_to, 64);
SIZE(lethe_ops, 24);
AT(lethe_ops, call, 16);
SIZE(lethe_dlpack, 24);
SIZE(lethe_autograd, 24);
SIZE(lethe_rngs, 32);
SIZE(lethe_forward, 16);
SIZE(lethe_models, 48);
AT(lethe_models, resize, 40);
SIZE(lethe_task_info, 40);
SIZE(lethe_task_losses, 24);
SIZE(lethe_task, 32);
SIZE(lethe_evaluate, 24);
SIZE(lethe_diffusion_info, 48);
SIZE(lethe_denoise, 40);
SIZE(lethe_diffusion, 56);
SIZE(lethe_batch, 48);
SIZE(lethe_term, 80);
AT(lethe_term, penalty, 64);
AT(lethe_term, flags, 72);
SIZE(lethe_term_sink, 16);
SIZE(lethe_objective_in, 56);
AT(lethe_objective_in, schedule, 40);
AT(lethe_objective_in, micro_batch, 48);
SIZE(lethe_objective, 16);
SIZE(lethe_reweigh_in, 72);
SIZE(lethe_reweighter, 16);
SIZE(lethe_walk, 24);
AT(lethe_walk, guidance, 16);
SIZE(lethe_mask, 32);
SIZE(lethe_updater, 32);
AT(lethe_updater, scale_terms, 24);
SIZE(lethe_pass, 24);
SIZE(lethe_data, 24);
SIZE(lethe_procedure_in, 16);
SIZE(lethe_procedure, 16);
SIZE(lethe_metric_begin, 32);
SIZE(lethe_metric_in, 72);
AT(lethe_metric_in, samples, 64);
SIZE(lethe_result, 72);
AT(lethe_result, samples, 64);
SIZE(lethe_result_sink, 16);
SIZE(lethe_metric, 32);
SIZE(lethe_step_term, 32);
SIZE(lethe_evaluation, 16);
SIZE(lethe_steps, 88);
AT(lethe_steps, learning_rate, 56);
AT(lethe_steps, restore, 80);
SIZE(lethe_artifacts, 24);
SIZE(lethe_create_info, 32);
AT(lethe_create_info, strategy, 24);
SIZE(lethe_strategy, 88);
AT(lethe_strategy, retune, 80);
SIZE(lethe_plugin, 40);
