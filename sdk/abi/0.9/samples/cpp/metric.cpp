// How sure a model is of the true class, set by set:
//
//   confidence(D) = mean over D of  exp(-CE(theta; x, y))
#include <lethe/lethe.hpp>

#include <cmath>

class MyMethod final : public lethe::Metric {
 public:
  explicit MyMethod(const lethe::Parameters &) {}

  void begin(const lethe::MeasuredModel &, const lethe::Call &) override { sums.clear(); }

  void update(const lethe::MeasuredBatch &batch, const lethe::Call &) override {
    if (!batch.losses) throw lethe::Failure("there are no losses");
    if (sums.empty() || sums.back().set != batch.set) sums.push_back({batch.set, 0, 0});
    for (const double loss : batch.losses->values<double>()) sums.back().sum += std::exp(-loss);
    sums.back().count += batch.count;
  }

  std::vector<lethe::Result> results(const lethe::Call &) override {
    std::vector<lethe::Result> results;
    for (const Sum &shown : sums) {
      lethe::Result result;
      result.name = "confidence";
      result.value = shown.sum / static_cast<double>(shown.count);
      result.set = shown.set;
      result.direction = lethe::Direction::retrained;
      result.samples = shown.count;
      results.push_back(result);
    }
    return results;
  }

 private:
  /// Of a set that was shown.
  struct Sum {
    lethe::SampleSet set;
    double sum;
    int64_t count;
  };
  std::vector<Sum> sums;
};

LETHE_PLUGIN("org.example.my-method", "0.1.0", lethe::metric<MyMethod>("org.example.my-method"));
LETHE_MANIFEST_FILE("manifest.json");
