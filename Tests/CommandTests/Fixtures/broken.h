/* What the strategies of broken.c share: the one rule that is broken, requests to the host, and common callbacks. */
#pragma once
#include <lethe/lethe.h>
#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifndef BROKEN
#define BROKEN "nothing"
#endif

/* Whether this plugin breaks that rule, in that way. */
static int breaks(const char *what) { return strcmp(BROKEN, what) == 0; }

static const lethe_host *host;
static const lethe_core *core(void) { return host->service(host, LETHE_CORE); }
static const lethe_tensors *tensors(void) { return host->service(host, LETHE_TENSORS); }
static const lethe_ops *ops(void) { return host->service(host, LETHE_OPS); }
static const lethe_task *task(void) { return host->service(host, LETHE_TASK); }
static const lethe_steps *steps(void) { return host->service(host, LETHE_STEP); }
static const lethe_rngs *rngs(void) { return host->service(host, LETHE_RNG); }
static const lethe_dlpack *dlpack(void) { return host->service(host, LETHE_DLPACK); }

typedef struct {
  double eta;
  int64_t steps;
  int is_prepared;
  lethe_ctx old_ctx;
  lethe_tensor old_tensor;
  lethe_tensor sums[16];
  uint32_t count;
  char *name;
} instance;

static int64_t steps_of_all;

#define TRY(call) \
  do { \
    const lethe_status status_ = (call); \
    if (status_ != LETHE_OK) return failed(status_, err); \
  } while (0)

/* Passes a failure on, or does with it what must not be done. */
static lethe_status failed(lethe_status status, lethe_error *err) {
  if (status == LETHE_E_CANCELLED) return status;
  if (breaks("error-message") && err != NULL && err->message_cap > 0) err->message[0] = 0;
  if (breaks("error-message: utf-8")) return lethe_fail(err, status, "\xC3\x28");
  if (breaks("known-status")) return 4711;
  if (breaks("error-capacity") && err != NULL && err->message != NULL) strcpy(err->message, "longer than there is room");
  return status;
}

/* ----------------------------------------------------------------------------------------------------- common calls */

static lethe_status create(lethe_ctx ctx, const lethe_create_info *info, lethe_self *out, lethe_error *err) {
  (void)ctx;
  instance *self = calloc(1, sizeof *self);
  if (self == NULL) return lethe_fail(err, LETHE_E_EXHAUSTED, "there is no memory for an instance");
  self->eta = info->param_count > 0 ? info->params[0].as.f : 0;
  if ((breaks("defaults") && self->eta == 0.5) || (breaks("bounds") && self->eta == 10)) {
    free(self);
    return lethe_fail(err, LETHE_E_INVALID_ARGUMENT, "eta is not what it should be");
  }
  if (breaks("instance-memory") && malloc(200) == NULL) abort();
  if (breaks("many-instances")) steps_of_all = 0;
  *out = (lethe_self)self;
  return LETHE_OK;
}

static void destroy(lethe_self s) {
  instance *self = (instance *)s;
  /* Only `prepare` gives it a name. */
  if (breaks("life-cycle") && strlen(self->name) == 0) abort();
  free(self->name);
  free(self);
}

static void *sleeps(void *seconds) {
  sleep((unsigned)(size_t)seconds);
  return NULL;
}

static void start_thread(void) {
  pthread_t thread;
  if (pthread_create(&thread, NULL, sleeps, (void *)30) == 0) pthread_detach(thread);
}

static lethe_status prepare(lethe_self s, lethe_ctx ctx, lethe_error *err) {
  instance *self = (instance *)s;
  self->name = strdup("prepared");
  self->old_ctx = ctx;
  if (breaks("left-threads")) start_thread();
  if (breaks("cancel")) usleep(1300 * 1000);
  if (breaks("cancel: word") && core()->cancelled(ctx)) return lethe_fail(err, LETHE_E_INTERNAL, "stopped");
  if (breaks("life-cycle: hang")) for (;;) pause();
  if (breaks("life-cycle: exit")) exit(0);
  if (breaks("life-cycle: signal")) raise(SIGSEGV);
  if (breaks("life-cycle: recursion")) return prepare(s, ctx, err) + 1;
  return LETHE_OK;
}

static lethe_status retune(lethe_self s, lethe_ctx ctx, const lethe_create_info *info, lethe_error *err) {
  (void)ctx, (void)err;
  if (info->param_count > 0) ((instance *)s)->eta = info->params[0].as.f;
  return LETHE_OK;
}

/* ------------------------------------------------------------------------------------------------------------ state */

static lethe_status save(lethe_self s, lethe_ctx ctx, const lethe_stream *out, lethe_error *err) {
  (void)ctx;
  instance *self = (instance *)s;
  if (breaks("state-repeats")) self->steps++;
  const int64_t count = breaks("state-resumes") ? 0 : self->steps;
  const int64_t words[2] = {8, count};
  if (out->write(out->ctx, words, sizeof words) < 0)
    return lethe_fail(err, LETHE_E_UNKNOWN, "the state could not be written");
  return LETHE_OK;
}

/* Reads all of it; 0 where it ends before. */
static int read_all(const lethe_stream *in, void *to, uint64_t bytes) {
  if (breaks("state-short-reads")) return in->read(in->ctx, to, bytes) == (int64_t)bytes;
  for (uint64_t done = 0; done < bytes;) {
    const int64_t got = in->read(in->ctx, (char *)to + done, bytes - done);
    if (got <= 0) return breaks("state-refused");
    done += (uint64_t)got;
  }
  return 1;
}

static lethe_status load(lethe_self s, lethe_ctx ctx, uint32_t version, const lethe_stream *in, lethe_error *err) {
  (void)ctx;
  instance *self = (instance *)s;
  if (version != 1 && !breaks("state-version"))
    return lethe_fail(err, LETHE_E_INVALID_ARGUMENT, "the state is of another version");
  int64_t length = 8, count = 0;
  if (!read_all(in, &length, sizeof length)) return lethe_fail(err, LETHE_E_INVALID_ARGUMENT, "the state is cut off");
  if (breaks("state-survives")) {
    static volatile char room[8];
    for (int64_t i = 0; i != length; i++) room[i] = 1;
  } else if (length != 8 && !breaks("state-refused")) {
    return lethe_fail(err, LETHE_E_INVALID_ARGUMENT, "the state is damaged");
  }
  if (!read_all(in, &count, sizeof count)) return lethe_fail(err, LETHE_E_INVALID_ARGUMENT, "the state is cut off");
  self->steps = count;
  return LETHE_OK;
}

/* ------------------------------------------------------------------------------------------------- requests in short */

static lethe_status call(lethe_ctx ctx, const char *schema, const lethe_value *args, uint32_t n, lethe_tensor *out,
                         lethe_error *err) {
  lethe_op op;
  TRY(ops()->resolve(ctx, schema, &op, err));
  return lethe_call(ops(), ctx, op, args, n, out, err);
}

#define ADD_IN_PLACE "aten::add_.Scalar(Tensor(a!) self, Scalar other, Scalar alpha=1) -> Tensor(a!)"
#define ADD "aten::add.Tensor(Tensor self, Tensor other, *, Scalar alpha=1) -> Tensor"
#define MULTIPLY "aten::mul.Tensor(Tensor self, Tensor other) -> Tensor"
#define MULTIPLY_BY "aten::mul.Scalar(Tensor self, Scalar other) -> Tensor"
#define ABSOLUTE "aten::abs(Tensor self) -> Tensor"
