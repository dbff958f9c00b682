// SPDX-License-Identifier: Apache-2.0
//
// lethe/metric.hpp - a number that a report has of every model.
#ifndef LETHE_METRIC_HPP
#define LETHE_METRIC_HPP

#include <lethe/metric.h>
#include <lethe/plugin.hpp>

#include <utility>

namespace lethe {

/// The model that is measured.
struct MeasuredModel {
  Model model;       ///< Always with running statistics and without dropout.
  std::string name;  ///< "original", "retrained" or "unlearned".
  SampleSet sets;    ///< The sets that will be shown.
  int64_t classes;   ///< Number of classes C of the data.
};

/// One batch of one set, in dataset order. What the manifest's "sees" does not list is none; nothing has a graph.
class MeasuredBatch {
 public:
  /// From the host's struct, of any size.
  MeasuredBatch(const lethe_metric_in *source, const Call &call)
      : MeasuredBatch(detail::snapshot<lethe_metric_in>(source), call) {}

  SampleSet set;                    ///< The set it is of; none for samples that the model drew.
  int64_t count;                    ///< n > 0.
  std::optional<Tensor> labels;     ///< int64 [n], the true labels, or the class that each sample was drawn as.
  std::optional<Tensor> indices;    ///< int64 [n], position in the data that the set is of; none for drawn samples.
  std::optional<Tensor> outputs;    ///< "outputs", classification: float32 [n, C] logits.
  std::optional<Tensor> losses;     ///< "losses": float32 [n].
  std::optional<Tensor> timesteps;  ///< int64 [n], beside the losses of diffusion.
  std::optional<Tensor> inputs;     ///< "inputs": float [n, C, H, W].
  std::optional<Tensor> samples;    ///< "samples", diffusion: float [n, C, H, W] in [-1, 1], drawn by the model.

 private:
  MeasuredBatch(const lethe_metric_in &input, const Call &call)
      : set(static_cast<SampleSet>(input.set)),
        count(input.count),
        labels(call.optional(input.labels)),
        indices(call.optional(input.indices)),
        outputs(call.optional(input.outputs)),
        losses(call.optional(input.losses)),
        timesteps(call.optional(input.timesteps)),
        inputs(call.optional(input.inputs)),
        samples(call.optional(input.samples)) {}
};

/// Which way of a number is good.
enum class Direction : uint32_t {
  neutral = LETHE_DIRECTION_NEUTRAL,      ///< None: it says what is, not how good it is.
  higher = LETHE_DIRECTION_HIGHER,        ///< More is better.
  lower = LETHE_DIRECTION_LOWER,          ///< Less is better.
  retrained = LETHE_DIRECTION_RETRAINED,  ///< As near to the retrained model's as can be.
};

/// A number for the report.
struct Result {
  std::string name;                                   ///< [a-z][a-z0-9_-]*, unique with `set`.
  double value = 0;                                   ///< Finite; what is not there is not reported.
  SampleSet set = SampleSet::none;                    ///< The set it was measured on; none for several.
  Direction direction = Direction::neutral;           ///< Which way is good.
  std::string unit;                                   ///< "%", or empty.
  std::optional<std::string> protocol;                ///< What it depends on, "bins=15"; none: the parameters.
  std::optional<std::pair<double, double>> interval;  ///< The ends of a 95 % interval.
  int64_t samples = 0;                                ///< How many it was measured on; 0 where that says nothing.

  /// Hands it to the host; the kit does so with what `Metric::results` gives.
  void report(const lethe_result_sink *sink, const Call &call) const {
    const auto report = detail::offered(detail::snapshot<lethe_result_sink>(sink).report, "a sink for results");
    lethe_result result{};
    result.size = sizeof result;
    result.direction = static_cast<uint32_t>(direction);
    result.name = name.c_str();
    result.value = value;
    result.unit = unit.c_str();
    result.protocol = protocol ? protocol->c_str() : nullptr;
    result.set = static_cast<uint32_t>(set);
    result.samples = samples;
    if (interval) {
      result.flags = LETHE_RESULT_INTERVAL;
      result.lower = interval->first;
      result.upper = interval->second;
    }
    detail::ask([&](lethe_error *error) { return report(call.context(), &result, error); });
  }
};

/// Role `lethe.metric/1`: measures a model while its sets pass through it. It changes nothing.
class Metric : public Strategy {
 public:
  /// Starts to measure a model. Forgets what was shown before.
  virtual void begin(const MeasuredModel &model, const Call &call) = 0;
  /// Is shown a batch. `Tensor::values` waits for the device: once a batch is fine.
  virtual void update(const MeasuredBatch &batch, const Call &call) = 0;
  /// Its numbers, at least one where it was shown anything.
  virtual std::vector<Result> results(const Call &call) = 0;

 protected:
  ~Metric() = default;
};

namespace detail {

template <class Method>
lethe_status beginMetric(lethe_self self, lethe_ctx context, const lethe_metric_begin *in,
                         lethe_error *error) noexcept {
  return answer<Method>(self, context, error, [&](auto &me, const Call &call) {
    const auto seen = snapshot<lethe_metric_begin>(in);
    me.method.begin(MeasuredModel{Model(offered(seen.model, "the model"), call), text(seen.name),
                                  static_cast<SampleSet>(seen.sets), seen.classes},
                    call);
  });
}

template <class Method>
lethe_status updateMetric(lethe_self self, lethe_ctx context, const lethe_metric_in *in, lethe_error *error) noexcept {
  return answer<Method>(self, context, error,
                        [&](auto &me, const Call &call) { me.method.update(MeasuredBatch(in, call), call); });
}

template <class Method>
lethe_status finishMetric(lethe_self self, lethe_ctx context, const lethe_result_sink *sink,
                          lethe_error *error) noexcept {
  return answer<Method>(self, context, error, [&](auto &me, const Call &call) {
    for (const Result &result : me.method.results(call)) result.report(sink, call);
  });
}

template <class Method>
inline constexpr lethe_metric metrics = {sizeof(lethe_metric), 0, beginMetric<Method>, updateMetric<Method>,
                                         finishMetric<Method>};

}  // namespace detail

/// A metric with the manifest's id.
template <class Method>
constexpr lethe_strategy metric(const char *id) noexcept {
  static_assert(std::is_base_of_v<Metric, Method>, "a metric derives from lethe::Metric");
  return detail::strategy<Method>(id, LETHE_ROLE_METRIC, &detail::metrics<Method>);
}

}  // namespace lethe

#endif
