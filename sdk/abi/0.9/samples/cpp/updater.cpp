// Forgetting does not work against keeping. With the gradients f and r of the forget and of the retain term:
//
//   direction = f + r - min(0, <f, r>) / max(<r, r>, floor) * r
#include <lethe/lethe.hpp>

class MyMethod final : public lethe::Updater {
 public:
  explicit MyMethod(const lethe::Parameters &parameters) : floor(parameters.number(0)) {}

  void combine(const lethe::Progress &, const lethe::Call &call) override {
    const std::vector<lethe::StepTerm> terms = call.stepTerms();
    if (terms.size() != 2 || terms[0].set == terms[1].set) {
      throw lethe::Failure("my-method joins a forget and a retain term, no others");
    }
    const size_t first = terms[0].set == lethe::SampleSet::forget ? 0 : 1;
    const auto &f = terms[first].gradients, &r = terms[1 - first].gradients;
    const lethe::Tensor share = clamp(call.dot(f, r), std::nullopt, 0.0) / clamp(call.dot(r, r), floor);
    call.setDirection(call.sum(f, 1.0 - share, r));
  }

 private:
  /// The manifest's first parameter: its type, range and default are the host's work.
  double floor;
};

LETHE_PLUGIN("org.example.my-method", "0.1.0", lethe::updater<MyMethod>("org.example.my-method"));
LETHE_MANIFEST_FILE("manifest.json");
