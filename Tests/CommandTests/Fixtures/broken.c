/* A plugin that keeps to every rule but the one that BROKEN names, "rule" or "rule: way". */
#include "broken.h"

LETHE_MANIFEST_FILE("manifest.json");

/* -------------------------------------------------------------------------------------------------------- objective */

static lethe_status terms(lethe_self s, lethe_ctx ctx, const lethe_objective_in *in, const lethe_term_sink *sink,
                          lethe_error *err) {
  instance *self = (instance *)s;
  if (breaks("struct-tails") && in->size != sizeof *in)
    return lethe_fail(err, LETHE_E_INTERNAL, "the struct has another size");
  const lethe_batch *batch = lethe_batch_at(in, 0);
  if (batch->forget_count + batch->retain_count == 0) {
    if (breaks("empty-batch")) abort();
    return lethe_fail(err, LETHE_E_INVALID_ARGUMENT, "the batch is empty");
  }
  lethe_task_losses found = {.size = sizeof found};
  TRY(task()->batch_losses(ctx, in->model, batch, &found, err));
  int32_t dtype = 0;
  TRY(tensors()->dtype(ctx, found.losses, &dtype, err));
  if (breaks("bf16") && dtype == LETHE_DTYPE_BFLOAT16)
    return lethe_fail(err, LETHE_E_UNIMPLEMENTED, "half precision is not served");
  lethe_term term = {.size = sizeof term, .set = LETHE_SET_FORGET, .name = "forget", .coefficient = 1};
  term.losses = found.losses;
  term.timesteps = found.timesteps;
  term.indices = batch->indices;
  if (breaks("terms")) term.name = "Forget It";
  if (breaks("unknown-set") && in->sets != (LETHE_SET_FORGET | LETHE_SET_RETAIN)) term.coefficient = 2;
  if (breaks("state-resumes") || breaks("state-resumes: silent")) term.coefficient = (double)++self->steps;
  if (breaks("determinism")) term.coefficient = 1 + (double)((uintptr_t)self >> 4 & 0xFF) + (double)rand();
  if (breaks("capturable")) term.coefficient = 1 + (double)in->progress->epoch;
  if (breaks("capturable: reads")) {
    float values[64];
    const uint64_t n = (uint64_t)(batch->forget_count + batch->retain_count);
    TRY(tensors()->read(ctx, found.losses, LETHE_DTYPE_FLOAT32, values, n * sizeof(float), err));
  }
  if (breaks("capturable: makes")) {
    const int64_t dims = batch->forget_count + batch->retain_count;
    const float ones[64] = {1};
    TRY(tensors()->make(ctx, LETHE_DTYPE_FLOAT32, &dims, 1, ones, (uint64_t)dims * sizeof(float), &term.importance, err));
  }
  if (breaks("capturable: reports")) {
    const lethe_value one = lethe_of_float(1);
    TRY(core()->report(ctx, "one", &one, err));
  }
  if (breaks("capturable: words")) {
    lethe_rng stream;
    TRY(rngs()->stream(ctx, "words", &stream, err));
  }
  const int64_t epoch = in->progress->epoch;
  if (breaks("capturable: draws") || (breaks("capturable: more draws") && epoch > 0) ||
      (breaks("capturable: fewer draws") && epoch == 0)) {
    lethe_rng generator;
    TRY(rngs()->generator(ctx, epoch == 0 ? "first" : "second", &generator, err));
  }
  if (breaks("capturable: asks")) {
    const lethe_value whole[2] = {lethe_of_tensor(found.losses), lethe_none()};
    lethe_tensor sum;
    TRY(call(ctx, "aten::sum(Tensor self, ScalarType? dtype=None) -> Tensor", whole, 2, &sum, err));
    const lethe_value one = lethe_of_tensor(sum);
    TRY(call(ctx, "aten::item(Tensor self) -> Scalar", &one, 1, &sum, err));
  }
  if (breaks("gradients")) {
    /* What is kept has no graph: half of the slope is lost. */
    lethe_tensor kept;
    TRY(tensors()->keep(ctx, found.losses, &kept, err));
    const lethe_value args[2] = {lethe_of_tensor(found.losses), lethe_of_tensor(kept)};
    TRY(call(ctx, MULTIPLY, args, 2, &term.losses, err));
  }
  if (breaks("lent-tensors: inputs")) {
    const lethe_value args[2] = {lethe_of_tensor(batch->inputs), lethe_of_float(1)};
    lethe_tensor same;
    TRY(call(ctx, ADD_IN_PLACE, args, 2, &same, err));
  }
  return sink->add(ctx, &term, err);
}

static const lethe_objective objective = {sizeof objective, 0, terms};

/* ------------------------------------------------------------------------------------------------------- reweighter */

/* The beginning of DLPack's structs, version 1. */
struct DLManagedTensorVersioned {
  uint32_t major, minor;
  void *manager;
  void (*deleter)(struct DLManagedTensorVersioned *);
  uint64_t flags;
  void *data;
};

static void *uses_context(void *s) {
  double number = 0;
  instance *self = s;
  lethe_error none = {.size = sizeof none};
  (void)tensors()->read(self->old_ctx, self->old_tensor, LETHE_DTYPE_FLOAT64, &number, 8, &none);
  return NULL;
}

/* Breaks what can be broken before any weight is computed. */
static lethe_status misuse(instance *self, lethe_ctx ctx, const lethe_reweigh_in *in, lethe_error *err) {
  if (breaks("output")) puts("weighing");
  if (breaks("call-time")) usleep(1100 * 1000);
  if (breaks("stale-context") && self->steps > 1) (void)uses_context(self);
  if (breaks("stale-handle") && self->old_tensor != NULL) {
    int32_t dtype = 0;
    (void)tensors()->dtype(ctx, self->old_tensor, &dtype, NULL);
  }
  if (breaks("stale-handle") || breaks("stale-context")) self->old_tensor = in->losses;
  if (breaks("wrong-thread")) {
    pthread_t thread;
    self->old_ctx = ctx;
    self->old_tensor = in->losses;
    if (pthread_create(&thread, NULL, uses_context, self) == 0) pthread_join(thread, NULL);
  }
  if (breaks("kept-handles")) {
    lethe_tensor kept;
    TRY(tensors()->keep(ctx, in->losses, &kept, err));
  }
  if (breaks("leaked-tensors")) {
    struct DLManagedTensorVersioned *view = NULL;
    TRY(dlpack()->export_tensor(ctx, in->losses, &view, err));
  }
  if (breaks("lent-tensors")) {
    const lethe_value args[2] = {lethe_of_tensor(in->losses), lethe_of_float(1)};
    lethe_tensor same;
    TRY(call(ctx, ADD_IN_PLACE, args, 2, &same, err));
  }
  return LETHE_OK;
}

static lethe_status weigh(lethe_self s, lethe_ctx ctx, const lethe_reweigh_in *in, lethe_tensor *out,
                          lethe_error *err) {
  instance *self = (instance *)s;
  self->steps++;
  steps_of_all++;
  TRY(misuse(self, ctx, in, err));
  if (in->count == 0) return LETHE_OK;
  if (breaks("fuzz: thirteen") && in->count == 13) abort();
  if (breaks("fuzz: hang") && in->count == 13) while (1) pause();
  const uint64_t bytes = (uint64_t)in->count * 8;
  double *values = core()->scratch(ctx, bytes, 8);
  if (values == NULL) return lethe_fail(err, LETHE_E_EXHAUSTED, "there is no scratch memory");
  int32_t dtype = 0;
  TRY(tensors()->dtype(ctx, in->losses, &dtype, err));
  TRY(tensors()->read(ctx, in->losses, LETHE_DTYPE_FLOAT64, values, bytes, err));
  if (breaks("non-contiguous") && dtype == LETHE_DTYPE_FLOAT32) {
    struct DLManagedTensorVersioned *view = NULL;
    TRY(dlpack()->export_tensor(ctx, in->losses, &view, err));
    for (int64_t i = 0; i < in->count; i++) values[i] = ((const float *)view->data)[i];
    view->deleter(view);
  }
  double sum = 0;
  for (int64_t i = 0; i < in->count; i++) {
    if (breaks("not-finite") && isnan(values[i])) abort();
    if (breaks("not-finite: hang")) while (isinf(values[i])) pause();
    values[i] = exp(-self->eta * values[i]);
    if (breaks("order-free")) values[i] += (double)i;
    if (breaks("many-instances")) values[i] += (double)steps_of_all * values[0];
    sum += values[i];
  }
  if (breaks("weights")) sum *= 2;
  if (breaks("batch-of-one")) sum *= (double)(in->count - 1) / (double)(in->count - 1);
  for (int64_t i = 0; i < in->count; i++) values[i] /= sum;
  lethe_tensor made;
  const lethe_status status = tensors()->make(ctx, LETHE_DTYPE_FLOAT64, &in->count, 1, values, bytes, &made, err);
  if (breaks("ignored-failure") && status != LETHE_OK) return LETHE_OK;
  TRY(status);
  lethe_value args[2] = {lethe_of_tensor(made), lethe_none()};
  args[1].tag = LETHE_T_DTYPE;
  args[1].as.i = dtype;
  return call(ctx, "aten::to.dtype(Tensor(a) self, ScalarType dtype, bool non_blocking=False, bool copy=False, "
                   "MemoryFormat? memory_format=None) -> Tensor(a)", args, 2, out, err);
}

static const lethe_reweighter reweighter = {sizeof reweighter, 0, weigh};

/* ------------------------------------------------------------------------------------------------------------- mask */

static lethe_status begin(lethe_self s, lethe_ctx ctx, const lethe_named_tensors *parameters, lethe_walk *walk,
                          lethe_error *err) {
  (void)ctx, (void)walk;
  instance *self = (instance *)s;
  if (parameters->count > 16) return lethe_fail(err, LETHE_E_UNIMPLEMENTED, "there are more than 16 parameters");
  self->count = parameters->count;
  for (uint32_t i = 0; i < 16; i++) {
    tensors()->drop(self->sums[i]);
    self->sums[i] = NULL;
  }
  return LETHE_OK;
}

static lethe_status accumulate(lethe_self s, lethe_ctx ctx, const lethe_named_tensors *gradients, int64_t count,
                               lethe_error *err) {
  (void)count;
  instance *self = (instance *)s;
  for (uint32_t i = 0; i < gradients->count; i++) {
    lethe_tensor sum = gradients->tensors[i];
    if (self->sums[i] != NULL) {
      const lethe_value args[2] = {lethe_of_tensor(self->sums[i]), lethe_of_tensor(sum)};
      TRY(call(ctx, ADD, args, 2, &sum, err));
    }
    lethe_tensor kept;
    TRY(tensors()->keep(ctx, sum, &kept, err));
    tensors()->drop(self->sums[i]);
    self->sums[i] = kept;
  }
  return LETHE_OK;
}

static lethe_status scores(lethe_self s, lethe_ctx ctx, lethe_tensor *out, uint32_t n, lethe_error *err) {
  instance *self = (instance *)s;
  for (uint32_t i = 0; i < n; i++) {
    const lethe_value args[1] = {lethe_of_tensor(self->sums[i])};
    TRY(call(ctx, breaks("scores") ? "aten::neg(Tensor self) -> Tensor" : ABSOLUTE, args, 1, &out[i], err));
  }
  return LETHE_OK;
}

static const lethe_mask mask = {sizeof mask, 0, begin, accumulate, scores};

/* ---------------------------------------------------------------------------------------------------------- updater */

static lethe_status combine(lethe_self s, lethe_ctx ctx, const lethe_progress *progress, lethe_error *err) {
  (void)progress;
  instance *self = (instance *)s;
  self->steps++;
  if (breaks("direction")) return LETHE_OK;
  lethe_named_tensors first = {.size = sizeof first}, second = {.size = sizeof second};
  TRY(steps()->gradient(ctx, 0, &first, err));
  TRY(steps()->gradient(ctx, 1, &second, err));
  lethe_tensor direction[16], one;
  const float value = breaks("state-resumes") ? (float)self->steps : 1;
  TRY(tensors()->make(ctx, LETHE_DTYPE_FLOAT32, NULL, 0, &value, 4, &one, err));
  TRY(steps()->axpy(ctx, first.tensors, one, second.tensors, first.count, direction, err));
  if (breaks("masked-entries"))
    for (uint32_t i = 0; i < first.count; i++) {
      const lethe_value args[2] = {lethe_of_tensor(direction[i]), lethe_of_float(1)};
      TRY(call(ctx, ADD_IN_PLACE, args, 2, &direction[i], err));
    }
  return steps()->set_direction(ctx, direction, first.count, err);
}

static const lethe_updater updater = {sizeof updater, 0, combine, NULL, NULL};

/* ------------------------------------------------------------------------------------------------------------ table */

#ifdef NO_RETUNE
#define RETUNE NULL
#else
#define RETUNE retune
#endif
#ifndef ID
#define ID "test.broken"
#endif

#define STRATEGY(id, role, table) \
  { sizeof(lethe_strategy), 1, id, role, table, create, destroy, prepare, NULL, NULL, NULL, RETUNE }

static const lethe_strategy strategies[] = {
    STRATEGY("test.objective", LETHE_ROLE_OBJECTIVE, &objective),
    STRATEGY("test.reweighter", LETHE_ROLE_REWEIGHTER, &reweighter),
    STRATEGY("test.mask", LETHE_ROLE_MASK, &mask),
    {sizeof(lethe_strategy), 1, "test.updater", LETHE_ROLE_UPDATER, &updater, create, destroy, prepare, NULL, save, load,
     RETUNE},
};

static const lethe_plugin plugin = {sizeof plugin, 4, ID, "1.0.0", strategies, sizeof(lethe_strategy), 0};

__attribute__((constructor)) static void loaded(void) {
  if (breaks("load-output")) fputs("here I am\n", stderr);
  if (breaks("load-threads")) start_thread();
  if (breaks("load-time")) usleep(1200 * 1000);
  if (breaks("loads: signal")) raise(SIGSEGV);
  const char *mark = getenv("LETHE_TEST_MARK");
  if (breaks("nothing: mark") && mark != NULL) fclose(fopen(mark, "w"));
}

LETHE_EXPORT lethe_status lethe_plugin_abi1(const lethe_host *given, const lethe_plugin **out, lethe_error *err) {
  if (breaks("entry-host-size")) (void)given->service(given, LETHE_OPS);
  if (!LETHE_HAS(given, service)) return lethe_fail(err, LETHE_E_PRECONDITION, "the host is older than this plugin");
  host = given;
  *out = &plugin;
  if (breaks("entry-repeats")) {
    lethe_plugin *copy = malloc(sizeof *copy);
    *copy = plugin;
    *out = copy;
  }
  return LETHE_OK;
}

#ifdef CONSTRUCTORS
static volatile int loads;
__attribute__((constructor)) static void one(void) { loads++; }
__attribute__((constructor)) static void two(void) { loads++; }
__attribute__((constructor)) static void three(void) { loads++; }
__attribute__((constructor)) static void four(void) { loads++; }
#endif
#ifdef TOMORROW
int from_tomorrow(void);
static int (*const tomorrow)(void) __attribute__((used)) = from_tomorrow;
#endif
#ifdef EXTRA_EXPORT
LETHE_EXPORT int broken_helper(void);
int broken_helper(void) { return 1; }
#endif
#ifdef UNIQUE
__asm__(".data\n.globl broken_unique\n.type broken_unique, @gnu_unique_object\n.size broken_unique, 4\n"
        "broken_unique: .long 1\n.text\n");
#endif
#ifdef TEXT_RELOCATION
__asm__(".data\nbroken_data: .long 1\n.text\n.quad broken_data\n");
#endif
#ifdef UNDEFINED
extern int nobody_has_this(void);
int (*broken_pointer(void))(void);
int (*broken_pointer(void))(void) { return nobody_has_this; }
#endif
