// SPDX-License-Identifier: Apache-2.0
//
// lethe/diffusion.hpp - noise, timesteps and the network of a run on a diffusion model.
#ifndef LETHE_DIFFUSION_HPP
#define LETHE_DIFFUSION_HPP

#include <lethe/step.hpp>

namespace lethe {

/// The task's losses of a batch.
struct TaskLosses {
  Tensor losses;                    ///< float [n], part of the graph.
  std::optional<Tensor> timesteps;  ///< int64 [n], where the task has any.
};

/// What goes into a forward pass of the network beside the noisy images and their timesteps.
struct Denoise {
  std::optional<Tensor> conditions;  ///< int64 [n], -1 for the null condition; none for a network without conditions.
  double guidance = 0;               ///< s in (1+s) eps(c) - s eps(null).
  Forward how = Forward::training;   ///< Dropout and graph.
  bool dropsConditions = false;      ///< Forgets conditions at the rate of the model's training.
};

/// x_t = gamma_t x + sigma_t eps for images x in [-1, 1], and a network that predicts eps. Valid during the callback.
class Diffusion {
 public:
  /// Asks the host; throws in a run on a classifier.
  explicit Diffusion(const Call &call) : call_(call) {
    const auto describe = detail::offered(functions().describe, "lethe.diffusion/1 describe");
    info_.size = sizeof info_;
    detail::ask([&](lethe_error *error) { return describe(call_.context(), &info_, error); });
  }

  /// T: a timestep is 0 ... T-1.
  int64_t timesteps() const noexcept { return info_.timesteps; }
  /// d, the elements of an image.
  int64_t dimensions() const noexcept { return info_.dimensions; }
  /// Classes that the network is conditioned on; 0 for none.
  int64_t conditions() const noexcept { return info_.conditions; }
  /// float32 [T].
  Tensor gamma() const { return call_.tensor(info_.gamma); }
  /// float32 [T].
  Tensor sigma() const { return call_.tensor(info_.sigma); }

  /// int64 [count], uniform over 0 ... T-1, from the stream of that label; `antithetic` pairs t with T-1-t.
  Tensor drawTimesteps(const std::string &label, int64_t count, bool antithetic = false) const {
    const auto draw = detail::offered(functions().draw_timesteps, "lethe.diffusion/1 draw_timesteps");
    const uint32_t flags = antithetic ? LETHE_TIMESTEPS_ANTITHETIC : 0;
    return made([&](lethe_tensor *out, lethe_error *error) {
      return draw(call_.context(), label.c_str(), count, flags, out, error);
    });
  }

  /// Standard normal noise of the shape and type of `like`, from the stream of that label.
  Tensor drawNoise(const std::string &label, const Tensor &like) const {
    const auto draw = detail::offered(functions().draw_noise, "lethe.diffusion/1 draw_noise");
    return made([&](lethe_tensor *out, lethe_error *error) {
      return draw(call_.context(), label.c_str(), like.handle(), out, error);
    });
  }

  /// gamma_t x + sigma_t eps, float [n, C, H, W].
  Tensor addNoise(const Tensor &clean, const Tensor &noise, const Tensor &timesteps) const {
    const auto add = detail::offered(functions().add_noise, "lethe.diffusion/1 add_noise");
    return made([&](lethe_tensor *out, lethe_error *error) {
      return add(call_.context(), clean.handle(), noise.handle(), timesteps.handle(), out, error);
    });
  }

  /// The noise that a model predicts in `noisy`, float32 [n, C, H, W].
  Tensor denoise(const Model &model, const Tensor &noisy, const Tensor &timesteps, const Denoise &how = {}) const {
    const auto denoise = detail::offered(functions().denoise, "lethe.diffusion/1 denoise");
    lethe_denoise input{};
    input.size = sizeof input;
    input.flags = static_cast<uint32_t>(how.how) | (how.dropsConditions ? LETHE_DENOISE_DROP_CONDITION : 0u);
    input.noisy = noisy.handle();
    input.timesteps = timesteps.handle();
    input.conditions = detail::handle(how.conditions);
    input.guidance = how.guidance;
    return made([&](lethe_tensor *out, lethe_error *error) {
      return denoise(call_.context(), model.handle(), &input, out, error);
    });
  }

  /// |prediction - target|^2 of each sample, [n], by the recipe's reduction over the elements.
  Tensor losses(const Tensor &prediction, const Tensor &target) const {
    const auto losses = detail::offered(functions().losses, "lethe.diffusion/1 losses");
    return made([&](lethe_tensor *out, lethe_error *error) {
      return losses(call_.context(), prediction.handle(), target.handle(), out, error);
    });
  }

 private:
  const lethe_diffusion &functions() const noexcept { return call_.services().diffusion; }

  template <class Ask>
  Tensor made(const Ask &ask) const {
    lethe_tensor found = nullptr;
    detail::ask([&](lethe_error *error) { return ask(&found, error); });
    return call_.tensor(found);
  }

  Call call_;
  lethe_diffusion_info info_{};
};

inline Diffusion Call::diffusion() const { return Diffusion(*this); }

inline TaskLosses Call::batchLosses(const Model &model, const Batch &batch) const {
  const auto losses = detail::offered(services_->task.batch_losses, "lethe.task/1 batch_losses");
  lethe_batch given{};
  given.size = sizeof given;
  given.forget_count = batch.forgetCount;
  given.retain_count = batch.retainCount;
  given.inputs = batch.inputs.handle();
  given.labels = batch.labels.handle();
  given.indices = batch.indices.handle();
  lethe_task_losses found{};
  found.size = sizeof found;
  detail::ask([&](lethe_error *error) { return losses(context_, model.handle(), &given, &found, error); });
  return {tensor(found.losses), optional(found.timesteps)};
}

inline std::vector<double> Call::referenceCurve(SampleSet set, const std::vector<int64_t> &timesteps) const {
  const auto curve = detail::offered(services_->evaluate.reference_curve, "lethe.evaluate/1 reference_curve");
  std::vector<double> losses(timesteps.size());
  detail::ask([&](lethe_error *error) {
    return curve(context_, static_cast<uint32_t>(set), timesteps.data(), static_cast<uint32_t>(timesteps.size()),
                 losses.data(), error);
  });
  return losses;
}

}  // namespace lethe

#endif
