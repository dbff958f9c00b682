// SPDX-License-Identifier: Apache-2.0
//
// A complete reweighter. A forget sample counts for as much as the model still knows it:
//
//   w_i = p_i^gamma / n,   p_i = exp(-loss_i)          loss_i with the true label; other terms keep uniform weights
#include <lethe/lethe.hpp>

class Fade final : public lethe::Reweighter {
 public:
  explicit Fade(const lethe::Parameters &parameters) : gamma(parameters.number(0)) {}

  void retune(const lethe::Parameters &parameters) override { gamma = parameters.number(0); }

  std::optional<lethe::Tensor> weights(const lethe::SeenTerm &term, const lethe::Call &) override {
    if (term.set != lethe::SampleSet::forget) return std::nullopt;
    return exp(-gamma * term.cleanLosses) / term.count;
  }

 private:
  /// The manifest's first parameter: its type, range and default are the host's work.
  double gamma;
};

LETHE_PLUGIN("org.example.fade", "1.0.0", lethe::reweighter<Fade>("org.example.fade"));
LETHE_MANIFEST_FILE("manifest.json");
