/* The fixture's use of "lethe.diffusion/1" and of what came with it: one mode that checks all of it, and a mode for each
 * mistake. Images are [n, 1, 1, 2], T is 10. */
#include "plugin.h"

static const lethe_diffusion *diffusion(void) { return test_host->service(test_host, LETHE_DIFFUSION); }

/* A tensor of these numbers. */
static lethe_status numbers(lethe_ctx ctx, int32_t dtype, const int64_t *dims, uint32_t rank, const void *values,
                            lethe_tensor *out, lethe_error *err) {
  uint64_t bytes = dtype == LETHE_DTYPE_INT64 ? 8 : 4;
  for (uint32_t i = 0; i < rank; i++) bytes *= (uint64_t)dims[i];
  return tensors()->make(ctx, dtype, dims, rank, values, bytes, out, err);
}

static lethe_status floats_of(lethe_ctx ctx, lethe_tensor tensor, float *out, uint64_t n, lethe_error *err) {
  return tensors()->read(ctx, tensor, LETHE_DTYPE_FLOAT32, out, n * 4, err);
}

static lethe_status add_losses(lethe_ctx ctx, const lethe_task_losses *found, const lethe_term_sink *sink,
                               lethe_error *err) {
  lethe_term term = {.size = sizeof term, .set = LETHE_SET_FORGET, .name = "forget", .coefficient = 1};
  term.losses = found->losses;
  term.timesteps = found->timesteps;
  return sink->add(ctx, &term, err);
}

/* Draws, noise, forward pass and losses against what they must be. */
static lethe_status check_all(lethe_ctx ctx, lethe_model model, int64_t n, lethe_error *err) {
  lethe_diffusion_info info = {.size = sizeof info};
  TRY(diffusion()->describe(ctx, &info, err));
  NEED(info.timesteps == 10 && info.dimensions == 2 && info.gamma != NULL && info.sigma != NULL, "other facts");
  float gamma[10], sigma[10];
  TRY(floats_of(ctx, info.gamma, gamma, 10, err));
  TRY(floats_of(ctx, info.sigma, sigma, 10, err));

  lethe_tensor drawn, again, pairs, other;
  int64_t t[1000], u[1000];
  TRY(diffusion()->draw_timesteps(ctx, "t", 1000, 0, &drawn, err));
  TRY(diffusion()->draw_timesteps(ctx, "t", 1000, 0, &again, err));
  TRY(tensors()->read(ctx, drawn, LETHE_DTYPE_INT64, t, sizeof t, err));
  TRY(tensors()->read(ctx, again, LETHE_DTYPE_INT64, u, sizeof u, err));
  NEED(memcmp(t, u, sizeof t) == 0, "the same stream gave other timesteps");
  int seen[10] = {0};
  for (int i = 0; i < 1000; i++) {
    NEED(t[i] >= 0 && t[i] < 10, "a timestep out of range");
    seen[t[i]]++;
  }
  /* 100 expected for each: five standard deviations are 47. */
  for (int i = 0; i < 10; i++) NEED(seen[i] > 53 && seen[i] < 147, "timesteps are not uniform");
  TRY(diffusion()->draw_timesteps(ctx, "t", 5, LETHE_TIMESTEPS_ANTITHETIC, &pairs, err));
  TRY(tensors()->read(ctx, pairs, LETHE_DTYPE_INT64, u, 5 * sizeof *u, err));
  NEED(u[0] == t[0] && u[2] == t[2] && u[3] == 9 - t[0] && u[4] == 9 - t[1], "the pairs are none");

  const int64_t dims[4] = {n, 1, 1, 2};
  const float ones[8] = {1, 1, 1, 1, 1, 1, 1, 1};
  float noise[8], x_t[8], out[8], losses[4];
  lethe_tensor clean, eps, steps, noisy, predicted, sums;
  TRY(numbers(ctx, LETHE_DTYPE_FLOAT32, dims, 4, ones, &clean, err));
  TRY(diffusion()->draw_noise(ctx, "eps", clean, &eps, err));
  TRY(diffusion()->draw_noise(ctx, "more", clean, &other, err));
  TRY(floats_of(ctx, eps, noise, (uint64_t)n * 2, err));
  TRY(floats_of(ctx, other, out, (uint64_t)n * 2, err));
  NEED(memcmp(noise, out, (size_t)n * 8) != 0, "two streams gave the same noise");
  TRY(numbers(ctx, LETHE_DTYPE_INT64, dims, 1, t, &steps, err));
  TRY(diffusion()->add_noise(ctx, clean, eps, steps, &noisy, err));
  TRY(floats_of(ctx, noisy, x_t, (uint64_t)n * 2, err));
  for (int64_t i = 0; i < 2 * n; i++)
    NEED(x_t[i] == gamma[t[i / 2]] + sigma[t[i / 2]] * noise[i], "another sum of image and noise");
  lethe_denoise input = {.size = sizeof input, .flags = LETHE_FORWARD_EVAL | LETHE_FORWARD_NO_GRAD};
  input.noisy = noisy;
  input.timesteps = steps;
  const int64_t classes[4] = {-1, 0, 1, -1};
  if (info.conditions > 0) {
    TRY(numbers(ctx, LETHE_DTYPE_INT64, dims, 1, classes, &input.conditions, err));
    input.guidance = 2;
  }
  TRY(diffusion()->denoise(ctx, model, &input, &predicted, err));
  TRY(floats_of(ctx, predicted, out, (uint64_t)n * 2, err));
  for (int64_t i = 0; i < n; i++) {
    float want = 0.1f * x_t[2 * i] - 0.2f * x_t[2 * i + 1] + (float)t[i];
    if (info.conditions > 0) want += 3.0f * (float)classes[i];
    NEED(fabsf(out[2 * i] - want) < 1e-5f, "another prediction");
  }
  TRY(diffusion()->losses(ctx, predicted, eps, &sums, err));
  TRY(floats_of(ctx, sums, losses, (uint64_t)n, err));
  for (int64_t i = 0; i < n; i++) {
    const float a = out[2 * i] - noise[2 * i], b = out[2 * i + 1] - noise[2 * i + 1];
    NEED(fabsf(losses[i] - (a * a + b * b)) < 1e-4f * losses[i], "another loss");
  }
  double reference;
  const int64_t zero = 0;
  NEED(evaluate()->reference_curve(ctx, LETHE_SET_FORGET, &zero, 1, &reference, NULL) == LETHE_E_PRECONDITION,
       "a curve was drawn in a step");
  return LETHE_OK;
}

/* One mistake each. */
static lethe_status one_mistake(const char *what, lethe_ctx ctx, lethe_model model, lethe_error *err) {
  const int64_t dims[4] = {2, 1, 1, 2}, wide[4] = {2, 1, 1, 3}, three = 3;
  const float values[8] = {0};
  const int64_t good[4] = {0, 9, 0, 0}, high[2] = {0, 10}, classes[2] = {0, 5};
  lethe_tensor images, others, doubles, steps, out;
  TRY(numbers(ctx, LETHE_DTYPE_FLOAT32, dims, 4, values, &images, err));
  TRY(numbers(ctx, LETHE_DTYPE_FLOAT32, wide, 4, values, &others, err));
  TRY(numbers(ctx, LETHE_DTYPE_INT64, dims, 4, good, &doubles, err));
  TRY(numbers(ctx, LETHE_DTYPE_INT64, dims, 1, good, &steps, err));
  if (strcmp(what, "count") == 0) return diffusion()->draw_timesteps(ctx, "t", 0, 0, &out, err);
  if (strcmp(what, "draw flags") == 0) return diffusion()->draw_timesteps(ctx, "t", 1, 8, &out, err);
  if (strcmp(what, "whole noise") == 0) return diffusion()->draw_noise(ctx, "t", steps, &out, err);
  if (strcmp(what, "other noise") == 0) return diffusion()->add_noise(ctx, images, others, steps, &out, err);
  if (strcmp(what, "wide") == 0) return diffusion()->add_noise(ctx, others, others, steps, &out, err);
  if (strcmp(what, "whole images") == 0) return diffusion()->add_noise(ctx, doubles, doubles, steps, &out, err);
  if (strcmp(what, "target") == 0) return diffusion()->losses(ctx, images, others, &out, err);
  if (strcmp(what, "high") == 0) TRY(numbers(ctx, LETHE_DTYPE_INT64, dims, 1, high, &steps, err));
  if (strcmp(what, "too many") == 0) TRY(numbers(ctx, LETHE_DTYPE_INT64, &three, 1, good, &steps, err));
  if (strcmp(what, "float steps") == 0) TRY(numbers(ctx, LETHE_DTYPE_FLOAT32, dims, 1, values, &steps, err));
  lethe_denoise input = {.size = sizeof input, .noisy = images, .timesteps = steps};
  if (strcmp(what, "unset size") == 0) input.size = 0;
  if (strcmp(what, "flags") == 0) input.flags = 64;
  if (strcmp(what, "guidance") == 0) input.guidance = NAN;
  if (strcmp(what, "needless guidance") == 0) input.guidance = 1;
  if (strcmp(what, "class") == 0) TRY(numbers(ctx, LETHE_DTYPE_INT64, dims, 1, classes, &input.conditions, err));
  return diffusion()->denoise(ctx, model, &input, &out, err);
}

static lethe_status batch_mistake(const char *what, lethe_ctx ctx, lethe_model model, const lethe_batch *batch,
                                  lethe_error *err) {
  lethe_task_losses found = {.size = sizeof found};
  lethe_batch given = *batch;
  given.size = sizeof given;
  if (strcmp(what, "size") == 0) given.size = 8;
  if (strcmp(what, "counts") == 0) given.retain_count = 7;
  if (strcmp(what, "labels") == 0) given.labels = given.inputs;
  if (strcmp(what, "out") == 0) found.size = 0;
  return task()->batch_losses(ctx, model, &given, &found, err);
}

/* Modes "diffusion", "diffusion: MISTAKE" and "batch: MISTAKE"; "batch" adds the task's own losses. */
static lethe_status diffusion_terms(const instance *self, lethe_ctx ctx, const lethe_objective_in *in,
                                    const lethe_term_sink *sink, lethe_error *err) {
  const lethe_batch *batch = lethe_batch_at(in, 0);
  if (strncmp(self->mode, "diffusion: ", 11) == 0) return one_mistake(self->mode + 11, ctx, in->model, err);
  if (strncmp(self->mode, "batch: ", 7) == 0) return batch_mistake(self->mode + 7, ctx, in->model, batch, err);
  if (strcmp(self->mode, "diffusion") == 0)
    TRY(check_all(ctx, in->model, batch->forget_count + batch->retain_count, err));
  NEED(LETHE_HAS(in, schedule) && in->schedule != NULL && strcmp(in->schedule, "pairs") == 0, "another schedule");
  lethe_task_losses found = {.size = sizeof found};
  TRY(task()->batch_losses(ctx, in->model, batch, &found, err));
  return add_losses(ctx, &found, sink, err);
}

/* In `prepare`: the curve of a set at some timesteps. */
static lethe_status curve_as_told(const instance *self, lethe_ctx ctx, lethe_error *err) {
  double curve[2];
  int64_t steps[2] = {3, 9};
  if (strcmp(self->mode, "curve: high") == 0) steps[1] = 10;
  if (strcmp(self->mode, "curve: set") == 0) return evaluate()->reference_curve(ctx, 3, steps, 2, curve, err);
  TRY(evaluate()->reference_curve(ctx, LETHE_SET_RETAIN, steps, 2, curve, err));
  NEED(curve[0] == 3.25 && curve[1] == 9.25, "another curve");
  return LETHE_OK;
}

/* In `scale_terms`: modes "scales" and "scales: MISTAKE". */
static lethe_status scales_as_told(const instance *self, lethe_ctx ctx, uint32_t n, lethe_tensor *scales,
                                   lethe_error *err) {
  if (strncmp(self->mode, "scales", 6) != 0) return LETHE_OK;
  uint32_t count = 0;
  TRY(steps()->count(ctx, &count, err));
  NEED(count == n, "another number of terms");
  if (strcmp(self->mode, "scales: gradient") == 0) {
    lethe_named_tensors list = {.size = sizeof list};
    return steps()->gradient(ctx, 0, &list, err);
  }
  const int64_t two = 2;
  const float values[2] = {0.5f, 3};
  for (uint32_t i = 0; i < n; i++) TRY(numbers(ctx, LETHE_DTYPE_FLOAT32, NULL, 0, values + i % 2, &scales[i], err));
  if (strcmp(self->mode, "scales: one") == 0) scales[0] = NULL;
  if (strcmp(self->mode, "scales: vector") == 0)
    TRY(numbers(ctx, LETHE_DTYPE_FLOAT32, &two, 1, values, &scales[1], err));
  return LETHE_OK;
}
