// SPDX-License-Identifier: Apache-2.0
//
// One strategy of each role on the C++ kit. Each checks what the kit promises while it runs, and throws where it is told.
#include <cmath>
#include <lethe/lethe.hpp>
#include <stdexcept>

using namespace lethe;

namespace {

/// Throws from one call what the parameters name.
class Bomb {
 public:
  explicit Bomb(const Parameters &parameters) : at(parameters.text(0)), what(parameters.text(1)) { reach("create"); }

  void reach(const char *call) const {
    if (at != call) return;
    if (what == "failure") throw Failure("told to fail", LETHE_E_PRECONDITION);
    if (what == "runtime_error") throw std::runtime_error("a runtime error");
    if (what == "bad_alloc") throw std::bad_alloc();
    throw 42;
  }

 private:
  std::string at, what;
};

void expect(bool holds, const char *sentence) {
  if (!holds) throw Failure(sentence, LETHE_E_INTERNAL);
}

void expect(const Tensor &found, const std::vector<double> &wanted, const char *sentence) {
  const auto values = found.values<double>();
  bool holds = values.size() == wanted.size();
  for (size_t i = 0; holds && i < wanted.size(); i++) holds = std::fabs(values[i] - wanted[i]) < 1e-12;
  expect(holds, sentence);
}

/// Which operator a function calls, with which arguments.
void checkFunctions(const Call &call) {
  const auto a = call.tensor(std::vector<double>{1, -2, 0, 4}, {2, 2});
  const auto b = call.tensor(std::vector<double>{2, 2, 5, -1}, {2, 2});
  const auto labels = call.tensor(std::vector<int64_t>{1, 0}, {2});
  const auto column = unsqueeze(labels, 1);
  expect(a.shape() == std::vector<int64_t>{2, 2} && a.count() == 4 && a.dtype() == DType::float64, "a tensor's facts");
  expect(sum(a).shape().empty() && (labels + 1).dtype() == DType::int64, "scalars and integers");
  expect(a + b, {3, 0, 5, 3}, "+");
  expect(1 + a, {2, -1, 1, 5}, "1 +");
  expect(a - b, {-1, -4, -5, 5}, "-");
  expect(1 - a, {0, 3, 1, -3}, "1 -");
  expect(a - 1, {0, -3, -1, 3}, "- 1");
  expect(-a * b, {-2, 4, 0, 4}, "*");
  expect(2.0 * a / b, {1, -2, 0, -8}, "/");
  expect(a / 2, {0.5, -1, 0, 2}, "/ 2");
  expect(a % 3, {1, 1, 0, 1}, "%");
  expect(abs(a), {1, 2, 0, 4}, "abs");
  expect(sign(a), {1, -1, 0, 1}, "sign");
  expect(sqrt(abs(a)), {1, std::sqrt(2.0), 0, 2}, "sqrt");
  expect(log(exp(a)), {1, -2, 0, 4}, "exp and log");
  expect(pow(a, 2), {1, 4, 0, 16}, "pow");
  expect(sigmoid(zerosLike(a)), {0.5, 0.5, 0.5, 0.5}, "sigmoid");
  expect(relu(a), {1, 0, 0, 4}, "relu");
  expect(round(a / 4), {0, 0, 0, 1}, "round");
  expect(minimum(a, b), {1, -2, 0, -1}, "minimum");
  expect(maximum(a, b), {2, 2, 5, 4}, "maximum");
  expect(clamp(a, -1, 3), {1, -1, 0, 3}, "clamp");
  expect(clamp(a, std::nullopt, 3), {1, -2, 0, 3}, "clamp from above");
  expect(matmul(a, b), {-8, 4, 20, -4}, "matmul");
  expect(isEqual(a, onesLike(a)), {1, 0, 0, 0}, "isEqual");
  expect(isEqual(a, 4), {0, 0, 0, 1}, "isEqual to a number");
  expect(isGreater(a, b), {0, 0, 0, 1}, "isGreater");
  expect(isGreater(a, 0), {1, 0, 0, 1}, "isGreater than a number");
  expect(isLess(a, b), {1, 1, 1, 0}, "isLess");
  expect(isLess(a, 0), {0, 1, 0, 0}, "isLess than a number");
  expect(isAtLeast(a, 0), {1, 0, 1, 1}, "isAtLeast");
  expect(both(isAtLeast(a, 0), negation(isEqual(a, 0))), {1, 0, 0, 1}, "both and negation");
  expect(where(isLess(a, 0), a, b), {2, -2, 5, -1}, "where");
  expect(where(isLess(a, 0), a, 9), {9, -2, 9, 9}, "where with a number");
  expect(sum(a), {3}, "sum");
  expect(sum(a, 0), {1, 2}, "sum along 0");
  expect(mean(a), {0.75}, "mean");
  expect(mean(a, 1), {-0.5, 2}, "mean along 1");
  expect(largest(a), {4}, "largest");
  expect(largest(a, 0), {1, 4}, "largest along 0");
  expect(smallest(a), {-2}, "smallest");
  expect(smallest(a, 1), {-2, 0}, "smallest along 1");
  expect(argmax(a, 1), {0, 1}, "argmax");
  expect(norm(a), {std::sqrt(21.0)}, "norm");
  expect(norm(a, 1), {7}, "norm of order 1");
  expect(sum(softmax(a, 1), 1), {1, 1}, "softmax");
  expect(exp(logSoftmax(a, 0)) - softmax(a, 0), {0, 0, 0, 0}, "logSoftmax");
  expect(logSumExp(zerosLike(a), 1), {std::log(2.0), std::log(2.0)}, "logSumExp");
  expect(reshape(a, {-1}), {1, -2, 0, 4}, "reshape");
  expect(squeeze(unsqueeze(a, 0), 0), {1, -2, 0, 4}, "unsqueeze and squeeze");
  expect(narrow(a, 1, 1), {0, 4}, "narrow");
  expect(narrow(a, 1, 1, 1), {-2, 4}, "narrow along 1");
  expect(indexSelect(a, labels), {0, 4, 1, -2}, "indexSelect");
  expect(gather(a, column, 1), {-2, 0}, "gather");
  expect(cat({a, b}), {1, -2, 0, 4, 2, 2, 5, -1}, "cat");
  expect(cat({a, b}, 1), {1, -2, 2, 2, 0, 4, 5, -1}, "cat along 1");
  expect(stack({sum(a), sum(b)}), {3, 8}, "stack");
  expect(fullLike(a, 3), {3, 3, 3, 3}, "fullLike");
  expect(oneHot(labels, 3), {0, 1, 0, 1, 0, 0}, "oneHot");
  expect(convert(a, DType::int64).dtype() == DType::int64, "convert");
  const auto copy = clone(a);
  copy += b;
  copy -= a;
  copy *= b;
  copy *= 2;
  expect(copy, {8, 8, 50, 2}, "in place");
  lerp(copy, zerosLike(a), 0.5);
  expect(copy, {4, 4, 25, 1}, "lerp");
  fill(copy, 7);
  expect(copy, {7, 7, 7, 7}, "fill");
  copyInto(copy, a);
  expect(copy, {1, -2, 0, 4}, "copyInto");

  const auto leaf = asLeaf(call.tensor(std::vector<double>{0, -3, 2}, {3}));
  expect(call.gradient(norm(leaf, 1), {leaf}).at(0).value(), {0, -1, 1}, "the gradient of a leaf");
  const auto values = call.resolve(LETHE_ATEN_TOPK).several(call, 2, reshape(a, {-1}), 2);
  expect(values[0].value(), {4, 1}, "an operator of two tensors");
  expect(call.resolve(LETHE_ATEN_NEG)(call, a), {-1, 2, 0, -4}, "an operator");
  const auto parts = call.resolve("aten::unbind.int(Tensor(a -> *) self, int dim=0) -> Tensor(a)[]").list(call, a, 1);
  expect(parts.size() == 2, "an operator of a list");
  expect(parts[1], {-2, 4}, "an operator of a list");

  const auto uniform = uniformLike(a, call.generator("kit"));
  expect(uniform - uniformLike(a, call.generator("kit")), {0, 0, 0, 0}, "a generator repeats");
  expect(isAtLeast(uniform, 0), {1, 1, 1, 1}, "uniform numbers");
  expect(isLess(randomLike(labels, 3, 4, call.generator("kit")), 4), {1, 1}, "random integers");
  expect(normalLike(a, call.generator("kit")).count() == 4, "normal numbers");
  expect(call.randomBits("kit", 3) == call.randomBits("kit", 3), "random bits repeat");
  call.freeingTensors([&] { expect(a * b, {2, -4, 0, -4}, "tensors of a loop"); });
  bool isStale = false;
  try {
    std::optional<Tensor> gone;
    call.freeingTensors([&] { gone = a + b; });
    (void)gone->shape();
  } catch (const Failure &failure) {
    isStale = failure.status() == LETHE_E_STALE;
  }
  expect(isStale, "a freed tensor is stale");
}

class KitObjective final : public Objective {
 public:
  explicit KitObjective(const Parameters &parameters) : bomb(parameters) {}

  void prepare(const Call &call) override {
    bomb.reach("prepare");
    checkFunctions(call);
    call.log("prepared");
    call.checkCancelled();
    expect(call.task().kind == "classification" && call.task().classes == 10, "the task");
    kept = call.tensor(std::vector<float>{0, 0, 0}, {3}).keep();
    norms = call.resolve(LETHE_ATEN_FOREACH_NORM_SCALAR);
  }

  void retune(const Parameters &) override { bomb.reach("retune"); }

  std::vector<Term> terms(const Step &step, const Call &call) override {
    bomb.reach("terms");
    expect(step.microBatch == 0, "micro-batches");
    fill(kept.tensor(call), seen += 1);
    const auto &batch = step.batches.at(0);
    const auto losses = call.losses(step.model.forward(batch.inputs), batch.labels);
    std::vector<Term> terms;
    if (step.wants(SampleSet::forget, batch)) {
      const auto forget = batch.rows(SampleSet::forget, losses);
      terms.push_back(Term::over(SampleSet::forget, "forget", forget, -0.1));
      terms.back().cleanLosses = detach(forget);
      terms.back().importance = fullLike(detach(forget), 0.5);
      terms.back().indices = batch.rows(SampleSet::forget, batch.indices);
    }
    if (step.wants(SampleSet::retain, batch)) {
      terms.push_back(Term::over(SampleSet::retain, "retain", batch.rows(SampleSet::retain, losses)));
    }
    terms.push_back(Term::withoutSamples("l1", l1Norm(step.model, call), 1e-6));
    call.report("kit.loss", mean(losses));
    call.report("kit.seen", seen);
    return terms;
  }

  void finish(const Call &call) override {
    bomb.reach("finish");
    expect(kept.tensor(call), {seen, seen, seen}, "what was kept");
  }

  void save(StateWriter &state, const Call &call) const override {
    bomb.reach("save");
    state.write(seen);
    state.write(true);
    state.write(kept.tensor(call));
  }

  void load(StateReader &state, uint32_t version, const Call &call) override {
    bomb.reach("load");
    expect(version == stateVersion, "the version");
    seen = state.number();
    expect(state.integer() == 1, "a truth value");
    kept = state.tensorLike(kept.tensor(call)).keep();
  }

  static constexpr uint32_t stateVersion = 7;

 private:
  /// The norm, after a look at its gradient: sign(theta), and 0 at 0.
  Tensor l1Norm(const Model &model, const Call &call) const {
    const auto weights = tensors(model.parameters());
    const auto norm = sum(stack(norms.list(call, weights, 1)));
    const auto gradients = call.gradient(norm, weights, LETHE_GRAD_RETAIN_GRAPH);
    call.withoutGraph([&] {
      for (size_t i = 0; i < weights.size(); i++) {
        expect(sum(abs(gradients[i].value() - sign(weights[i]))), {0}, "the gradient of the l1 norm");
      }
    });
    return norm;
  }

  Bomb bomb;
  double seen = 0;
  KeptTensor kept;
  Operator norms;
};

class KitReweighter final : public Reweighter {
 public:
  explicit KitReweighter(const Parameters &parameters) : bomb(parameters) {}

  void prepare(const Call &call) override {
    expect(std::isfinite(call.referenceLoss(SampleSet::forget)), "the reference loss");
  }

  std::optional<Tensor> weights(const SeenTerm &term, const Call &) override {
    bomb.reach("weigh");
    if (term.name != "forget") return std::nullopt;
    expect(term.count == term.losses.count() && term.indices.has_value(), "a term");
    return softmax(-term.cleanLosses, 0);
  }

 private:
  Bomb bomb;
};

class KitMask final : public Mask {
 public:
  explicit KitMask(const Parameters &parameters) : bomb(parameters) {}

  void begin(const std::vector<NamedTensor> &parameters, Walk &walk, const Call &) override {
    bomb.reach("begin");
    total.clear();
    for (const auto &[name, tensor] : parameters) total.push_back(zerosLike(detach(tensor)).keep());
    walk.batch = 16;
    walk.trains = true;
  }

  void accumulate(const std::vector<std::optional<Tensor>> &gradients, int64_t count, const Call &call) override {
    bomb.reach("accumulate");
    expect(count <= 16 && gradients.size() == total.size(), "the walk");
    for (size_t i = 0; i < total.size(); i++) {
      if (gradients[i].has_value()) total[i].tensor(call) += abs(*gradients[i]);
    }
  }

  std::vector<Tensor> scores(const Call &call) override {
    bomb.reach("scores");
    std::vector<Tensor> list;
    for (const auto &tensor : total) list.push_back(tensor.tensor(call));
    return list;
  }

 private:
  Bomb bomb;
  std::vector<KeptTensor> total;
};

class KitUpdater final : public Updater {
 public:
  explicit KitUpdater(const Parameters &parameters) : bomb(parameters) {}

  void combine(const Progress &progress, const Call &call) override {
    bomb.reach("combine");
    const auto terms = call.stepTerms();
    auto direction = terms.at(0).gradients;
    for (size_t i = 1; i < terms.size(); i++) {
      direction = call.sum(direction, onesLike(terms[i].loss), terms[i].gradients);
    }
    expect(call.dot(direction, direction).values<double>().at(0) >= 0, "a product with itself");
    if (progress.step == 0) checkTrial(terms, direction, call);
    call.setDirection(direction);
  }

  void afterStep(const Progress &progress, const Call &call) override {
    bomb.reach("afterStep");
    expect(call.learningRate() > 0, "the learning rate");
    // Weights that are 0 exactly, for the objective's look at the gradient there.
    if (progress.step == 0) fill(call.model().parameters().at(0).tensor, 0);
  }

 private:
  static double value(const std::vector<StepTerm> &terms) {
    double value = 0;
    for (const StepTerm &term : terms) value += term.loss.values<double>().at(0);
    return value;
  }

  /// A step that does not stay: losses at other weights, and those of before afterwards.
  static void checkTrial(const std::vector<StepTerm> &terms, const std::vector<std::optional<Tensor>> &direction,
                         const Call &call) {
    const double before = value(terms);
    const auto again = call.evaluate(SampleSet::both, 0, false);
    expect(again.size() == terms.size() && again.at(0).gradients.empty(), "values only");
    expect(std::fabs(value(again) - before) <= 1e-5 * std::fabs(before), "the step's own losses, evaluated again");
    call.advance(direction, 0.01);
    const auto moved = call.evaluate(SampleSet::both);
    expect(moved.size() == terms.size() && moved.at(0).gradients.size() == direction.size(), "gradients on trial");
    expect(std::fabs(value(moved) - before) > 0, "other losses at other weights");
    expect(call.stepTerms().size() == moved.size(), "the terms on trial");
    expect(std::fabs(value(call.evaluate(SampleSet::both, 1, false)) - value(moved)) > 0, "other batches in round 1");
    call.advance(direction, 0.01, true);
    call.restore();
    expect(value(call.stepTerms()) == before, "the step's own terms are back");
  }

  Bomb bomb;
};

/// Looks at all that a classifier's metric is shown.
class KitMetric final : public Metric {
 public:
  explicit KitMetric(const Parameters &parameters) : bomb(parameters) {}

  void begin(const MeasuredModel &model, const Call &call) override {
    bomb.reach("begin");
    expect(model.name == "original" || model.name == "retrained" || model.name == "unlearned", "a model's name");
    expect(contains(model.sets, SampleSet::both) && contains(model.sets, SampleSet::test), "the sets");
    expect(!model.model.parameters().empty() && model.classes == call.task().classes, "the model");
    expect(call.model("original").parameters().size() == model.model.parameters().size(), "the original model");
    classes = model.classes;
    sums.clear();
  }

  void update(const MeasuredBatch &batch, const Call &call) override {
    bomb.reach("update");
    expect(batch.inputs && batch.inputs->shape().size() == 4 && batch.inputs->shape().at(0) == batch.count, "inputs");
    expect(batch.outputs->shape() == std::vector<int64_t>{batch.count, classes}, "logits");
    expect(!batch.timesteps && !batch.samples, "what a classifier has not");
    const auto chosen = gather(logSoftmax(*batch.outputs, 1), unsqueeze(*batch.labels, 1), 1);
    const auto apart = largest(abs(squeeze(chosen, 1) + *batch.losses)).values<double>().at(0);
    expect(apart < 1e-5, "losses are the cross-entropy of the logits");
    const Tensor again = call.model().forward(*batch.inputs, Forward::training);
    expect(largest(abs(detach(again) - *batch.outputs)).values<double>().at(0) < 1e-4, "a forward pass gives the logits");
    if (sums.empty() || sums.back().first != batch.set) sums.push_back({batch.set, {0, 0}});
    sums.back().second.first += sum(*batch.losses).values<double>().at(0);
    sums.back().second.second += batch.count;
  }

  std::vector<Result> results(const Call &) override {
    bomb.reach("results");
    std::vector<Result> results;
    for (const auto &[set, sum] : sums) {
      Result result;
      result.name = "loss";
      result.set = set;
      result.value = sum.first / static_cast<double>(sum.second);
      result.direction = Direction::retrained;
      result.unit = "nats";
      result.protocol = "mean-cross-entropy";
      result.interval = {result.value - 1, result.value + 1};
      result.samples = sum.second;
      results.push_back(result);
    }
    return results;
  }

 private:
  Bomb bomb;
  int64_t classes = 0;
  std::vector<std::pair<SampleSet, std::pair<double, int64_t>>> sums;
};

}  // namespace

LETHE_PLUGIN("test.kit", "1.0.0", objective<KitObjective>("kit.objective"),
             reweighter<KitReweighter>("kit.reweighter"), mask<KitMask>("kit.mask"),
             updater<KitUpdater>("kit.updater"), metric<KitMetric>("kit.metric"));
LETHE_MANIFEST_FILE("kit.json");
