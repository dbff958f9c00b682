// SPDX-License-Identifier: Apache-2.0
//
// lethe/model.hpp - models, the task, and the step under way.
#ifndef LETHE_MODEL_HPP
#define LETHE_MODEL_HPP

#include <lethe/tensor.hpp>

namespace lethe {

/// How a forward pass is made.
enum class Forward : uint32_t {
  training = 0,                                            ///< Batch statistics, which are updated, and a graph.
  evaluating = LETHE_FORWARD_EVAL,                         ///< Running statistics, no dropout; a graph.
  withoutGraph = LETHE_FORWARD_NO_GRAD,                    ///< Batch statistics, which are updated; no graph.
  observing = LETHE_FORWARD_EVAL | LETHE_FORWARD_NO_GRAD,  ///< Running statistics, no dropout, no graph.
};

/// A model of the run; the value is valid during the callback.
class Model {
 public:
  /// Made by the kit.
  Model(lethe_model handle, const Call &call) noexcept : handle_(handle), call_(call) {}

  /// For the C functions that the kit has no word for.
  lethe_model handle() const noexcept { return handle_; }

  /// Classification: logits, float [n, classes], of inputs [n, C, H, W] in [0, 1].
  Tensor forward(const Tensor &inputs, Forward how = Forward::training) const {
    const auto forward = detail::offered(call_.services().models.forward, "lethe.model/1 forward");
    lethe_forward input{};
    input.size = sizeof input;
    input.flags = static_cast<uint32_t>(how);
    input.inputs = inputs.handle();
    lethe_tensor output = nullptr;
    detail::ask([&](lethe_error *error) { return forward(call_.context(), handle_, &input, &output, error); });
    return call_.tensor(output);
  }

  /// The trainable parameters in a stable order, leaves of the graph. Write to them only in `afterStep`, in place.
  std::vector<NamedTensor> parameters() const {
    return list(call_.services().models.parameters, "lethe.model/1 parameters");
  }

  /// Running statistics and counters, in a stable order.
  std::vector<NamedTensor> buffers() const { return list(call_.services().models.buffers, "lethe.model/1 buffers"); }

  /// Gives a parameter another size along its first dimension, and a copy of `value`'s elements. In `prepare` at the
  /// beginning of a run and `finish` at its end, of an objective.
  void resize(const std::string &parameter, const Tensor &value) const {
    const auto resize = detail::offered(call_.services().models.resize, "lethe.model/1 resize");
    detail::ask([&](lethe_error *error) {
      return resize(call_.context(), handle_, parameter.c_str(), value.handle(), error);
    });
  }

 private:
  std::vector<NamedTensor> list(decltype(lethe_models::parameters) function, const char *name) const {
    detail::offered(function, name);
    lethe_named_tensors found{};
    found.size = sizeof found;
    detail::ask([&](lethe_error *error) { return function(call_.context(), handle_, &found, error); });
    return detail::named(call_, found);
  }

  lethe_model handle_;
  Call call_;
};

/// What the run is about.
struct TaskInfo {
  std::string kind;     ///< "classification" or "diffusion".
  int64_t classes;      ///< Classification: the number of classes C.
  int64_t forgetCount;  ///< Samples in the forget set.
  int64_t retainCount;  ///< Samples in the retain set.
};

/// A term of the step under way, as an updater sees it.
struct StepTerm {
  SampleSet set;                                 ///< Which set its samples are of; none for a penalty.
  std::string name;                              ///< Its name.
  double coefficient;                            ///< As the objective gave it.
  Tensor loss;                                   ///< A scalar without a graph, coefficient included.
  std::vector<std::optional<Tensor>> gradients;  ///< In parameter order, masked, coefficient included; none for zero; empty in scales.
};

namespace detail {

/// A C string of the host as ours; empty where there is none.
inline std::string text(const char *source) { return source == nullptr ? std::string() : std::string(source); }

}  // namespace detail

inline Model Call::model(const char *name) const {
  const auto find = detail::offered(services_->models.find, "lethe.model/1 find");
  lethe_model found = nullptr;
  detail::ask([&](lethe_error *error) { return find(context_, name, &found, error); });
  return Model(detail::offered(found, "a model"), *this);
}

inline TaskInfo Call::task() const {
  const auto describe = detail::offered(services_->task.describe, "lethe.task/1 describe");
  lethe_task_info info{};
  info.size = sizeof info;
  detail::ask([&](lethe_error *error) { return describe(context_, &info, error); });
  return {detail::text(info.kind), info.classes, info.forget, info.retain};
}

inline Tensor Call::losses(const Tensor &outputs, const Tensor &labels) const {
  const auto losses = detail::offered(services_->task.losses, "lethe.task/1 losses");
  lethe_tensor found = nullptr;
  detail::ask([&](lethe_error *error) {
    return losses(context_, outputs.handle(), labels.handle(), &found, error);
  });
  return tensor(found);
}

inline double Call::referenceLoss(SampleSet set) const {
  const auto reference = detail::offered(services_->evaluate.reference_loss, "lethe.evaluate/1 reference_loss");
  double loss = 0;
  detail::ask([&](lethe_error *error) { return reference(context_, static_cast<uint32_t>(set), &loss, error); });
  return loss;
}

inline std::vector<StepTerm> Call::stepTerms(bool gradients) const {
  const auto number = detail::offered(services_->steps.count, "lethe.step/1 count");
  const auto term = detail::offered(services_->steps.term, "lethe.step/1 term");
  const auto gradient = detail::offered(services_->steps.gradient, "lethe.step/1 gradient");
  uint32_t terms = 0;
  detail::ask([&](lethe_error *error) { return number(context_, &terms, error); });
  std::vector<StepTerm> found;
  found.reserve(terms);
  for (uint32_t index = 0; index < terms; index++) {
    lethe_step_term seen{};
    seen.size = sizeof seen;
    detail::ask([&](lethe_error *error) { return term(context_, index, &seen, error); });
    lethe_named_tensors list{};
    list.size = sizeof list;
    if (gradients) detail::ask([&](lethe_error *error) { return gradient(context_, index, &list, error); });
    const size_t count = list.tensors == nullptr ? 0 : list.count;
    found.push_back({static_cast<SampleSet>(seen.set), detail::text(seen.name), seen.coefficient, tensor(seen.loss),
                     detail::tensors(*this, list.tensors, count)});
  }
  return found;
}

inline void Call::setDirection(const std::vector<Tensor> &direction) const {
  setDirection(detail::handles(direction));
}

inline void Call::setDirection(const std::vector<std::optional<Tensor>> &direction) const {
  setDirection(detail::handles(direction));
}

inline void Call::setDirection(const std::vector<lethe_tensor> &handles) const {
  const auto set = detail::offered(services_->steps.set_direction, "lethe.step/1 set_direction");
  detail::ask([&](lethe_error *error) {
    return set(context_, handles.data(), static_cast<uint32_t>(handles.size()), error);
  });
}

namespace detail {

/// The length of two lists of gradients, which must agree.
inline uint32_t sameLength(size_t a, size_t b) {
  if (a == b) return static_cast<uint32_t>(a);
  throw Failure("lists of " + std::to_string(a) + " and " + std::to_string(b) + " gradients do not fit together",
                LETHE_E_INVALID_ARGUMENT);
}

}  // namespace detail

inline Tensor Call::dot(const std::vector<std::optional<Tensor>> &a,
                        const std::vector<std::optional<Tensor>> &b) const {
  const auto dot = detail::offered(services_->steps.dot, "lethe.step/1 dot");
  const uint32_t count = detail::sameLength(a.size(), b.size());
  const auto left = detail::handles(a), right = detail::handles(b);
  lethe_tensor found = nullptr;
  detail::ask([&](lethe_error *error) { return dot(context_, left.data(), right.data(), count, &found, error); });
  return tensor(found);
}

inline std::vector<std::optional<Tensor>> Call::sum(const std::vector<std::optional<Tensor>> &a, const Tensor &scale,
                                                    const std::vector<std::optional<Tensor>> &b) const {
  const auto axpy = detail::offered(services_->steps.axpy, "lethe.step/1 axpy");
  const uint32_t count = detail::sameLength(a.size(), b.size());
  const auto left = detail::handles(a), right = detail::handles(b);
  std::vector<lethe_tensor> found(count, nullptr);
  detail::ask([&](lethe_error *error) {
    return axpy(context_, left.data(), scale.handle(), right.data(), count, found.data(), error);
  });
  return detail::tensors(*this, found.data(), found.size());
}

inline double Call::learningRate() const {
  const auto learningRate = detail::offered(services_->steps.learning_rate, "lethe.step/1 learning_rate");
  double rate = 0;
  detail::ask([&](lethe_error *error) { return learningRate(context_, &rate, error); });
  return rate;
}

inline std::vector<StepTerm> Call::evaluate(SampleSet sets, uint32_t round, bool gradients) const {
  const auto evaluate = detail::offered(services_->steps.evaluate, "lethe.step/1 evaluate");
  lethe_evaluation asked{};
  asked.size = sizeof asked;
  asked.sets = static_cast<uint32_t>(sets);
  asked.round = round;
  asked.flags = gradients ? 0u : LETHE_EVALUATE_LOSSES;
  detail::ask([&](lethe_error *error) { return evaluate(context_, &asked, error); });
  return stepTerms(gradients);
}

inline void Call::advance(const std::vector<std::optional<Tensor>> &direction, double learningRate,
                          bool sharesMoments) const {
  const auto advance = detail::offered(services_->steps.advance, "lethe.step/1 advance");
  const auto handles = detail::handles(direction);
  const uint32_t flags = sharesMoments ? LETHE_ADVANCE_SHARED : 0u;
  detail::ask([&](lethe_error *error) {
    return advance(context_, handles.data(), static_cast<uint32_t>(handles.size()), learningRate, flags, error);
  });
}

inline void Call::restore() const {
  const auto restore = detail::offered(services_->steps.restore, "lethe.step/1 restore");
  detail::ask([&](lethe_error *error) { return restore(context_, error); });
}

}  // namespace lethe

#endif
