#include "operators.h"

#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/ops/sort.h>
#include <torch/csrc/jit/frontend/function_schema_parser.h>

#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <vector>

#include "guard.h"
#include "handles.h"
#include "values.h"

struct ct_op {
  c10::OperatorHandle handle;
  std::vector<ct::Slot> slots;  // in LibTorch's order
  uint32_t arguments = 0;       // that a call may give
  uint32_t required = 0;
  uint32_t returns = 0;
  std::string name;
  std::string schema;
  bool isSelection = false;  // of the k-th smallest
};

namespace ct {
namespace {

std::string text(const c10::OperatorName &name) {
  return name.overload_name.empty() ? name.name : name.name + "." + name.overload_name;
}

c10::OperatorHandle find(const c10::OperatorName &name) {
  if (auto found = c10::Dispatcher::singleton().findSchema(name)) return *found;
  std::set<std::string> names;
  for (const auto &other : c10::Dispatcher::singleton().getAllOpNames()) {
    if (other.name == name.name) names.insert(text(other));
  }
  std::string others;
  for (const auto &other : names) others += (others.empty() ? "'" : ", '") + other + "'";
  auto message = "no operator '" + text(name) + "' in LibTorch";
  if (!others.empty()) message += "; there are " + others;
  throw Refusal(CT_E_SCHEMA, message);
}

std::unique_ptr<ct_op> start(const c10::OperatorHandle &handle) {
  const auto &schema = handle.schema();
  auto op = std::make_unique<ct_op>(ct_op{handle, {}, 0, 0, 0, text(schema.operator_name()), toString(schema)});
  for (const auto &argument : schema.arguments()) {
    Slot slot;
    slot.name = argument.name();
    slot.kind = kind(argument.real_type(), slot.isOptional);
    slot.hasDefault = argument.default_value().has_value();
    if (slot.hasDefault) slot.fallback = *argument.default_value();
    op->slots.push_back(std::move(slot));
  }
  op->returns = static_cast<uint32_t>(schema.returns().size());
  op->isSelection = op->name == "aten::kthvalue";
  return op;
}

/// kthvalue (self, k, dim, keepdim) by sorting, for few long rows on CUDA: LibTorch gives each row to a single block of
/// threads there, and to choose half of eleven million weights took an H100 69 ms, to sort their scores 0.7 ms.
bool selectBySorting(torch::jit::Stack &stack) {
  const auto self = stack[0].toTensor();
  if (!self.is_cuda() || self.dim() == 0) return false;
  const auto k = stack[1].toInt(), dim = stack[2].toInt();
  const auto keepsDim = stack[3].toBool();
  const auto length = self.size(dim);
  if (length < 65536 || self.numel() / length > 16) return false;
  TORCH_CHECK(k >= 1 && k <= length, "kthvalue(): k is ", k, ", not in 1 ... ", length);
  const auto [values, indices] = at::sort(self, dim);
  stack.clear();
  for (const auto &sorted : {values, indices}) {
    // A copy: what is sorted would live as long as a view of it.
    stack.emplace_back((keepsDim ? sorted.narrow(dim, k - 1, 1) : sorted.select(dim, k - 1)).clone());
  }
  return true;
}

/// Counts what a call must give: everything up to the last argument without a default.
void finish(ct_op &op) {
  for (const auto &slot : op.slots) {
    if (slot.source < 0) continue;
    if (slot.kind == Kind::unsupported && !slot.hasDefault) {
      throw Refusal(CT_E_SCHEMA, op.name + ": argument '" + slot.name + "' has a type that cannot be handed over");
    }
    op.arguments = std::max(op.arguments, static_cast<uint32_t>(slot.source) + 1);
    if (!slot.hasDefault) op.required = std::max(op.required, static_cast<uint32_t>(slot.source) + 1);
  }
}

std::unique_ptr<ct_op> plan(const c10::OperatorName &name) {
  auto op = start(find(name));
  for (size_t i = 0; i < op->slots.size(); i++) op->slots[i].source = static_cast<int>(i);
  finish(*op);
  return op;
}

void matchReturns(const c10::FunctionSchema &wanted, const c10::FunctionSchema &real, const std::string &name) {
  const auto &ours = wanted.returns();
  const auto &theirs = real.returns();
  if (ours.size() != theirs.size()) {
    throw Refusal(CT_E_SCHEMA, name + ": returns " + std::to_string(theirs.size()) + " values, not " +
                                   std::to_string(ours.size()));
  }
  for (size_t i = 0; i < ours.size(); i++) {
    if (theirs[i].type()->isSubtypeOf(*ours[i].type())) continue;
    throw Refusal(CT_E_SCHEMA, name + ": return value " + std::to_string(i) + " is " + theirs[i].type()->str() +
                                   ", not " + ours[i].type()->str());
  }
}

std::unique_ptr<ct_op> plan(const c10::FunctionSchema &wanted) {
  auto op = start(find(wanted.operator_name()));
  const auto &real = op->handle.schema();
  for (size_t i = 0; i < wanted.arguments().size(); i++) {
    const auto &argument = wanted.arguments()[i];
    const auto index = real.argumentIndexWithName(argument.name());
    if (!index) {
      throw Refusal(CT_E_SCHEMA, op->name + ": there is no argument '" + argument.name() + "'; LibTorch has " +
                                     op->schema);
    }
    const auto &theirs = real.arguments()[*index];
    if (!argument.type()->isSubtypeOf(*theirs.type())) {
      throw Refusal(CT_E_SCHEMA, op->name + ": argument '" + argument.name() + "' is " + theirs.type()->str() +
                                     ", not " + argument.type()->str());
    }
    auto &slot = op->slots[*index];
    if (slot.source >= 0) throw Refusal(CT_E_SCHEMA, op->name + ": argument '" + argument.name() + "' is named twice");
    slot.source = static_cast<int>(i);
    if (argument.default_value()) {
      slot.hasDefault = true;
      slot.fallback = *argument.default_value();
    }
  }
  for (const auto &slot : op->slots) {
    if (slot.source >= 0 || slot.hasDefault) continue;
    throw Refusal(CT_E_SCHEMA, op->name + ": argument '" + slot.name + "' has no default and is not named");
  }
  matchReturns(wanted, real, op->name);
  finish(*op);
  return op;
}

using Parsed = std::variant<c10::OperatorName, c10::FunctionSchema>;

Parsed parse(const std::string &schema) {
  try {
    return torch::jit::parseSchemaOrName(schema);
  } catch (const std::exception &error) {
    const std::string why = error.what();
    throw Refusal(CT_E_SCHEMA, "'" + schema + "' is no operator schema: " + why.substr(0, why.find('\n')));
  }
}

std::unique_ptr<ct_op> plan(const std::string &schema) {
  const auto parsed = parse(schema);
  if (const auto *name = std::get_if<c10::OperatorName>(&parsed)) return plan(*name);
  return plan(std::get<c10::FunctionSchema>(parsed));
}

}  // namespace

const ct_op *resolve(const char *schema) {
  static std::mutex mutex;
  static std::map<std::string, std::unique_ptr<ct_op>> known;
  const std::lock_guard<std::mutex> lock(mutex);
  auto &entry = known[schema];
  if (!entry) {
    try {
      entry = plan(std::string(schema));
    } catch (...) {
      known.erase(schema);
      throw;
    }
  }
  return entry.get();
}

void describe(const ct_op *op, ct_op_info *out) noexcept {
  *out = {op->name.c_str(), op->schema.c_str(), op->arguments, op->required, op->returns, 0};
}

void call(const ct_op *op, const ct_value *args, uint32_t count, ct_value *returns, uint32_t capacity) {
  if (count > op->arguments) {
    throw Refusal(CT_E_ARGUMENT, op->name + ": takes at most " + std::to_string(op->arguments) + " arguments, not " +
                                     std::to_string(count));
  }
  if (capacity < op->returns) {
    throw Refusal(CT_E_ARGUMENT, op->name + ": returns " + std::to_string(op->returns) + " values, there is room for " +
                                     std::to_string(capacity));
  }
  torch::jit::Stack stack;
  stack.reserve(std::max<size_t>(op->slots.size(), op->returns));
  for (const auto &slot : op->slots) {
    if (slot.source >= 0 && static_cast<uint32_t>(slot.source) < count) {
      stack.push_back(box(args[slot.source], slot, op->name));
    } else if (slot.hasDefault) {
      stack.push_back(slot.fallback);
    } else {
      throw Refusal(CT_E_ARGUMENT, op->name + ": argument '" + slot.name + "' is missing");
    }
  }
  counters.calls.fetch_add(1, std::memory_order_relaxed);
  if (!op->isSelection || !selectBySorting(stack)) op->handle.callBoxed(stack);
  uint32_t done = 0;
  try {
    for (; done < op->returns; done++) returns[done] = unbox(std::move(stack[done]), op->name);
  } catch (...) {
    free(returns, done, true);
    throw;
  }
}

}  // namespace ct
