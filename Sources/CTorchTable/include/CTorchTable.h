/* The functions that libCTorch.so gives to Swift: the only door to LibTorch.
 *
 * libCTorch.so exports one symbol, `ct_open`, which returns a table that lives until the process ends. Every function
 * that returns `int` gives CT_OK or one of the CT_E codes; after a failure `message` and `details` describe it, per
 * thread, until the next failure on that thread. On failure nothing is written through out-parameters.
 *
 * Owners: a `ct_tensor *` or `ct_generator *` written through an out-parameter belongs to the caller, who gives it back
 * with `tensor_free` or `generator_free`. Handles given as arguments are only borrowed. Operators are never freed.
 *
 * Threads: gradient mode, autocast and the last error belong to the calling thread; everything else is LibTorch's.
 */
#ifndef CTORCH_TABLE_H
#define CTORCH_TABLE_H

#include <stdint.h>

#include "CTorchCUDATable.h"

#ifdef __cplusplus
extern "C" {
#endif

#pragma clang assume_nonnull begin

typedef struct ct_tensor ct_tensor;
typedef struct ct_generator ct_generator;
typedef struct ct_op ct_op;
struct DLManagedTensorVersioned;

#define CT_OK 0
#define CT_E_TORCH 1    /* LibTorch refused */
#define CT_E_ARGUMENT 2 /* an argument has the wrong type, or one is missing or too many */
#define CT_E_SCHEMA 3   /* no such operator, or its schema does not fit */
#define CT_E_MEMORY 4   /* out of memory */
#define CT_E_MISSING 5  /* a library or device is not there */
#define CT_E_OTHER 6    /* any other exception */

/* Tags and layout of a value: the plugin protocol's, so that a value crosses both borders unchanged but for handles. */
#define CT_NONE 0u
#define CT_BOOL 1u      /* as.i, 0 or 1 */
#define CT_INT 2u       /* as.i */
#define CT_FLOAT 3u     /* as.f */
#define CT_STR 4u       /* as.s, ends with NUL; count = bytes without it */
#define CT_TENSOR 5u    /* as.t */
#define CT_INTS 6u      /* as.is, count elements; also for lists of bool */
#define CT_FLOATS 7u    /* as.fs, count elements */
#define CT_TENSORS 8u   /* as.ts, count elements; NULL where the operator allows None */
#define CT_DTYPE 9u     /* as.i, LibTorch's number of the type */
#define CT_DEVICE 10u   /* as.s, "cpu" or "cuda:0" */
#define CT_RNG 11u      /* as.g */

typedef struct ct_value {
  uint32_t tag;
  uint32_t count;
  union ct_payload {
    int64_t i;
    double f;
    const char *_Nullable s;
    ct_tensor *_Nullable t;
    ct_generator *_Nullable g;
    const int64_t *_Nullable is;
    const double *_Nullable fs;
    ct_tensor *_Nullable const *_Nullable ts;
    uint64_t raw;
  } as;
} ct_value;

/* What a tensor is. `dims` and `strides` (in elements) stay valid while the tensor lives and is not resized. */
typedef struct ct_tensor_info {
  const int64_t *_Nullable dims;
  const int64_t *_Nullable strides;
  void *_Nullable data;  /* first element; NULL when the tensor is empty or its memory is not addressable */
  int64_t elements;
  int64_t version;       /* grows with every in-place change */
  int32_t rank;
  int32_t dtype;         /* LibTorch's number */
  int32_t device;        /* -1: CPU; n >= 0: CUDA device n */
  int32_t element_bytes;
  uint8_t requires_grad;
  uint8_t is_leaf;
  uint8_t is_contiguous; /* row-major */
  uint8_t is_channels_last;
  uint8_t reserved[4];
} ct_tensor_info;

/* What an operator is. The texts live as long as the operator. */
typedef struct ct_op_info {
  const char *_Nullable name;   /* "aten::mul.Tensor" */
  const char *_Nullable schema; /* LibTorch's own text */
  uint32_t arguments;           /* that a call may give */
  uint32_t required;            /* that a call must give: every one up to the last without a default */
  uint32_t returns;
  uint32_t reserved;
} ct_op_info;

typedef struct ct_counters {
  int64_t tensors;    /* handles alive */
  int64_t generators; /* handles alive */
  int64_t calls;      /* operators called since the start */
  int64_t gradients;  /* calls of `gradients` since the start */
} ct_counters;

typedef struct ct_table {
  uint32_t size;    /* bytes of this table */
  uint32_t version; /* 1 */
  /* LibTorch's version, "2.11.0". */
  const char *_Nonnull (*_Nonnull torch_version)(void);

  /* The last failure on this thread: one line, and all that LibTorch says. Valid until the next failure. */
  const char *_Nonnull (*_Nonnull message)(void);
  const char *_Nonnull (*_Nonnull details)(void);

  /* Finds an operator by name ("aten::mul.Tensor"), or by whole schema: then calls give the arguments that the text
   * names, in its order, and the rest take their defaults. The same text gives the same operator, for ever. */
  int (*op_resolve)(const char *schema, const ct_op *_Nullable *_Nonnull out);
  void (*op_info)(const ct_op *op, ct_op_info *out);
  /* Calls through the dispatcher, autograd and autocast included. Missing arguments take their defaults. `returns` has
   * room for `capacity` values; tensors in them are the caller's, lists and texts are freed by `values_free`. */
  int (*op_call)(const ct_op *op, const ct_value *_Nullable args, uint32_t n_args,
                 ct_value *_Nullable returns, uint32_t capacity);
  /* Frees what is in values that `op_call` returned: lists and texts, and tensors too when `with_tensors` is not 0. */
  void (*values_free)(ct_value *_Nullable values, uint32_t count, int with_tensors);

  /* A tensor holding a copy of `bytes` row-major bytes; NULL `source` gives zeros. */
  int (*tensor_make)(const void *_Nullable source, uint64_t bytes, const int64_t *_Nullable dims, uint32_t rank,
                     int32_t dtype, int32_t device, ct_tensor *_Nullable *_Nonnull out);
  /* Copies all elements, row-major, into `target` of exactly `bytes` bytes. Waits for the device. */
  int (*tensor_read)(const ct_tensor *tensor, void *_Nullable target, uint64_t bytes);
  /* The only element, as CT_BOOL, CT_INT or CT_FLOAT. Waits for the device. */
  int (*tensor_item)(const ct_tensor *tensor, ct_value *out);
  void (*tensor_info)(const ct_tensor *tensor, ct_tensor_info *out);
  /* A second handle on the same tensor. */
  ct_tensor *_Nullable (*_Nonnull tensor_retain)(const ct_tensor *tensor);
  void (*tensor_free)(ct_tensor *tensor);
  int (*tensor_set_requires_grad)(ct_tensor *tensor, int value);
  /* Whether two handles are one tensor. */
  int (*tensor_is_same)(const ct_tensor *a, const ct_tensor *b);

  /* Vector-Jacobian products: fills `out[n_inputs]`, NULL where an input is not used (an error unless `allow_unused`).
   * `seeds` is NULL, or has an entry for each output; a NULL entry means 1 for a scalar output. */
  int (*gradients)(ct_tensor *_Nullable const *_Nonnull outputs, ct_tensor *_Nullable const *_Nullable seeds,
                   uint32_t n_outputs, ct_tensor *_Nullable const *_Nonnull inputs, uint32_t n_inputs,
                   int retain_graph, int create_graph, int allow_unused, ct_tensor *_Nullable *_Nonnull out);
  int (*grad_mode)(void);
  void (*set_grad_mode)(int enabled);

  /* Autocast of this thread for CPU (-1) or CUDA (0 and up). */
  int (*autocast)(int32_t device, int *enabled, int32_t *dtype);
  int (*set_autocast)(int32_t device, int enabled, int32_t dtype);
  /* Counts nested autocast scopes; the cache of cast weights is emptied when the outermost is left. */
  void (*autocast_enter)(void);
  void (*autocast_leave)(void);

  /* Seeds the default generators: the CPU's and, once CUDA was opened, every CUDA device's. */
  int (*seed_all)(uint64_t seed);
  int (*generator_make)(uint64_t seed, int32_t device, ct_generator *_Nullable *_Nonnull out);
  int (*generator_seed)(ct_generator *generator, uint64_t seed);
  void (*generator_free)(ct_generator *generator);

  int (*threads)(void);
  int (*set_threads)(int count);
  int (*set_deterministic)(int enabled);

  /* Loads libtorch_cuda.so from LibTorch's library folder; idempotent. Before any other use of CUDA. */
  int (*cuda_open)(const char *folder);
  /* CUDA devices; 0 before `cuda_open`. */
  int (*cuda_count)(void);
  /* Waits until the device has done all that was asked of it; nothing to do for the CPU. */
  int (*synchronize)(int32_t device);

  /* DLPack 1: `out` is freed by its own deleter; importing takes ownership of `source` on success. */
  int (*dlpack_export)(const ct_tensor *tensor, struct DLManagedTensorVersioned *_Nullable *_Nonnull out);
  int (*dlpack_import)(struct DLManagedTensorVersioned *source, ct_tensor *_Nullable *_Nonnull out);

  void (*counters)(ct_counters *out);
} ct_table;

/* The one exported symbol. */
#define CT_OPEN_SYMBOL "ct_open"
typedef const ct_table *_Nonnull (*_Nonnull ct_open_function)(void);

#pragma clang assume_nonnull end

#ifdef __cplusplus
}
#endif
#endif
