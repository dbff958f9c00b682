/* What the strategies of plugin.c share, and its reweighter. */
#pragma once
#include <lethe/lethe.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static const lethe_host *test_host;

typedef struct {
  char mode[64];
  double eta;
  int64_t calls;
  lethe_tensor kept;
  lethe_ctx old_ctx;
  lethe_tensor old_tensor;
  uint64_t old_mark;
} instance;

static const lethe_core *core(void) { return test_host->service(test_host, LETHE_CORE); }
static const lethe_tensors *tensors(void) { return test_host->service(test_host, LETHE_TENSORS); }
static const lethe_ops *ops(void) { return test_host->service(test_host, LETHE_OPS); }
static const lethe_models *models(void) { return test_host->service(test_host, LETHE_MODEL); }
static const lethe_task *task(void) { return test_host->service(test_host, LETHE_TASK); }
static const lethe_steps *steps(void) { return test_host->service(test_host, LETHE_STEP); }
static const lethe_rngs *rngs(void) { return test_host->service(test_host, LETHE_RNG); }
static const lethe_evaluate *evaluate(void) { return test_host->service(test_host, LETHE_EVALUATE); }
static const lethe_autograd *autograd(void) { return test_host->service(test_host, LETHE_AUTOGRAD); }

static lethe_status curve_as_told(const instance *, lethe_ctx, lethe_error *);

static int is(const instance *self, const char *mode) { return strcmp(self->mode, mode) == 0; }
#define TRY(call) \
  do { \
    const lethe_status status_ = (call); \
    if (status_ != LETHE_OK) return status_; \
  } while (0)
#define NEED(condition, text) \
  do { \
    if (!(condition)) return lethe_fail(err, LETHE_E_INTERNAL, text); \
  } while (0)

/* ---------------------------------------------------------------------------------------------------- common calls */

static lethe_status fail_as_told(const char *mode, lethe_error *err) {
  if (strcmp(mode, "says why") == 0) return lethe_fail(err, LETHE_E_PRECONDITION, "the forget set is empty");
  if (strcmp(mode, "silent") == 0) return LETHE_E_INTERNAL;
  if (strcmp(mode, "unknown status") == 0) return 4711;
  if (strcmp(mode, "cancelled") == 0) return LETHE_E_CANCELLED;
  if (strcmp(mode, "long message") == 0) {
    static char text[5001];
    for (int i = 0; i < 5000; i += 2) memcpy(text + i, "\xc3\xa4", 2); /* a with two dots */
    return lethe_fail(err, LETHE_E_INTERNAL, text);
  }
  if (strcmp(mode, "bad message") == 0) return lethe_fail(err, LETHE_E_INTERNAL, "one\n\x1b[31mtwo \xff\xfe three");
  return LETHE_OK;
}

static lethe_status test_create(lethe_ctx ctx, const lethe_create_info *info, lethe_self *out, lethe_error *err) {
  (void)ctx;
  NEED(LETHE_HAS(info, strategy) && info->param_count >= 1, "the host gave too little");
  instance *self = calloc(1, sizeof *self);
  strncpy(self->mode, info->params[0].as.s, sizeof self->mode - 1);
  if (info->param_count > 1) self->eta = info->params[1].as.f;
  if (is(self, "create fails")) {
    free(self);
    return lethe_fail(err, LETHE_E_INVALID_ARGUMENT, "no such mode");
  }
  *out = (lethe_self)self;
  return LETHE_OK;
}

static void test_destroy(lethe_self s) {
  instance *self = (instance *)s;
  if (self->kept != NULL && is(self, "keeps")) tensors()->drop(self->kept);
  free(self);
}

/* Modes "MOMENT well", "MOMENT wide" (another inner size) and "MOMENT nothing" (a parameter that there is not). */
static lethe_status resize_as_told(instance *self, lethe_ctx ctx, const char *moment, lethe_error *err) {
  const size_t length = strlen(moment);
  if (strncmp(self->mode, moment, length) != 0) return LETHE_OK;
  const char *how = self->mode + length + 1;
  const int64_t dims[2] = {4, strcmp(how, "wide") == 0 ? 3 : 2};
  const float values[12] = {1, 2, 3, 4, 5, 6, 7, 8};
  lethe_tensor value;
  lethe_model model;
  TRY(models()->find(ctx, "model", &model, err));
  TRY(tensors()->make(ctx, LETHE_DTYPE_FLOAT32, dims, 2, values, (uint64_t)(dims[0] * dims[1]) * 4, &value, err));
  return models()->resize(ctx, model, strcmp(how, "nothing") == 0 ? "head" : "weight", value, err);
}

/* Stores two tensors and finds them again. */
static lethe_status artifact_as_told(const instance *self, lethe_ctx ctx, lethe_error *err) {
  const lethe_artifacts *artifacts = test_host->service(test_host, LETHE_ARTIFACT);
  const int64_t dims[1] = {2};
  const float values[2] = {1, 2};
  lethe_tensor made[2] = {NULL, NULL}, found[2] = {NULL, NULL};
  if (is(self, "artifact: find")) return artifacts->find(ctx, "fisher", found, 2, err);
  for (int i = 0; i < 2; i++) TRY(tensors()->make(ctx, LETHE_DTYPE_FLOAT32, dims, 1, values, sizeof values, &made[i], err));
  if (is(self, "artifact: null")) made[1] = NULL;
  NEED(artifacts->find(ctx, "fisher", found, 2, NULL) == LETHE_E_NOT_FOUND, "something was there already");
  TRY(artifacts->store(ctx, is(self, "artifact: key") ? "Fisher" : "fisher", made, 2, err));
  TRY(artifacts->find(ctx, "fisher", found, is(self, "artifact: count") ? 1 : 2, err));
  float read[2];
  TRY(tensors()->read(ctx, found[1], LETHE_DTYPE_FLOAT32, read, sizeof read, err));
  NEED(read[0] == 1 && read[1] == 2, "other values were found");
  return LETHE_OK;
}

static lethe_status test_prepare(lethe_self s, lethe_ctx ctx, lethe_error *err) {
  instance *self = (instance *)s;
  if (strncmp(self->mode, "artifact", 8) == 0) TRY(artifact_as_told(self, ctx, err));
  if (strncmp(self->mode, "prepare:", 8) == 0) return fail_as_told(self->mode + 8, err);
  if (is(self, "reference")) {
    TRY(evaluate()->reference_loss(ctx, LETHE_SET_FORGET, &self->eta, err));
    NEED(self->eta == 0.25, "another reference loss than the world's");
  }
  TRY(resize_as_told(self, ctx, "resize", err));
  if (strncmp(self->mode, "curve", 5) == 0) TRY(curve_as_told(self, ctx, err));
  self->old_ctx = ctx;
  return LETHE_OK;
}

static lethe_status test_finish(lethe_self s, lethe_ctx ctx, lethe_error *err) {
  (void)ctx;
  instance *self = (instance *)s;
  return is(self, "finish fails") ? lethe_fail(err, LETHE_E_INTERNAL, "cannot finish") : LETHE_OK;
}

static lethe_status test_save(lethe_self s, lethe_ctx ctx, const lethe_stream *out, lethe_error *err) {
  (void)ctx;
  instance *self = (instance *)s;
  const char *bytes = (const char *)&self->calls;
  for (size_t i = 0; i < sizeof self->calls; i++)
    if (out->write(out->ctx, bytes + i, 1) != 1) return lethe_fail(err, LETHE_E_INTERNAL, "cannot write");
  return LETHE_OK;
}

static lethe_status test_load(lethe_self s, lethe_ctx ctx, uint32_t version, const lethe_stream *in, lethe_error *err) {
  (void)ctx;
  instance *self = (instance *)s;
  NEED(version == 3, "state of another version");
  size_t have = 0;
  while (have < sizeof self->calls) {
    const size_t left = sizeof self->calls - have;
    const int64_t got = in->read(in->ctx, (char *)&self->calls + have, left < 3 ? left : 3);
    if (got <= 0) return lethe_fail(err, LETHE_E_INVALID_ARGUMENT, "the state is truncated");
    have += (size_t)got;
  }
  char more;
  NEED(in->read(in->ctx, &more, 1) == 0, "the state is too long");
  return LETHE_OK;
}

static lethe_status test_retune(lethe_self s, lethe_ctx ctx, const lethe_create_info *info, lethe_error *err) {
  (void)ctx, (void)err;
  if (info->param_count > 1) ((instance *)s)->eta = info->params[1].as.f;
  return LETHE_OK;
}

/* ------------------------------------------------------------------------------------------------------- reweighter */

/* exp(-eta * loss), normalised: in double on memory of its own, then in the losses' type. */
static lethe_status weights_of(instance *self, lethe_ctx ctx, const lethe_reweigh_in *in, int64_t n, lethe_tensor *out,
                               lethe_error *err) {
  double *losses = core()->scratch(ctx, (uint64_t)in->count * sizeof *losses, 8);
  float *weights = core()->scratch(ctx, (uint64_t)(n > 0 ? n : 1) * sizeof *weights, 8);
  TRY(tensors()->read(ctx, in->losses, LETHE_DTYPE_FLOAT64, losses, (uint64_t)in->count * sizeof *losses, err));
  double sum = 0;
  for (int64_t i = 0; i < in->count; i++) sum += losses[i] = exp(-self->eta * losses[i]);
  for (int64_t i = 0; i < in->count && i < n; i++) weights[i] = (float)(losses[i] / sum);
  return tensors()->make(ctx, LETHE_DTYPE_FLOAT32, &n, 1, weights, (uint64_t)n * sizeof *weights, out, err);
}

static lethe_status weights_from(lethe_ctx ctx, const lethe_reweigh_in *in, float first, float rest, int32_t dtype,
                                 lethe_tensor *out, lethe_error *err) {
  float *values = core()->scratch(ctx, (uint64_t)in->count * 8, 8);
  for (int64_t i = 0; i < in->count; i++) values[i] = i == 0 ? first : rest;
  const uint64_t width = dtype == LETHE_DTYPE_FLOAT64 ? 8 : 4;
  return tensors()->make(ctx, dtype, &in->count, 1, values, (uint64_t)in->count * width, out, err);
}

static void *from_thread(void *argument) {
  instance *self = argument;
  int32_t dtype = 0;
  char text[200];
  lethe_error err = {sizeof err, 0, sizeof text, 0, text, 0};
  self->calls = tensors()->dtype(self->old_ctx, self->old_tensor, &dtype, &err);
  core()->log(self->old_ctx, LETHE_LOG_WARNING, "from another thread");
  if (core()->cancelled(self->old_ctx)) self->calls = -1;
  if (self->kept != NULL) tensors()->drop(self->kept);
  return NULL;
}

static lethe_status test_weigh(lethe_self s, lethe_ctx ctx, const lethe_reweigh_in *in, lethe_tensor *out,
                               lethe_error *err) {
  instance *self = (instance *)s;
  const float even = 1.0f / (float)in->count;
  self->calls++;
  TRY(fail_as_told(self->mode, err));
  if (is(self, "clean losses")) NEED(in->clean_losses == NULL, "there are clean losses");
  if (is(self, "uniform")) return LETHE_OK;
  if (is(self, "too short")) return weights_of(self, ctx, in, in->count - 1, out, err);
  if (is(self, "negative")) return weights_from(ctx, in, -even, 3 * even, LETHE_DTYPE_FLOAT32, out, err);
  if (is(self, "not finite")) return weights_from(ctx, in, NAN, even, LETHE_DTYPE_FLOAT32, out, err);
  if (is(self, "wrong sum")) return weights_from(ctx, in, 2 * even, 2 * even, LETHE_DTYPE_FLOAT32, out, err);
  if (is(self, "wrong type")) return weights_from(ctx, in, even, even, LETHE_DTYPE_FLOAT64, out, err);
  if (is(self, "scalar")) return tensors()->make(ctx, LETHE_DTYPE_FLOAT32, NULL, 0, &even, 4, out, err);
  if (is(self, "wild")) {
    *out = (lethe_tensor)self;
    return LETHE_OK;
  }
  if (is(self, "stale context")) {
    lethe_tensor made;
    return weights_of(self, self->old_ctx, in, in->count, &made, err);
  }
  if (is(self, "stale tensor")) {
    const lethe_tensor old = self->old_tensor;
    self->old_tensor = in->losses;
    int32_t dtype = 0;
    if (old != NULL) return tensors()->dtype(ctx, old, &dtype, err);
  }
  if (is(self, "other thread")) {
    self->old_ctx = ctx;
    self->old_tensor = in->losses;
    TRY(tensors()->keep(ctx, in->losses, &self->kept, err));
    pthread_t thread;
    NEED(pthread_create(&thread, NULL, from_thread, self) == 0, "no thread");
    pthread_join(thread, NULL);
    self->kept = NULL;
    NEED(self->calls == LETHE_E_WRONG_THREAD, "the other thread was served");
  }
  if (is(self, "keeps")) {
    int32_t dtype = 0;
    if (self->kept == NULL) TRY(tensors()->keep(ctx, in->losses, &self->kept, err));
    TRY(tensors()->dtype(ctx, self->kept, &dtype, err));
  }
  if (is(self, "keeps and forgets")) TRY(tensors()->keep(ctx, in->losses, &self->kept, err));
  if (is(self, "marks")) {
    lethe_op add;
    TRY(ops()->resolve(ctx, "aten::add.Tensor(Tensor self, Tensor other, *, Scalar alpha=1) -> Tensor", &add, err));
    const uint64_t mark = tensors()->mark(ctx);
    lethe_tensor sum = in->losses;
    const lethe_value args[2] = {lethe_of_tensor(in->losses), lethe_of_tensor(in->losses)};
    for (int i = 0; i < 100; i++) TRY(lethe_call(ops(), ctx, add, args, 2, &sum, err));
    TRY(tensors()->release_to(ctx, mark, err));
    int32_t dtype = 0;
    NEED(tensors()->dtype(ctx, sum, &dtype, NULL) == LETHE_E_STALE, "a released tensor was served");
    NEED(tensors()->release_to(ctx, mark + 1000, NULL) == LETHE_E_INVALID_ARGUMENT, "a mark ahead was taken");
    NEED(self->old_mark == 0 || tensors()->release_to(ctx, self->old_mark, NULL) == LETHE_E_STALE,
         "a mark of another call was taken");
    self->old_mark = mark;
  }
  if (is(self, "random")) {
    lethe_rng stream;
    uint32_t words[6];
    TRY(rngs()->stream(ctx, "noise", &stream, err));
    TRY(rngs()->bits(ctx, stream, words, 2, err));
    TRY(rngs()->bits(ctx, stream, words + 2, 4, err));
    const lethe_value value = lethe_of_int((int64_t)words[0] << 32 | words[5]);
    TRY(core()->report(ctx, "words", &value, err));
    lethe_rng generator;
    lethe_op rand;
    TRY(rngs()->generator(ctx, "noise", &generator, err));
    TRY(ops()->resolve(ctx, "aten::rand.generator(SymInt[] size, *, Generator? generator) -> Tensor", &rand, err));
    const int64_t dims[1] = {1};
    lethe_value args[2] = {lethe_of_ints(dims, 1), lethe_none()};
    args[1].tag = LETHE_T_RNG;
    args[1].as.g = generator;
    lethe_tensor drawn;
    TRY(lethe_call(ops(), ctx, rand, args, 2, &drawn, err));
    const lethe_value number = lethe_of_tensor(drawn);
    TRY(core()->report(ctx, "drawn", &number, err));
    NEED(core()->report(ctx, "Bad Key", &value, NULL) == LETHE_E_INVALID_ARGUMENT, "a bad key was taken");
  }
  if (is(self, "operators")) {
    lethe_op sort, split;
    TRY(ops()->resolve(ctx, "aten::sort(Tensor self, int dim=-1, bool descending=False) -> (Tensor values, Tensor indices)",
                       &sort, err));
    lethe_value args[1] = {lethe_of_tensor(in->losses)}, both[3];
    TRY(ops()->call(ctx, sort, args, 1, both, 3, err));
    NEED(both[0].tag == LETHE_T_TENSOR && both[1].tag == LETHE_T_TENSOR && both[2].tag == LETHE_T_NONE,
         "sort gave something else");
    int32_t dtype = 0;
    TRY(tensors()->dtype(ctx, both[1].as.t, &dtype, err));
    NEED(dtype == LETHE_DTYPE_INT64, "sort gave no indices");
    TRY(ops()->resolve(ctx, "aten::split.Tensor(Tensor(a -> *) self, SymInt split_size, int dim=0) -> Tensor(a)[]",
                       &split, err));
    lethe_value halves[2] = {lethe_of_tensor(in->losses), lethe_of_int(2)}, list[1];
    TRY(ops()->call(ctx, split, halves, 2, list, 1, err));
    NEED(list[0].tag == LETHE_T_TENSORS && list[0].count == 2, "split gave something else");
    lethe_op cat;
    TRY(ops()->resolve(ctx, "aten::cat(Tensor[] tensors, int dim=0) -> Tensor", &cat, err));
    lethe_tensor whole;
    TRY(lethe_call(ops(), ctx, cat, list, 1, &whole, err));
    int64_t dims[1] = {0};
    uint32_t rank = 0;
    TRY(tensors()->shape(ctx, whole, dims, 1, &rank, err));
    NEED(rank == 1 && dims[0] == in->count, "cat gave another shape");
    lethe_op none;
    return ops()->resolve(ctx, "aten::mul.Tensor(Tensor self, Tensor factor) -> Tensor", &none, err);
  }
  return weights_of(self, ctx, in, in->count, out, err);
}

static const lethe_reweighter test_reweighter = {sizeof test_reweighter, 0, test_weigh};
