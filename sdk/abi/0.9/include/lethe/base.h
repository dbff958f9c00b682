/* SPDX-License-Identifier: Apache-2.0
 *
 * lethe/base.h - the words every other header is made of: status, error, handles, values, streams.
 *
 * Four rules are all an author has to know:
 *   1. Every struct begins with `uint32_t size`: the bytes its owner's compiler gave it. Fields are only ever appended.
 *   2. A field may be read only where LETHE_HAS(s, field) holds. A NULL function pointer means "not offered".
 *   3. An array of structs comes with a stride in bytes. Step by the stride, never by your own sizeof.
 *   4. A tensor that you are given or that a call gives you dies when your callback returns. `tensors->keep` is the
 *      exception. Nobody frees what the other side allocated.
 *
 * Tags in brackets say from where a function may be called:
 *   [call]         only from inside a callback, with the `ctx` of that callback, on the run's one thread;
 *   [prepare]      like [call], but only in `create` and `prepare`;
 *   [any]          from any thread, at any time until `destroy` returned;
 *   [signal-safe]  like [any], from a signal handler too.
 */
#ifndef LETHE_BASE_H
#define LETHE_BASE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Part of the entry symbol's name: a break is a new symbol, never a new meaning. */
#define LETHE_ABI_GENERATION 1u
/* Counts additions to the generation. For messages and for a manifest's "min_minor"; use LETHE_HAS to look before you call.
 * What does not say since which minor it is there was there from the beginning. */
#define LETHE_ABI_MINOR 0u
/* What these headers are called: sdk/abi has a folder of that name. 0.9 is the candidate for 1.0. */
#define LETHE_ABI_VERSION "0.9"

#define LETHE_EXPORT __attribute__((visibility("default")))

/* True where the struct that `s` points to was made by somebody who knew field `f`. */
#define LETHE_HAS(s, f) \
  ((s) != NULL && (s)->size >= (uint32_t)(offsetof(__typeof__(*(s)), f) + sizeof((s)->f)))

/* ------------------------------------------------------------------------------------------------ status and error */

/* 0 is success. The set is open: an unknown value means LETHE_E_UNKNOWN. */
typedef int32_t lethe_status;
#define LETHE_OK 0
#define LETHE_E_CANCELLED 1        /* the run was asked to stop; return it as soon as you see it */
#define LETHE_E_UNKNOWN 2
#define LETHE_E_INVALID_ARGUMENT 3 /* `detail` is the index of the argument or parameter */
#define LETHE_E_NOT_FOUND 5
#define LETHE_E_EXHAUSTED 8        /* memory, disk, budget */
#define LETHE_E_PRECONDITION 9     /* legal call, wrong moment or wrong kind of run */
#define LETHE_E_UNIMPLEMENTED 12
#define LETHE_E_INTERNAL 13
#define LETHE_E_STALE 17           /* a handle or context used after its life */
#define LETHE_E_WRONG_THREAD 18
#define LETHE_E_BUSY 19            /* the tensor is exported writable */

/* The caller owns the struct and the buffer. The callee writes at most `message_cap` bytes, the NUL included, and says
 * in `message_len` how long the whole text was. On failure out-parameters are left as they were. */
typedef struct lethe_error {
  uint32_t size;
  int32_t code;
  uint32_t message_cap;
  uint32_t message_len;
  char *message;
  int64_t detail;
} lethe_error;

/* --------------------------------------------------------------------------------------------------------- handles */

/* Opaque: the bits are a slot number and a generation, never an address. NULL is "none". Stale use is LETHE_E_STALE.
 * A tensor lives as long as its callback unless it is kept, a random stream as long as its callback, an operator as long
 * as the process, a model as long as the run. */
typedef struct lethe_tensor_ *lethe_tensor;
typedef struct lethe_op_ *lethe_op;
typedef struct lethe_rng_ *lethe_rng;
typedef struct lethe_model_ *lethe_model;
typedef struct lethe_ctx_ *lethe_ctx; /* the right to call the host, for one callback */

/* The plugin's own instance: whatever pointer `create` gave. The host only hands it back. */
typedef struct lethe_self_ *lethe_self;

/* ---------------------------------------------------------------------------------------------------------- values */

#define LETHE_T_NONE 0u
#define LETHE_T_BOOL 1u    /* as.i, 0 or 1 */
#define LETHE_T_INT 2u     /* as.i */
#define LETHE_T_FLOAT 3u   /* as.f */
#define LETHE_T_STR 4u     /* as.s, UTF-8 with NUL; `count` bytes without it */
#define LETHE_T_TENSOR 5u  /* as.t */
#define LETHE_T_INTS 6u    /* as.is, `count` elements */
#define LETHE_T_FLOATS 7u  /* as.fs */
#define LETHE_T_TENSORS 8u /* as.ts; entries may be NULL */
#define LETHE_T_DTYPE 9u   /* as.i, LETHE_DTYPE_* */
#define LETHE_T_DEVICE 10u /* as.s, "cpu" or "cuda:0" */
#define LETHE_T_RNG 11u    /* as.g, from rng->generator */

/* A tagged value: operator arguments, parameters, reported numbers. Frozen at 16 bytes; the only struct without a size. */
typedef struct lethe_value {
  uint32_t tag;
  uint32_t count;
  union lethe_payload {
    int64_t i;
    double f;
    const char *s;
    lethe_tensor t;
    lethe_rng g;
    const int64_t *is;
    const double *fs;
    const lethe_tensor *ts;
    uint64_t raw;
  } as;
} lethe_value;

/* Element types, numbered as LibTorch numbers them. */
#define LETHE_DTYPE_UINT8 0
#define LETHE_DTYPE_INT8 1
#define LETHE_DTYPE_INT16 2
#define LETHE_DTYPE_INT32 3
#define LETHE_DTYPE_INT64 4
#define LETHE_DTYPE_FLOAT16 5
#define LETHE_DTYPE_FLOAT32 6
#define LETHE_DTYPE_FLOAT64 7
#define LETHE_DTYPE_BOOL 11
#define LETHE_DTYPE_BFLOAT16 15

/* Tensors with names, as two parallel arrays of `count` entries in a stable order. Entries of `tensors` may be NULL. */
typedef struct lethe_named_tensors {
  uint32_t size;
  uint32_t count;
  const char *const *names;
  const lethe_tensor *tensors;
} lethe_named_tensors;

/* ------------------------------------------------------------------------------------------------ where a run stands */

/* All counts from 0. An epoch is one pass of the schedule; `steps` counts optimizer steps of the whole run. */
typedef struct lethe_progress {
  uint32_t size;
  uint32_t reserved0;
  int64_t step;
  int64_t steps;
  int64_t epoch;
  int64_t epochs;
  int64_t step_in_epoch;
  int64_t steps_in_epoch;
} lethe_progress;

/* Which set samples belong to; a bit set where several are asked for. */
#define LETHE_SET_FORGET 1u
#define LETHE_SET_RETAIN 2u

/* Bytes of state on their way out or in. `read` gives 0 at the end and may give fewer bytes than asked; both give a
 * negative number on failure. [call], valid during the callback that received it. */
typedef struct lethe_stream {
  uint32_t size;
  uint32_t reserved0;
  void *ctx;
  int64_t (*read)(void *ctx, void *dst, uint64_t n);
  int64_t (*write)(void *ctx, const void *src, uint64_t n);
} lethe_stream;

#ifdef __cplusplus
}
#endif
#endif
