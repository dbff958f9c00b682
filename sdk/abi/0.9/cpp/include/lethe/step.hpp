// SPDX-License-Identifier: Apache-2.0
//
// lethe/step.hpp - what a role is shown of a step, and the terms that an objective answers with.
#ifndef LETHE_STEP_HPP
#define LETHE_STEP_HPP

#include <lethe/functions.hpp>
#include <lethe/mask.h>
#include <lethe/model.hpp>
#include <lethe/objective.h>
#include <lethe/reweighter.h>

namespace lethe {

/// Where the run stands; all counts from 0.
struct Progress {
  int64_t step;          ///< Optimizer steps before this one.
  int64_t steps;         ///< Optimizer steps of the whole run.
  int64_t epoch;         ///< Passes of the schedule before this one.
  int64_t epochs;        ///< Passes of the whole run.
  int64_t stepInEpoch;   ///< Steps of this epoch before this one.
  int64_t stepsInEpoch;  ///< Steps of this epoch.

  /// From the host's struct, of any size.
  explicit Progress(const lethe_progress *source) noexcept {
    const auto progress = detail::snapshot<lethe_progress>(source);
    step = progress.step;
    steps = progress.steps;
    epoch = progress.epoch;
    epochs = progress.epochs;
    stepInEpoch = progress.step_in_epoch;
    stepsInEpoch = progress.steps_in_epoch;
  }
};

/// Samples that go through the model together: first those of the forget set, then those of the retain set.
class Batch {
 public:
  /// From the host's struct, of any size.
  Batch(const void *source, const Call &call) : Batch(detail::snapshot<lethe_batch>(source), call) {}

  int64_t forgetCount;  ///< How many samples of the forget set there are.
  int64_t retainCount;  ///< How many samples of the retain set follow them.
  Tensor inputs;        ///< Classification: float [n, C, H, W] in [0, 1], n = forgetCount + retainCount.
  Tensor labels;        ///< int64 [n], the true labels.
  Tensor indices;       ///< int64 [n], positions in the training data.

  /// How many samples of a set there are.
  int64_t count(SampleSet set) const noexcept {
    return (contains(set, SampleSet::forget) ? forgetCount : 0) + (contains(set, SampleSet::retain) ? retainCount : 0);
  }

  /// The rows of one set in a tensor of n rows; the tensor itself where all rows are of that set.
  Tensor rows(SampleSet set, const Tensor &tensor) const {
    if (count(set) == forgetCount + retainCount) return tensor;
    return narrow(tensor, set == SampleSet::forget ? 0 : forgetCount, count(set));
  }

 private:
  Batch(const lethe_batch &batch, const Call &call)
      : forgetCount(batch.forget_count),
        retainCount(batch.retain_count),
        inputs(call.tensor(batch.inputs)),
        labels(call.tensor(batch.labels)),
        indices(call.tensor(batch.indices)) {}
};

/// One step of the run as an objective sees it.
class Step {
 public:
  /// From the host's struct, of any size.
  Step(const lethe_objective_in *source, const Call &call)
      : Step(detail::snapshot<lethe_objective_in>(source), call) {}

  Progress progress;           ///< Where the run stands.
  SampleSet sets;              ///< The sets whose terms are wanted; terms of other sets are ignored.
  Model model;                 ///< The model being unlearned.
  std::vector<Batch> batches;  ///< What goes through it, one forward pass each.
  std::string schedule;        ///< How the batches were drawn, a word of the manifest's "schedules"; or empty.
  int64_t microBatch = 0;      ///< Counts the calls within a step when gradients are accumulated over several, from 0.

  /// Whether a batch has samples of a set whose terms are wanted.
  bool wants(SampleSet set, const Batch &batch) const noexcept { return contains(sets, set) && batch.count(set) > 0; }

 private:
  Step(const lethe_objective_in &input, const Call &call)
      : progress(input.progress),
        sets(static_cast<SampleSet>(input.sets)),
        model(detail::offered(input.model, "the model"), call),
        schedule(detail::text(input.schedule)) {
    const auto *first = reinterpret_cast<const char *>(detail::offered(input.batches, "batches"));
    batches.reserve(input.batch_count);
    for (uint32_t index = 0; index < input.batch_count; index++) {
      batches.emplace_back(first + static_cast<size_t>(index) * input.batch_stride, call);
    }
  }
};

/// One term of the loss: `coefficient * sum_i weight_i * importance_i * losses_i`. The weights are the reweighter's,
/// 1/n without one; an objective never reduces over samples.
struct Term {
  std::string name;                   ///< [a-z][a-z0-9_-]*, unique in the step.
  SampleSet set = SampleSet::none;    ///< Which set its samples are of; none for a penalty.
  double coefficient = 1;             ///< Finite. Under the schedule `joint` the host multiplies it by the set's share.
  std::optional<Tensor> losses;       ///< float [n], part of the graph.
  std::optional<Tensor> cleanLosses;  ///< [n]: the task's loss with the true labels, where `losses` is something else.
  std::optional<Tensor> importance;   ///< [n], >= 0: multiplies the weights.
  std::optional<Tensor> timesteps;    ///< int64 [n], for diffusion.
  std::optional<Tensor> indices;      ///< int64 [n], positions in the training data.
  std::optional<Tensor> penalty;      ///< A scalar that is part of the graph, for a term without samples.
  bool knowsCleanLosses = true;       ///< Whether the samples' own loss is known: `cleanLosses`, else `losses`.

  /// A term over samples.
  static Term over(SampleSet set, std::string name, const Tensor &losses, double coefficient = 1) {
    Term term;
    term.name = std::move(name);
    term.set = set;
    term.coefficient = coefficient;
    term.losses = losses;
    return term;
  }

  /// A term without samples: `coefficient * penalty`.
  static Term withoutSamples(std::string name, const Tensor &penalty, double coefficient = 1) {
    Term term;
    term.name = std::move(name);
    term.coefficient = coefficient;
    term.penalty = penalty;
    return term;
  }

  /// Hands it to the host; the kit does so with what `Objective::terms` gives.
  void add(const lethe_term_sink *sink, const Call &call) const {
    const auto add = detail::offered(detail::snapshot<lethe_term_sink>(sink).add, "a sink for terms");
    lethe_term term{};
    term.size = sizeof term;
    term.set = static_cast<uint32_t>(set);
    term.name = name.c_str();
    term.coefficient = coefficient;
    term.losses = detail::handle(losses);
    term.clean_losses = detail::handle(cleanLosses);
    term.importance = detail::handle(importance);
    term.timesteps = detail::handle(timesteps);
    term.indices = detail::handle(indices);
    term.penalty = detail::handle(penalty);
    term.flags = knowsCleanLosses ? 0u : LETHE_TERM_NO_CLEAN_LOSS;
    detail::ask([&](lethe_error *error) { return add(call.context(), &term, error); });
  }
};

/// One term as a reweighter sees it: numbers without a graph.
class SeenTerm {
 public:
  /// From the host's struct, of any size.
  SeenTerm(const lethe_reweigh_in *source, const Call &call)
      : SeenTerm(detail::snapshot<lethe_reweigh_in>(source), call) {}

  SampleSet set;                     ///< Which set its samples are of.
  Progress progress;                 ///< Where the run stands.
  std::string name;                  ///< The term's name.
  int64_t count;                     ///< n.
  Tensor losses;                     ///< float32 or float64 [n].
  Tensor cleanLosses;                ///< [n]: the loss with the true labels; `losses` itself where there is no other.
  std::optional<Tensor> importance;  ///< [n], >= 0, or none for 1.
  std::optional<Tensor> timesteps;   ///< int64 [n], for diffusion.
  std::optional<Tensor> indices;     ///< int64 [n], positions in the training data.
  bool knowsCleanLosses;             ///< False where the objective says that nobody knows the samples' own loss.

 private:
  SeenTerm(const lethe_reweigh_in &input, const Call &call)
      : set(static_cast<SampleSet>(input.set)),
        progress(input.progress),
        name(detail::text(input.term)),
        count(input.count),
        losses(call.tensor(input.losses)),
        cleanLosses(call.optional(input.clean_losses).value_or(losses)),
        importance(call.optional(input.importance)),
        timesteps(call.optional(input.timesteps)),
        indices(call.optional(input.indices)),
        knowsCleanLosses(input.clean_losses != nullptr) {}
};

/// How the host walks over the data for a mask.
struct Walk {
  int64_t batch;  ///< Samples a batch, > 0.
  bool trains;    ///< Batch statistics instead of running ones.
  bool steps;     ///< An optimizer step on a copy of the model after every batch, undone at the end.
};

}  // namespace lethe

#endif
