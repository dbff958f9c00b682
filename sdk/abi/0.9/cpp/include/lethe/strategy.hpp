// SPDX-License-Identifier: Apache-2.0
//
// lethe/strategy.hpp - what an author derives from: one class for each role.
#ifndef LETHE_STRATEGY_HPP
#define LETHE_STRATEGY_HPP

#include <lethe/plugin.h>
#include <lethe/state.hpp>
#include <lethe/step.hpp>

namespace lethe {

/// The values of the manifest's parameters, in its order: parsed, defaulted and checked for range by the host.
class Parameters {
 public:
  /// From the host's struct, of any size.
  explicit Parameters(const lethe_create_info *source) {
    const auto info = detail::snapshot<lethe_create_info>(source);
    if (info.params != nullptr) values_.assign(info.params, info.params + info.param_count);
  }

  /// Whether there is a value: false for a parameter without default that was not given.
  bool isGiven(size_t index) const noexcept { return index < values_.size() && values_[index].tag != LETHE_T_NONE; }

  /// A parameter of type "float".
  double number(size_t index) const { return value(index, LETHE_T_FLOAT, "float").as.f; }
  /// A parameter of type "int".
  int64_t integer(size_t index) const { return value(index, LETHE_T_INT, "int").as.i; }
  /// A parameter of type "bool".
  bool truth(size_t index) const { return value(index, LETHE_T_BOOL, "bool").as.i != 0; }
  /// A parameter of type "string".
  std::string text(size_t index) const { return detail::offered(value(index, LETHE_T_STR, "string").as.s, "a string"); }

 private:
  const lethe_value &value(size_t index, uint32_t tag, const char *type) const {
    if (index < values_.size() && values_[index].tag == tag) return values_[index];
    throw Failure::parameter(static_cast<uint32_t>(index), "parameter " + std::to_string(index) + " is not a " + type +
                                                               ": the manifest and the code disagree");
  }

  std::vector<lethe_value> values_;
};

/// A method, or a part of one: an object that the host makes from parameters and then calls, always on the run's one
/// thread. It has a constructor from `const Parameters &`, which is cheap, touches no tensor, checks what the manifest
/// cannot say and throws `Failure::parameter`.
///
///     constructor -> prepare -> (the role's calls)* -> finish -> destructor
///
/// Whatever is thrown out of any of them ends the run with its message; the destructor throws nothing. What a class
/// does not override it does not offer.
class Strategy {
 public:
  /// Of what `save` writes; `load` sees the version that wrote it. A class that saves may have its own.
  static constexpr uint32_t stateVersion = 1;

  /// Sees the models, may compute at length, polls `Call::checkCancelled`.
  virtual void prepare(const Call &) {}
  /// After the last step.
  virtual void finish(const Call &) {}
  /// New values for tunable parameters, between steps; all are given, as in the constructor.
  virtual void retune(const Parameters &) {}
  /// Writes all that a resumed strategy needs to go on bit for bit. A class that has it has `load`; one without them is
  /// a function of its parameters and of what it is shown.
  virtual void save(StateWriter &, const Call &) const {}
  /// Reads it back.
  virtual void load(StateReader &, uint32_t /*version*/, const Call &) {}

 protected:
  Strategy() = default;
  Strategy(const Strategy &) = default;
  Strategy(Strategy &&) = default;
  Strategy &operator=(const Strategy &) = default;
  Strategy &operator=(Strategy &&) = default;
  ~Strategy() = default;
};

/// Role `lethe.objective/1`: which differentiable losses a step has.
class Objective : public Strategy {
 public:
  /// The terms of one step, at least one. Called once for each micro-batch.
  virtual std::vector<Term> terms(const Step &step, const Call &call) = 0;

 protected:
  ~Objective() = default;
};

/// Role `lethe.reweighter/1`: how much each sample of a term counts.
class Reweighter : public Strategy {
 public:
  /// Weights [n] of the losses' type and device, or none for uniform weights 1/n. The manifest's "output" says what
  /// they promise: "normalised" (sum 1 within 1e-5), "free" (finite, >= 0) or "signed" (finite). No gradient flows
  /// through them.
  virtual std::optional<Tensor> weights(const SeenTerm &term, const Call &call) = 0;

 protected:
  ~Reweighter() = default;
};

/// Role `lethe.mask/1`: which weights may move. The host walks over the sets of the manifest's "streams", hands over
/// the gradient of every batch's mean loss, and keeps the best-scoring weights.
class Mask : public Strategy {
 public:
  /// Starts a walk; may change how it is made.
  virtual void begin(const std::vector<NamedTensor> &parameters, Walk &walk, const Call &call) = 0;
  /// The gradients of one batch of `count` samples in parameter order; none is a gradient of zero.
  virtual void accumulate(const std::vector<std::optional<Tensor>> &gradients, int64_t count, const Call &call) = 0;
  /// Scores for each parameter, of its shape: float, finite, >= 0; higher means kept first.
  virtual std::vector<Tensor> scores(const Call &call) = 0;

 protected:
  ~Mask() = default;
};

/// Role `lethe.updater/1`: how the gradients of the terms become one direction, and what happens after the step. At
/// least one of the two is overridden.
class Updater : public Strategy {
 public:
  /// Reads the terms with `Call::stepTerms` and sets a direction with `Call::setDirection`. Without it the host takes
  /// the gradient of the summed loss in one pass.
  virtual void combine(const Progress &, const Call &) {}
  /// Factors of the terms of one micro-batch, one-element tensors without a graph, where they are known before any
  /// gradient is taken: the host then makes one backward pass of sum_i scale_i * term_i and does not call `combine`.
  /// None: each term's gradient is taken and `combine` is called. The same kind of answer for all micro-batches of a step.
  virtual std::vector<Tensor> scales(const std::vector<StepTerm> &, const Progress &, const Call &) { return {}; }
  /// Runs after the optimizer's step and before masked weights are restored; the model's parameters may be changed in
  /// place, nothing is recorded.
  virtual void afterStep(const Progress &, const Call &) {}

 protected:
  ~Updater() = default;
};

}  // namespace lethe

#endif
