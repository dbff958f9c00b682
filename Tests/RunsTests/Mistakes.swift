/// A recipe with one mistake.
struct Mistake {
  /// What the mistake is.
  let what: String
  /// The recipe.
  let text: String
  /// Overrides after it.
  let overrides: [String]

  init(_ what: String, _ text: String, _ overrides: [String]) {
    self.what = what
    self.text = text
    self.overrides = overrides
  }

  /// Recipes with one mistake each; the golden file shows what is said about them.
  static let all: [Mistake] = [
    Mistake("a key that there is not", Fixture.minimal("metod: x\n"), []),
    Mistake("a key that is near to none", Fixture.minimal("checkpoint: {zzzzzz: 1}\n"), []),
    Mistake("a key twice", "seed: 1\nforget: {random: 0.1}\nseed: 2\n", []),
    Mistake("no YAML", "forget: {random: 0.1\npipeline: x\n", []),
    Mistake("a list for a recipe", "- a\n- b\n", []),
    Mistake("text for a number", Fixture.minimal("seed: one\n"), []),
    Mistake("a float for a whole number", Fixture.minimal(), ["pipeline.epochs=1.5"]),
    Mistake("a number for a flag", Fixture.minimal("channels_last: 1\n"), []),
    Mistake("yes for a flag", Fixture.minimal("channels_last: yes\n"), []),
    Mistake("a scalar for a map", Fixture.minimal("data: glyphs\n"), []),
    Mistake("a negative seed", Fixture.minimal("seed: -1\n"), []),
    Mistake("no steps", Fixture.minimal(), ["pipeline.batch=0"]),
    Mistake("a learning rate that is none", Fixture.minimal(), ["pipeline.optimizer.learning_rate=.nan"]),
    Mistake("a share above 1", Fixture.minimal("data: {validation: 1.5}\n"), []),
    Mistake("nothing to forget", Fixture.minimal(), ["forget.random=0"]),
    Mistake("everything to forget", Fixture.minimal(), ["forget.random=1.0"]),
    Mistake("a word that is near to one", Fixture.minimal("precision: bf61\n"), []),
    Mistake("a device that there is not", Fixture.minimal("device: gpu\n"), []),
    Mistake("nothing said about forgetting", "pipeline: {objective: fine-tune}\n", []),
    Mistake("two ways to forget", "forget: {random: 0.1, class: 3}\npipeline: {objective: fine-tune}\n", []),
    Mistake("a count without a class", Fixture.minimal(), ["forget.count=3"]),
    Mistake("a seed for a file", "forget: {indices: a.txt, seed: 3}\npipeline: {objective: fine-tune}\n", []),
    Mistake("a path for glyphs", Fixture.minimal("data: {path: x}\n"), []),
    Mistake("no path for IDX", Fixture.minimal("data: {source: idx}\n"), []),
    Mistake("a variable that is not set", Fixture.minimal("data: {source: idx, path: $NOWHERE/x}\n"), []),
    Mistake("a variable that is empty", Fixture.minimal("data: {source: idx, path: $EMPTY/x}\n"), []),
    Mistake("a variable not closed", Fixture.minimal("data: {source: idx, path: \"${HOME/x\"}\n"), []),
    Mistake("a mean without a deviation", Fixture.minimal("data: {normalise: {mean: [0.5]}}\n"), []),
    Mistake("more means than deviations", Fixture.minimal("data: {normalise: {mean: [1, 2], std: [1]}}\n"), []),
    Mistake("a width for a cnn", Fixture.minimal("model: {width: 3}\n"), []),
    Mistake("five channels", Fixture.minimal("model: {channels: [1, 2, 3, 4, 5]}\n"), []),
    Mistake("betas for sgd", Fixture.minimal(), ["pipeline.optimizer.betas=[0.9, 0.9]"]),
    Mistake("momentum for adam", Fixture.minimal(), ["base.optimizer={name: adam, momentum: 0.9}"]),
    Mistake("three betas", Fixture.minimal(), ["base.optimizer={name: adam, betas: [0.9, 0.9, 0.9]}"]),
    Mistake("Nesterov without momentum", Fixture.minimal(), ["base.optimizer={nesterov: true, momentum: 0}"]),
    Mistake("milestones for a cosine", Fixture.minimal(), ["base.optimizer.schedule={name: cosine, milestones: [1]}"]),
    Mistake("milestones out of order", Fixture.minimal(), ["base.optimizer.schedule={name: step, milestones: [3, 1]}"]),
    Mistake("weights and epochs", Fixture.minimal("base: {weights: a.st, epochs: 3}\n"), []),
    Mistake("weights and nothing to retrain by", Fixture.minimal("base: {weights: a.st}\n"), []),
    Mistake("noise for a classifier", Fixture.minimal("diffusion: {timesteps: 10}\n"), []),
    Mistake("images of a classifier", Fixture.minimal("evaluate: {generation: {samples: 3}}\n"), []),
    Mistake("a metric of diffusion for a classifier", Fixture.minimal("evaluate: {metrics: [fid]}\n"), []),
    Mistake("replay for a classifier", Fixture.minimal("data: {retain: {replay: 8}}\n"), []),
    Mistake("pixels for a U-Net", Fixture.diffusion("model: {name: unet, channels: [3]}\n"), []),
    Mistake("attention on a level that there is not", Fixture.diffusion("model: {name: unet, attention: [3]}\n"), []),
    Mistake("widths beside a folder", Fixture.diffusion("model: {name: unet, folder: a, widths: [8]}\n"), []),
    Mistake(
      "noise beside a folder", Fixture.diffusion("model: {name: unet, folder: a}\ndiffusion: {beta: [0.1, 0.2]}\n"), []),
    Mistake("training beside a folder", Fixture.diffusion("model: {name: unet, folder: a}\nbase: {epochs: 3}\n"), []),
    Mistake("a falling beta", Fixture.diffusion("diffusion: {beta: [0.2, 0.1]}\n"), []),
    Mistake("one timestep", Fixture.diffusion("diffusion: {timesteps: 1}\n"), []),
    Mistake(
      "more steps than timesteps", Fixture.diffusion("diffusion: {timesteps: 20}\n"),
      ["evaluate.generation.sampler.steps=21"]),
    Mistake("eta for ddpm", Fixture.diffusion(), ["evaluate.generation.sampler={name: ddpm, eta: 1}"]),
    Mistake("guidance without conditions", Fixture.diffusion(), ["evaluate.generation.sampler={guidance: 2}"]),
    Mistake("a dropped condition without conditions", Fixture.diffusion(), ["base.condition_dropout=0.1"]),
    Mistake("label smoothing of noise", Fixture.diffusion(), ["base.label_smoothing=0.1"]),
    Mistake("steps and epochs", Fixture.diffusion(), ["pipeline.steps=3", "pipeline.epochs=3"]),
    Mistake("lambda above 1", Fixture.diffusion(), ["pipeline.objective={plugin: siss, lambda: 1.5}"]),
    Mistake("SISS on a classifier", Fixture.minimal(), ["pipeline.objective=siss"]),
    Mistake("an objective of classification on a U-Net", Fixture.diffusion(), ["pipeline.objective=random-label"]),
    Mistake("accuracy of a U-Net", Fixture.diffusion(), ["evaluate.metrics=[ua]"]),
    Mistake("a U-Net to look at images", Fixture.diffusion(), ["evaluate.generation.classifier.model.name=unet"]),
    Mistake(
      "two that look at images", Fixture.diffusion(), ["evaluate.generation={inception: a, classifier: {epochs: 1}}"]),
    Mistake("an average that keeps nothing", Fixture.diffusion(), ["base.optimizer.ema=0"]),
    Mistake("nothing to add", Fixture.diffusion("data: {add: {copies: 3}}\n"), []),
    Mistake("no pipeline", "forget: {random: 0.1}\n", []),
    Mistake("a plugin that is near to one", Fixture.minimal(), ["pipeline.mask=salum"]),
    Mistake("a plugin that is near to none", Fixture.minimal(), ["pipeline.reweighter=softmax-of-everything"]),
    Mistake("a mask for an objective", Fixture.minimal(), ["pipeline.objective=salun"]),
    Mistake("a part without its plugin", Fixture.minimal(), ["pipeline.reweighter={eta_forget: 0.1}"]),
    Mistake("a list for a part", Fixture.minimal(), ["pipeline.mask=[salun]"]),
    Mistake("a plugin for diffusion", Fixture.minimal(), ["pipeline.objective=denoise"]),
    Mistake(
      "a parameter that there is not", Fixture.minimal(), ["pipeline.reweighter={plugin: loreun, eta_forgot: 1}"]),
    Mistake(
      "a parameter of a plugin that has none", Fixture.minimal(), ["pipeline.objective={plugin: fine-tune, x: 1}"]),
    Mistake(
      "a parameter of the wrong type", Fixture.minimal(), ["pipeline.reweighter={plugin: loreun, eta_forget: high}"]),
    Mistake(
      "a parameter under its least", Fixture.minimal(), ["pipeline.reweighter={plugin: loreun, eta_forget: -0.5}"]),
    Mistake("a parameter outside its range", Fixture.minimal(), ["pipeline.objective={plugin: typed, count: 10}"]),
    Mistake("a parameter over its most", Fixture.minimal(), ["pipeline.objective={plugin: typed, count: 1, rate: 2}"]),
    Mistake(
      "a parameter that is none of its choices", Fixture.minimal(), ["pipeline.mask={plugin: salun, mode: papers}"]),
    Mistake("a parameter that must be there", Fixture.minimal(), ["pipeline.objective=typed"]),
    Mistake(
      "a float for a plugin's whole number", Fixture.minimal(), ["pipeline.objective={plugin: typed, count: 1.0}"]),
    Mistake(
      "both ways to choose weights", Fixture.minimal(), ["pipeline.mask={plugin: salun, keep: 0.5, threshold: 1}"]),
    Mistake("no weight kept", Fixture.minimal(), ["pipeline.mask={plugin: salun, keep: 0}"]),
    Mistake(
      "a schedule the objective refuses",
      Fixture.minimal("").replacing("fine-tune", with: "fine-tune, schedule: joint"), []),
    Mistake(
      "a schedule the updater refuses", Fixture.minimal(),
      ["pipeline.objective=random-label", "pipeline.updater=balance", "pipeline.schedule=joint"]),
    Mistake("an updater no schedule serves", Fixture.minimal(), ["pipeline.updater=balance"]),
    Mistake("a function without its prototype", Fixture.minimal(), ["pipeline.reweighter={library: a.so, symbol: w}"]),
    Mistake("a function without its library", Fixture.minimal(), ["pipeline.reweighter={symbol: w}"]),
    Mistake(
      "text for a function's argument", Fixture.minimal(),
      ["pipeline.reweighter={library: a.so, symbol: w, signature: \"double(double loss)\", args: {eta: big}}"]),
    Mistake("a swap when the run is over", Fixture.minimal("swaps: [{at: epoch 10, reweighter: loreun}]\n"), []),
    Mistake(
      "a swap in a run of one epoch", Fixture.minimal("swaps: [{at: epoch 1, reweighter: loreun}]\n"),
      ["pipeline.epochs=1"]),
    Mistake("a mask swapped within an epoch", Fixture.minimal("swaps: [{at: step 10, mask: salun}]\n"), []),
    Mistake("a swap at no time", Fixture.minimal("swaps: [{reweighter: loreun}]\n"), []),
    Mistake("a swap at a time that is none", Fixture.minimal("swaps: [{at: 3, reweighter: loreun}]\n"), []),
    Mistake("a swap of nothing", Fixture.minimal("swaps: [{at: epoch 3}]\n"), []),
    Mistake("an objective taken away", Fixture.minimal("swaps: [{at: epoch 3, objective: null}]\n"), []),
    Mistake(
      "a swap to a schedule the objective refuses", Fixture.minimal("swaps: [{at: epoch 3, schedule: joint}]\n"), []),
    Mistake("an interval that is none", Fixture.minimal("checkpoint: {every: 3}\n"), []),
    Mistake("a metric that there is not", Fixture.minimal("evaluate: {metrics: [ua, mia]}\n"), []),
    Mistake("a metric misspelt", Fixture.minimal("evaluate: {metrics: [ua, js-divergense]}\n"), []),
    Mistake("a metric twice", Fixture.minimal("evaluate: {metrics: [ua, ra, ua]}\n"), []),
    Mistake("a set twice", Fixture.minimal("evaluate: {sets: [test, forget, test]}\n"), []),
    Mistake("an agreement with nobody", Fixture.minimal("retrained: none\nevaluate: {metrics: [agreement]}\n"), []),
    Mistake(
      "a distance from nothing", Fixture.minimal("retrained: none\nevaluate: {metrics: [weight-distance]}\n"), []),
    Mistake(
      "a divergence from nothing", Fixture.minimal("retrained: none\nevaluate: {metrics: [js-divergence]}\n"), []),
    Mistake(
      "an attack without its set", Fixture.minimal("evaluate: {metrics: [mia-svc-entropy], sets: [forget, retain]}\n"),
      []),
    Mistake(
      "relearning what is not measured", Fixture.minimal("evaluate: {metrics: [relearn], sets: [test]}\n"), []),
    Mistake(
      "relearning in no steps", Fixture.minimal("evaluate: {metrics: [relearn], relearn: {cap: 0}}\n"), []),
    Mistake(
      "relearning to more than all", Fixture.minimal("evaluate: {metrics: [relearn], relearn: {margin: -1}}\n"), []),
    Mistake(
      "relearning by standing still", Fixture.minimal("evaluate: {metrics: [relearn], relearn: {learning_rate: 0}}\n"),
      []),
    Mistake("how to relearn where nobody asks", Fixture.minimal("evaluate: {relearn: {cap: 10}}\n"), []),
    Mistake("a column that is not measured", Fixture.minimal("evaluate: {metrics: [ua], table: [ra]}\n"), []),
    Mistake("a column twice", Fixture.minimal("evaluate: {table: [ua, ua]}\n"), []),
    Mistake("a column of many numbers", Fixture.minimal("evaluate: {table: [per-class]}\n"), []),
    Mistake("a metric without its reference", Fixture.minimal("retrained: none\nevaluate: {metrics: [tow]}\n"), []),
    Mistake("a metric without its set", Fixture.minimal("evaluate: {metrics: [mia-svc], sets: [forget, test]}\n"), []),
    Mistake(
      "a validation set of nothing", Fixture.minimal("data: {validation: 0}\nevaluate: {sets: [validation]}\n"), []),
    Mistake(
      "measuring on no validation set", Fixture.minimal("data: {validation: 0}\nevaluate: {every: 1 epoch}\n"), []),
    Mistake("methods that are a list", Fixture.minimal("methods: [a, b]\n"), []),
    Mistake("a name that no folder can have", Fixture.minimal("name: a/b\n"), []),
    Mistake("graphs on the processor", Fixture.minimal("cuda_graphs: true\n"), []),
  ]
}
