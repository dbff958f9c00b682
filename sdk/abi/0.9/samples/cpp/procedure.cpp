// One long step up the forget loss: the forget set's task vector is subtracted, to first order.
//
//   theta_u = theta_o + rate * d/d theta  mean over D_f of CE(theta_o; x, y)          running statistics
#include <lethe/lethe.hpp>

class MyMethod final : public lethe::Procedure {
 public:
  explicit MyMethod(const lethe::Parameters &parameters) : rate(parameters.number(0)), batch(parameters.integer(1)) {}

  void run(const lethe::Model &model, const lethe::Call &call) override {
    const std::vector<lethe::Tensor> theta = tensors(model.parameters());
    std::vector<lethe::Tensor> sums;
    for (const lethe::Tensor &parameter : theta) sums.push_back(zerosLike(detach(parameter)));
    lethe::DataPass(lethe::SampleSet::forget, batch, call).forEach([&](const lethe::Batch &samples) {
      const lethe::Tensor logits = model.forward(samples.inputs, lethe::Forward::evaluating);
      const auto gradients = call.gradient(sum(call.losses(logits, samples.labels)), theta);
      for (size_t k = 0; k < theta.size(); k++) {
        if (gradients[k]) sums[k] += *gradients[k];
      }
    });
    const double step = rate / static_cast<double>(call.task().forgetCount);
    call.withoutGraph([&] {
      for (size_t k = 0; k < theta.size(); k++) theta[k] += step * sums[k];
    });
  }

 private:
  /// The manifest's parameters, in its order: types, ranges and defaults are the host's work.
  double rate;
  int64_t batch;
};

LETHE_PLUGIN("org.example.my-method", "0.1.0", lethe::procedure<MyMethod>("org.example.my-method"));
LETHE_MANIFEST_FILE("manifest.json");
