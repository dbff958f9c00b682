// SPDX-License-Identifier: Apache-2.0
//
// l1-sparse: fine-tune on what is to be kept, and pull every weight towards zero while there is time to recover from it.
//
//   L_e(theta) = mean over the retain set of the task's loss  +  a_e * ||theta||_1
//
//   a_e = alpha * (1 - e / (E - E0))  in epoch e < E - E0,  else 0
//
// with E the epochs of the run and E0 the last ones without a penalty; the norm is over all trainable parameters.
#include <lethe/lethe.hpp>

class L1Sparse final : public lethe::Objective {
 public:
  explicit L1Sparse(const lethe::Parameters &parameters)
      : alpha(parameters.number(0)), epochsWithout(parameters.integer(1)) {}

  void retune(const lethe::Parameters &parameters) override { alpha = parameters.number(0); }

  void prepare(const lethe::Call &call) override { norms = call.resolve(LETHE_ATEN_FOREACH_NORM_SCALAR); }

  std::vector<lethe::Term> terms(const lethe::Step &step, const lethe::Call &call) override {
    std::vector<lethe::Term> terms;
    for (const lethe::Batch &batch : step.batches) {
      if (batch.forgetCount > 0) throw lethe::Failure("l1-sparse wants batches of the retain set alone");
      const auto found = call.batchLosses(step.model, batch);
      terms.push_back(lethe::Term::over(lethe::SampleSet::retain, "retain", found.losses));
      terms.back().timesteps = found.timesteps;
      terms.back().indices = batch.indices;
    }
    const double a = coefficient(step.progress);
    if (a > 0) terms.push_back(lethe::Term::withoutSamples("l1", l1Norm(step.model, call), a));
    return terms;
  }

 private:
  /// a_e.
  double coefficient(const lethe::Progress &progress) const {
    const double e = static_cast<double>(progress.epoch), rest = static_cast<double>(progress.epochs - epochsWithout);
    return e < rest ? alpha * (1 - e / rest) : 0;
  }

  /// ||theta||_1, whose gradient is sign(theta) with sign(0) = 0.
  lethe::Tensor l1Norm(const lethe::Model &model, const lethe::Call &call) const {
    return sum(stack(norms.list(call, tensors(model.parameters()), 1)));
  }

  double alpha;
  /// E0.
  int64_t epochsWithout;
  /// The norm of each tensor of a list.
  lethe::Operator norms;
};

LETHE_PLUGIN("lethe.l1-sparse", "0.1.0", lethe::objective<L1Sparse>("l1-sparse"));
