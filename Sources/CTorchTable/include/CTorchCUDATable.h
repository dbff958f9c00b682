/* The functions that libCTorchCUDA.so gives to Swift: streams and graphs of CUDA, which libCTorch.so, built without CUDA's
 * headers, cannot give.
 *
 * libCTorchCUDA.so exports one symbol, `ct_cuda_open`, and finds LibTorch's CUDA libraries among those that the process has
 * loaded: it is opened after `cuda_open` of the other table. Codes, `message` and `details` are as in CTorchTable.h.
 *
 * Threads: all of it is of the thread that calls, as the current stream is. What one thread begins, it ends.
 */
#ifndef CTORCH_CUDA_TABLE_H
#define CTORCH_CUDA_TABLE_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#pragma clang assume_nonnull begin

typedef struct ct_stream ct_stream;
typedef struct ct_graph ct_graph;
typedef struct ct_generator ct_generator; /* of the other table */

typedef struct ct_cuda_table {
  uint32_t size;    /* bytes of this table */
  uint32_t version; /* 2 */

  /* The last failure on this thread: one line, and all that LibTorch says. Valid until the next failure. */
  const char *_Nonnull (*_Nonnull message)(void);
  const char *_Nonnull (*_Nonnull details)(void);

  /* Waits for the device, then makes it and a stream beside its default one current. `out` is the caller's, who gives it
   * back with `stream_leave` on the same thread. */
  int (*stream_enter)(int32_t device, ct_stream *_Nullable *_Nonnull out);
  /* Waits for the device, then makes current what was before. Frees `stream` in any case. */
  int (*stream_leave)(ct_stream *stream);

  /* From now on the current stream, which is not a default one, records what it is given and does none of it. Waits for the
   * device first and gives memory back that nothing uses. The default generator of the current device takes part, and so do
   * the `count` that are given, of the same device: each replay draws from where they stand, and no other may be drawn from.
   * `beside`, if any, is a whole graph whose memory is used where nothing of it that somebody holds lies: then neither may
   * be replayed while the other's work is under way. `out` is the caller's, who ends the recording and frees it. */
  int (*capture_begin)(const ct_generator *_Nonnull const *_Nullable generators, int64_t count,
                       ct_graph *_Nullable beside, ct_graph *_Nullable *_Nonnull out);
  /* Ends the recording, whether it went well or not. */
  int (*capture_end)(ct_graph *graph);
  /* Does what was recorded, on the current stream. Does not wait. */
  int (*replay)(ct_graph *graph);
  /* Waits for the device and frees the graph and its memory; one whose recording failed is left where it is. */
  void (*graph_free)(ct_graph *graph);
} ct_cuda_table;

/* The one exported symbol. Returns NULL from a library that was built without CUDA's headers. */
#define CT_CUDA_OPEN_SYMBOL "ct_cuda_open"
typedef const ct_cuda_table *_Nullable (*_Nonnull ct_cuda_open_function)(void);

#pragma clang assume_nonnull end

#ifdef __cplusplus
}
#endif
#endif
