// Operators by schema: found once, called through the dispatcher.
#pragma once

#include "CTorch.h"

namespace ct {

const ct_op *resolve(const char *schema);
void describe(const ct_op *op, ct_op_info *out) noexcept;
void call(const ct_op *op, const ct_value *args, uint32_t count, ct_value *returns, uint32_t capacity);

}  // namespace ct
