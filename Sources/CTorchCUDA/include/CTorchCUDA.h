/* libCTorchCUDA.so exports one symbol; what it returns is described in CTorchCUDATable.h. */
#ifndef CTORCH_CUDA_H
#define CTORCH_CUDA_H

#include "CTorchTable.h"

#ifdef __cplusplus
extern "C" {
#endif

__attribute__((visibility("default"))) const ct_cuda_table *_Nullable ct_cuda_open(void);

#ifdef __cplusplus
}
#endif
#endif
