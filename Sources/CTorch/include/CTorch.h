/* libCTorch.so exports one symbol; what it returns is described in CTorchTable.h. */
#ifndef CTORCH_H
#define CTORCH_H

#include "CTorchTable.h"

#ifdef __cplusplus
extern "C" {
#endif

__attribute__((visibility("default"))) const ct_table *ct_open(void);

#ifdef __cplusplus
}
#endif
#endif
