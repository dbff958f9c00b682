// SPDX-License-Identifier: Apache-2.0
//
// lethe/plugin.hpp - the C tables of a plugin, made by the compiler from its classes, and the one exported symbol.
#ifndef LETHE_PLUGIN_HPP
#define LETHE_PLUGIN_HPP

#include <lethe/manifest.h>
#include <lethe/strategy.hpp>

namespace lethe {

namespace detail {

/// What a `lethe_self` points to.
template <class Method>
struct Instance {
  explicit Instance(const lethe_create_info *info)
      : services(snapshot<lethe_create_info>(info).host), method(Parameters(info)) {}

  Services services;
  Method method;  // goes before the services do
  int64_t step = -1;
  int64_t microBatch = 0;
};

/// Runs a callback of an instance behind the fence.
template <class Method, class Body>
lethe_status answer(lethe_self self, lethe_ctx context, lethe_error *error, const Body &body) noexcept {
  return fenced(error, [&] {
    if (self == nullptr || context == nullptr) {
      throw Failure("a callback needs its instance and its context", LETHE_E_INVALID_ARGUMENT);
    }
    auto &instance = *reinterpret_cast<Instance<Method> *>(self);
    body(instance, Call(context, instance.services));
  });
}

template <class Method>
lethe_status create(lethe_ctx, const lethe_create_info *info, lethe_self *out, lethe_error *error) noexcept {
  return fenced(error, [&] {
    const bool isComplete = info != nullptr && out != nullptr && snapshot<lethe_create_info>(info).host != nullptr;
    if (!isComplete) throw Failure("the host is older than this plugin");
    *out = reinterpret_cast<lethe_self>(new Instance<Method>(info));
  });
}

template <class Method>
void destroy(lethe_self self) noexcept {
  delete reinterpret_cast<Instance<Method> *>(self);
}

template <class Method>
lethe_status prepare(lethe_self self, lethe_ctx context, lethe_error *error) noexcept {
  return answer<Method>(self, context, error, [](auto &me, const Call &call) { me.method.prepare(call); });
}

template <class Method>
lethe_status finish(lethe_self self, lethe_ctx context, lethe_error *error) noexcept {
  return answer<Method>(self, context, error, [](auto &me, const Call &call) { me.method.finish(call); });
}

template <class Method>
lethe_status save(lethe_self self, lethe_ctx context, const lethe_stream *out, lethe_error *error) noexcept {
  return answer<Method>(self, context, error, [&](const auto &me, const Call &call) {
    StateWriter state(out);
    me.method.save(state, call);
  });
}

template <class Method>
lethe_status load(lethe_self self, lethe_ctx context, uint32_t version, const lethe_stream *in,
                  lethe_error *error) noexcept {
  return answer<Method>(self, context, error, [&](auto &me, const Call &call) {
    StateReader state(in);
    me.method.load(state, version, call);
  });
}

template <class Method>
lethe_status retune(lethe_self self, lethe_ctx context, const lethe_create_info *info, lethe_error *error) noexcept {
  return answer<Method>(self, context, error, [&](auto &me, const Call &) { me.method.retune(Parameters(info)); });
}

template <class Method>
lethe_status terms(lethe_self self, lethe_ctx context, const lethe_objective_in *in, const lethe_term_sink *sink,
                   lethe_error *error) noexcept {
  return answer<Method>(self, context, error, [&](auto &me, const Call &call) {
    Step step(in, call);
    if (LETHE_HAS(in, micro_batch)) {
      step.microBatch = in->micro_batch;
    } else {
      // A run resumes between steps, so this count has not to be saved.
      me.microBatch = step.progress.step == me.step ? me.microBatch + 1 : 0;
      me.step = step.progress.step;
      step.microBatch = me.microBatch;
    }
    for (const Term &term : me.method.terms(step, call)) term.add(sink, call);
  });
}

template <class Method>
lethe_status weigh(lethe_self self, lethe_ctx context, const lethe_reweigh_in *in, lethe_tensor *weights,
                   lethe_error *error) noexcept {
  return answer<Method>(self, context, error, [&](auto &me, const Call &call) {
    *offered(weights, "a place for weights") = handle(me.method.weights(SeenTerm(in, call), call));
  });
}

template <class Method>
lethe_status begin(lethe_self self, lethe_ctx context, const lethe_named_tensors *parameters, lethe_walk *walk,
                   lethe_error *error) noexcept {
  return answer<Method>(self, context, error, [&](auto &me, const Call &call) {
    offered(walk, "a walk");
    constexpr uint32_t known = LETHE_WALK_TRAIN | LETHE_WALK_STEP;
    Walk wanted{walk->batch, (walk->flags & LETHE_WALK_TRAIN) != 0, (walk->flags & LETHE_WALK_STEP) != 0};
    me.method.begin(named(call, snapshot<lethe_named_tensors>(parameters)), wanted, call);
    walk->batch = wanted.batch;
    walk->flags &= ~known;
    if (wanted.trains) walk->flags |= LETHE_WALK_TRAIN;
    if (wanted.steps) walk->flags |= LETHE_WALK_STEP;
  });
}

template <class Method>
lethe_status accumulate(lethe_self self, lethe_ctx context, const lethe_named_tensors *gradients, int64_t count,
                        lethe_error *error) noexcept {
  return answer<Method>(self, context, error, [&](auto &me, const Call &call) {
    const auto list = snapshot<lethe_named_tensors>(gradients);
    me.method.accumulate(tensors(call, list.tensors, list.tensors == nullptr ? 0 : list.count), count, call);
  });
}

template <class Method>
lethe_status scores(lethe_self self, lethe_ctx context, lethe_tensor *out, uint32_t count,
                    lethe_error *error) noexcept {
  return answer<Method>(self, context, error, [&](auto &me, const Call &call) {
    const std::vector<Tensor> found = me.method.scores(call);
    if (found.size() != count) {
      throw Failure(std::to_string(found.size()) + " score tensors for " + std::to_string(count) + " parameters",
                    LETHE_E_INTERNAL);
    }
    for (uint32_t index = 0; index < count; index++) out[index] = found[index].handle();
  });
}

template <class Method>
lethe_status combine(lethe_self self, lethe_ctx context, const lethe_progress *progress, lethe_error *error) noexcept {
  return answer<Method>(self, context, error,
                        [&](auto &me, const Call &call) { me.method.combine(Progress(progress), call); });
}

template <class Method>
lethe_status scaleTerms(lethe_self self, lethe_ctx context, const lethe_progress *progress, uint32_t count,
                        lethe_tensor *scales, lethe_error *error) noexcept {
  return answer<Method>(self, context, error, [&](auto &me, const Call &call) {
    const auto found = me.method.scales(call.stepTerms(false), Progress(progress), call);
    if (found.empty()) return;
    if (found.size() != count) {
      throw Failure(std::to_string(found.size()) + " scales for " + std::to_string(count) + " terms", LETHE_E_INTERNAL);
    }
    for (uint32_t index = 0; index < count; index++) scales[index] = found[index].handle();
  });
}

template <class Method>
lethe_status afterStep(lethe_self self, lethe_ctx context, const lethe_progress *progress,
                       lethe_error *error) noexcept {
  return answer<Method>(self, context, error,
                        [&](auto &me, const Call &call) { me.method.afterStep(Progress(progress), call); });
}

/// Whether a class has a member function of its own instead of the base's.
template <class Own, class Base>
constexpr bool isOverridden(Own, Base) noexcept {
  return !std::is_same_v<Own, Base>;
}

/// What all roles have in common.
template <class Method>
constexpr lethe_strategy strategy(const char *id, const char *role, const void *table) noexcept {
  static_assert(std::is_constructible_v<Method, const Parameters &>, "a strategy is made from lethe::Parameters");
  static_assert(std::is_nothrow_destructible_v<Method>, "the destructor of a strategy does not throw");
  constexpr bool saves = isOverridden(&Method::save, &Strategy::save);
  static_assert(saves == isOverridden(&Method::load, &Strategy::load), "a strategy has both save and load, or neither");
  lethe_strategy entry{};
  entry.size = sizeof entry;
  entry.id = id;
  entry.role = role;
  entry.table = table;
  entry.create = create<Method>;
  entry.destroy = destroy<Method>;
  if constexpr (isOverridden(&Method::prepare, &Strategy::prepare)) entry.prepare = prepare<Method>;
  if constexpr (isOverridden(&Method::finish, &Strategy::finish)) entry.finish = finish<Method>;
  if constexpr (saves) {
    entry.state_version = Method::stateVersion;
    entry.save_state = save<Method>;
    entry.load_state = load<Method>;
  }
  if constexpr (isOverridden(&Method::retune, &Strategy::retune)) entry.retune = retune<Method>;
  return entry;
}

template <class Method>
constexpr lethe_updater updaterTable() noexcept {
  constexpr bool combines = isOverridden(&Method::combine, &Updater::combine);
  constexpr bool acts = isOverridden(&Method::afterStep, &Updater::afterStep);
  static_assert(combines || acts, "an updater overrides combine, afterStep or both");
  lethe_updater table{};
  table.size = sizeof table;
  if constexpr (combines) table.combine = combine<Method>;
  if constexpr (combines && isOverridden(&Method::scales, &Updater::scales)) table.scale_terms = scaleTerms<Method>;
  if constexpr (acts) table.after_step = afterStep<Method>;
  return table;
}

template <class Method>
inline constexpr lethe_objective objectives = {sizeof(lethe_objective), 0, terms<Method>};
template <class Method>
inline constexpr lethe_reweighter reweighters = {sizeof(lethe_reweighter), 0, weigh<Method>};
template <class Method>
inline constexpr lethe_mask masks = {sizeof(lethe_mask), 0, begin<Method>, accumulate<Method>, scores<Method>};
template <class Method>
inline constexpr lethe_updater updaters = updaterTable<Method>();

/// The body of the plugin's one exported function.
inline lethe_status enter(const lethe_plugin &plugin, const lethe_host *host, const lethe_plugin **out,
                          lethe_error *error) noexcept {
  return fenced(error, [&] {
    if (out == nullptr || snapshot<lethe_host>(host).service == nullptr) {
      throw Failure("the host is older than this plugin");
    }
    *out = &plugin;
  });
}

}  // namespace detail

/// An objective with the manifest's id.
template <class Method>
constexpr lethe_strategy objective(const char *id) noexcept {
  static_assert(std::is_base_of_v<Objective, Method>, "an objective derives from lethe::Objective");
  return detail::strategy<Method>(id, LETHE_ROLE_OBJECTIVE, &detail::objectives<Method>);
}

/// A reweighter with the manifest's id.
template <class Method>
constexpr lethe_strategy reweighter(const char *id) noexcept {
  static_assert(std::is_base_of_v<Reweighter, Method>, "a reweighter derives from lethe::Reweighter");
  return detail::strategy<Method>(id, LETHE_ROLE_REWEIGHTER, &detail::reweighters<Method>);
}

/// A mask with the manifest's id.
template <class Method>
constexpr lethe_strategy mask(const char *id) noexcept {
  static_assert(std::is_base_of_v<Mask, Method>, "a mask derives from lethe::Mask");
  return detail::strategy<Method>(id, LETHE_ROLE_MASK, &detail::masks<Method>);
}

/// An updater with the manifest's id.
template <class Method>
constexpr lethe_strategy updater(const char *id) noexcept {
  static_assert(std::is_base_of_v<Updater, Method>, "an updater derives from lethe::Updater");
  return detail::strategy<Method>(id, LETHE_ROLE_UPDATER, &detail::updaters<Method>);
}

}  // namespace lethe

/// Makes the plugin's table, constant data, and its exported function. Once in a library, outside of any namespace:
///
///     LETHE_PLUGIN("org.example.scrub", "1.0.0", lethe::reweighter<Scrub>("org.example.scrub"));
#define LETHE_PLUGIN(id, version, ...)                                                                              \
  LETHE_EXPORT lethe_status lethe_plugin_abi1(const lethe_host *host, const lethe_plugin **out, lethe_error *error) { \
    static constexpr lethe_strategy strategies[] = {__VA_ARGS__};                                                   \
    static constexpr lethe_plugin plugin = {sizeof(lethe_plugin),                                                   \
                                            sizeof strategies / sizeof strategies[0],                               \
                                            id,                                                                     \
                                            version,                                                                \
                                            strategies,                                                             \
                                            sizeof(lethe_strategy),                                                 \
                                            0};                                                                     \
    return ::lethe::detail::enter(plugin, host, out, error);                                                        \
  }                                                                                                                 \
  static_assert(true, "a semicolon follows")

#endif
