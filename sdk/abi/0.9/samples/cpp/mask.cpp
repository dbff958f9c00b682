// Only the weights that the forget set pulls at may move:
//
//   score_k = sum over batches b of D_f of  n_b * | d/d theta_k  mean over b of CE |
#include <lethe/lethe.hpp>

class MyMethod final : public lethe::Mask {
 public:
  explicit MyMethod(const lethe::Parameters &) {}

  void begin(const std::vector<lethe::NamedTensor> &parameters, lethe::Walk &, const lethe::Call &) override {
    sums.clear();
    for (const lethe::NamedTensor &parameter : parameters) sums.push_back(zerosLike(detach(parameter.tensor)).keep());
  }

  void accumulate(const std::vector<std::optional<lethe::Tensor>> &gradients, int64_t count,
                  const lethe::Call &call) override {
    for (size_t k = 0; k < gradients.size(); k++) {
      if (gradients[k]) sums.at(k).tensor(call) += static_cast<double>(count) * abs(*gradients[k]);
    }
  }

  std::vector<lethe::Tensor> scores(const lethe::Call &call) override {
    std::vector<lethe::Tensor> scores;
    for (const lethe::KeptTensor &sum : sums) scores.push_back(sum.tensor(call));
    return scores;
  }

 private:
  /// Of each parameter; kept tensors outlive the callbacks.
  std::vector<lethe::KeptTensor> sums;
};

LETHE_PLUGIN("org.example.my-method", "0.1.0", lethe::mask<MyMethod>("org.example.my-method"));
LETHE_MANIFEST_FILE("manifest.json");
