// Tensors: made from bytes, read back, described; gradients; DLPack.
#pragma once

#include "CTorch.h"

namespace ct {

ct_tensor *make(const void *source, uint64_t bytes, const int64_t *dims, uint32_t rank, int32_t dtype, int32_t device);
void read(const ct_tensor *tensor, void *target, uint64_t bytes);
ct_value item(const ct_tensor *tensor);
void describe(const ct_tensor *tensor, ct_tensor_info *out);
void gradients(ct_tensor *const *outputs, ct_tensor *const *seeds, uint32_t outputCount, ct_tensor *const *inputs,
               uint32_t inputCount, bool retainGraph, bool createGraph, bool allowUnused, ct_tensor **out);

}  // namespace ct
