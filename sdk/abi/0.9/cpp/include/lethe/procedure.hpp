// SPDX-License-Identifier: Apache-2.0
//
// lethe/procedure.hpp - a method that is no loop of optimizer steps, and the walk over data that it makes.
#ifndef LETHE_PROCEDURE_HPP
#define LETHE_PROCEDURE_HPP

#include <lethe/plugin.hpp>
#include <lethe/procedure.h>

namespace lethe {

/// Role `lethe.procedure/1`: changes the model's parameters itself, once.
class Procedure : public Strategy {
 public:
  /// Changes the parameters of `model` in place, within `Call::withoutGraph`. A run that is stopped meanwhile begins it
  /// again; a parameter that is not finite afterwards is an error.
  virtual void run(const Model &model, const Call &call) = 0;

 protected:
  ~Procedure() = default;
};

/// A walk over a set in dataset order, for `prepare` and `Procedure::run`.
class DataPass {
 public:
  /// `size` samples a batch, the last one may be short; `augmented` with the crops and flips of training.
  DataPass(SampleSet set, int64_t size, const Call &call, bool augmented = false)
      : call_(call), set_(set), size_(size), augmented_(augmented) {
    if (size < 1) throw Failure("a batch has at least one sample", LETHE_E_INVALID_ARGUMENT);
    const TaskInfo task = call.task();
    const int64_t samples = set == SampleSet::forget ? task.forgetCount : task.retainCount;
    count_ = (samples + size - 1) / size;
  }

  /// How many batches there are.
  int64_t count() const noexcept { return count_; }

  /// The batch of that number, from 0. Throws once the run was asked to stop.
  Batch operator()(int64_t number) const {
    const auto fetch = detail::offered(call_.services().data.batch, "lethe.data/1 batch");
    lethe_pass pass{};
    pass.size = sizeof pass;
    pass.set = static_cast<uint32_t>(set_);
    pass.flags = augmented_ ? LETHE_PASS_AUGMENT : 0u;
    pass.batch = size_;
    lethe_batch found{};
    found.size = sizeof found;
    detail::ask([&](lethe_error *error) { return fetch(call_.context(), &pass, number, &found, error); });
    return Batch(&found, call_);
  }

  /// Calls `body` with every batch, frees what tensors it made, and tells the user how far the work is.
  template <class Body>
  void forEach(const Body &body) const {
    for (int64_t number = 0; number < count_; number++) {
      call_.freeingTensors([&] { body((*this)(number)); });
      if (call_.services().data.progress != nullptr) {
        call_.services().data.progress(call_.context(), number + 1, count_);
      }
    }
  }

 private:
  Call call_;
  SampleSet set_;
  int64_t size_;
  bool augmented_;
  int64_t count_;
};

namespace detail {

template <class Method>
lethe_status run(lethe_self self, lethe_ctx context, const lethe_procedure_in *in, lethe_error *error) noexcept {
  return answer<Method>(self, context, error, [&](auto &me, const Call &call) {
    me.method.run(Model(offered(snapshot<lethe_procedure_in>(in).model, "the model"), call), call);
  });
}

template <class Method>
inline constexpr lethe_procedure procedures = {sizeof(lethe_procedure), 0, run<Method>};

}  // namespace detail

/// A procedure with the manifest's id.
template <class Method>
constexpr lethe_strategy procedure(const char *id) noexcept {
  static_assert(std::is_base_of_v<Procedure, Method>, "a procedure derives from lethe::Procedure");
  return detail::strategy<Method>(id, LETHE_ROLE_PROCEDURE, &detail::procedures<Method>);
}

}  // namespace lethe

#endif
