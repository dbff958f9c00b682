// Descent on what is kept, ascent on what is forgotten:
//
//   L(theta) = mean over D_r of CE(theta; x, y)  -  ascent * mean over D_f of CE(theta; x, y)
#include <lethe/lethe.hpp>

class MyMethod final : public lethe::Objective {
 public:
  explicit MyMethod(const lethe::Parameters &parameters) : ascent(parameters.number(0)) {}

  void retune(const lethe::Parameters &parameters) override { ascent = parameters.number(0); }

  std::vector<lethe::Term> terms(const lethe::Step &step, const lethe::Call &call) override {
    std::vector<lethe::Term> terms;
    for (const lethe::Batch &batch : step.batches) {
      const lethe::Tensor losses = call.batchLosses(step.model, batch).losses;
      const auto add = [&](lethe::SampleSet set, const char *name, double coefficient) {
        if (!step.wants(set, batch)) return;
        terms.push_back(lethe::Term::over(set, name, batch.rows(set, losses), coefficient));
        terms.back().indices = batch.rows(set, batch.indices);
      };
      add(lethe::SampleSet::forget, "forget", -ascent);
      add(lethe::SampleSet::retain, "retain", 1);
    }
    return terms;
  }

 private:
  /// The manifest's first parameter: its type, range and default are the host's work.
  double ascent;
};

LETHE_PLUGIN("org.example.my-method", "0.1.0", lethe::objective<MyMethod>("org.example.my-method"));
LETHE_MANIFEST_FILE("manifest.json");
