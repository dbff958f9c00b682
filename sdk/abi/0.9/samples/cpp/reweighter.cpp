// Samples with a large loss count more:
//
//   w_i = exp(loss_i / temperature) / sum over the term's samples of exp(loss_j / temperature)
#include <lethe/lethe.hpp>

class MyMethod final : public lethe::Reweighter {
 public:
  explicit MyMethod(const lethe::Parameters &parameters) : temperature(parameters.number(0)) {}

  void retune(const lethe::Parameters &parameters) override { temperature = parameters.number(0); }

  std::optional<lethe::Tensor> weights(const lethe::SeenTerm &term, const lethe::Call &) override {
    return softmax(term.losses / temperature, 0);
  }

 private:
  /// The manifest's first parameter: its type, range and default are the host's work.
  double temperature;
};

LETHE_PLUGIN("org.example.my-method", "0.1.0", lethe::reweighter<MyMethod>("org.example.my-method"));
LETHE_MANIFEST_FILE("manifest.json");
