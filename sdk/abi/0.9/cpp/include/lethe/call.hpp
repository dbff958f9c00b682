// SPDX-License-Identifier: Apache-2.0
//
// lethe/call.hpp - the host as a callback sees it. What its functions give is in tensor.hpp, operator.hpp, model.hpp.
#ifndef LETHE_CALL_HPP
#define LETHE_CALL_HPP

#include <lethe/helpers.h>
#include <lethe/services.hpp>

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <vector>

namespace lethe {

class Generator;
class Model;
class Operator;
class Tensor;
struct StepTerm;
struct TaskLosses;
class Batch;
class Diffusion;
struct TaskInfo;
enum class DType : int32_t;

/// Sets of samples.
enum class SampleSet : uint32_t {
  none = 0,                                    ///< A penalty's.
  forget = LETHE_SET_FORGET,                   ///< The samples to be forgotten.
  retain = LETHE_SET_RETAIN,                   ///< The samples to be kept.
  both = LETHE_SET_FORGET | LETHE_SET_RETAIN,  ///< Either.
  test = LETHE_SET_TEST,                       ///< Held out; for metrics alone.
  validation = LETHE_SET_VALIDATION,           ///< Set aside; for metrics alone.
};

/// Whether `sets` holds all of `set`.
constexpr bool contains(SampleSet sets, SampleSet set) noexcept {
  return (static_cast<uint32_t>(sets) & static_cast<uint32_t>(set)) == static_cast<uint32_t>(set);
}

/// The right to call the host, for the length of one callback and on its thread. A small value; do not keep it beyond
/// the callback, nor tensors that came with it: `Tensor::keep` is for that. Its functions throw `Failure`.
class Call {
 public:
  /// Made by the kit for every callback.
  Call(lethe_ctx context, Services &services) noexcept : context_(context), services_(&services) {}

  /// For the C functions that the kit has no word for.
  lethe_ctx context() const noexcept { return context_; }
  /// The host's tables.
  Services &services() const noexcept { return *services_; }

  /// One line for the run's record. Levels: `LETHE_LOG_DEBUG`, `LETHE_LOG_INFO`, `LETHE_LOG_WARNING`.
  void log(const std::string &message, int32_t level = LETHE_LOG_INFO) const noexcept {
    if (services_->core.log != nullptr) services_->core.log(context_, level, message.c_str());
  }

  /// Throws `Failure::cancelled` once the run was asked to stop. One atomic load: poll it in every loop that is long.
  void checkCancelled() const {
    if (services_->core.cancelled != nullptr && services_->core.cancelled(context_) != 0) throw Failure::cancelled();
  }

  /// Records a number about this step under `key` ([a-z][a-z0-9_.]*).
  void report(const char *key, double value) const { report(key, lethe_of_float(value)); }
  /// Records a tensor of one element; it is read when the next event is due, so no step waits for the device.
  void report(const char *key, const Tensor &value) const;

  /// A tensor on the run's device with these row-major values. Throws where they do not fill the shape.
  template <class Element>
  Tensor tensor(const std::vector<Element> &values, const std::vector<int64_t> &shape) const;
  /// The same from `size` raw bytes of any element type; zeros where `values` is NULL.
  Tensor tensor(DType dtype, const std::vector<int64_t> &shape, const void *values, size_t size) const;
  /// The tensor behind a handle that the host gave; throws where it is NULL.
  Tensor tensor(lethe_tensor handle) const;
  /// Like `tensor`, for handles that may be absent.
  std::optional<Tensor> optional(lethe_tensor handle) const;

  /// Runs `body` and frees every tensor that it made, for loops that make many.
  template <class Body>
  void freeingTensors(const Body &body) const;

  /// LibTorch's own generator, for operators that take one. Random numbers are a function of (run seed, strategy
  /// instance, label, step): there is no state to save.
  Generator generator(const char *label) const;
  /// The first `count` words of the stream: Philox 4x32-10, the same in every language.
  std::vector<uint32_t> randomBits(const char *label, size_t count) const;

  /// Gradients of a scalar with respect to `inputs`; none where it does not depend on one.
  /// `flags`: `LETHE_GRAD_RETAIN_GRAPH`, `LETHE_GRAD_CREATE_GRAPH`.
  std::vector<std::optional<Tensor>> gradient(const Tensor &output, const std::vector<Tensor> &inputs,
                                              uint32_t flags = 0) const;
  /// Runs `body` without recording a graph, and gives what it gives.
  template <class Body>
  decltype(auto) withoutGraph(const Body &body) const;

  /// Finds an operator by the schema text that your code is written against. Tens of microseconds: do it in `prepare`.
  Operator resolve(const char *schema) const;

  /// "model", which is being unlearned, or "original", as it was before, where the manifest lists it under "models".
  Model model(const char *name = "model") const;
  /// What the run is about.
  TaskInfo task() const;
  /// The task's loss of each sample, [n], never reduced. Classification: cross-entropy of logits [n, C] and int64 [n].
  Tensor losses(const Tensor &outputs, const Tensor &labels) const;
  /// Passes a batch through a model as training does and gives the task's loss of each sample, never reduced: for
  /// objectives that serve every task.
  TaskLosses batchLosses(const Model &model, const Batch &batch) const;
  /// The mean loss of the original model over a set. Only in `prepare`: it costs a pass over the set.
  double referenceLoss(SampleSet set) const;
  /// The same at each of these timesteps, for diffusion. Only in `prepare`.
  std::vector<double> referenceCurve(SampleSet set, const std::vector<int64_t> &timesteps) const;
  /// The noise of the run; throws in a run on a classifier. See diffusion.hpp.
  Diffusion diffusion() const;

  /// The terms of the step under way with their gradients: one backward pass each. In `combine` only; without gradients
  /// in `scales` too.
  std::vector<StepTerm> stepTerms(bool gradients = true) const;
  /// What the optimizer gets: one tensor of the parameter's shape for each parameter. In `combine` only.
  void setDirection(const std::vector<Tensor> &direction) const;
  /// The same for lists as gradients have them; each must be there.
  void setDirection(const std::vector<std::optional<Tensor>> &direction) const;
  /// The inner product of two lists of gradients, a scalar; none counts as zero. In `combine` only.
  Tensor dot(const std::vector<std::optional<Tensor>> &a, const std::vector<std::optional<Tensor>> &b) const;
  /// a + scale * b for two lists of gradients and a scalar tensor; none counts as zero, and the sum of two is none.
  /// In `combine` only.
  std::vector<std::optional<Tensor>> sum(const std::vector<std::optional<Tensor>> &a, const Tensor &scale,
                                         const std::vector<std::optional<Tensor>> &b) const;
  /// The learning rate of this step. In `combine` and `afterStep` only.
  double learningRate() const;

  /// The terms of these sets at the weights as they are now, penalties included; none where no sample is of these sets.
  /// `stepTerms` shows them too, until `restore`. Whatever was tried, weights and running statistics are as they were when
  /// `combine` returns. In `combine` only, as the next two are.
  /// `round`: 0 for the step's own batches and random numbers; from 1 on other ones, the same for the same step and round.
  /// `gradients`: false for values only, which costs no backward pass.
  std::vector<StepTerm> evaluate(SampleSet sets, uint32_t round = 0, bool gradients = true) const;
  /// One step on trial by the run's rule, not clipped; none is a gradient of zero. Masked weights keep their bits.
  /// `sharesMoments`: with the moments of the run's optimizer, which keep what they gather; else with moments that begin
  /// at zero in every `combine`.
  void advance(const std::vector<std::optional<Tensor>> &direction, double learningRate,
               bool sharesMoments = false) const;
  /// Puts weights, running statistics and the step's own terms back.
  void restore() const;

  /// Calls an operator; for the kit's own functions.
  Tensor apply(detail::Aten aten, std::initializer_list<lethe_value> arguments) const;

 private:
  void report(const char *key, const lethe_value &value) const;
  void setDirection(const std::vector<lethe_tensor> &handles) const;

  lethe_ctx context_;
  Services *services_;
};

}  // namespace lethe

#endif
