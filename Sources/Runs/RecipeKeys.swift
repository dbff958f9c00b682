/// One key that a recipe may have.
package struct RecipeKey: Sendable, Equatable {
  /// The key.
  package var name: String
  /// What a value looks like.
  package var type: String
  /// The value when none is written; a dash when the key must be there, or does not apply alone.
  package var defaultText: String
  /// One sentence on what it does.
  package var doc: String

  init(_ name: String, _ type: String, _ defaultText: String, _ doc: String) {
    self.name = name
    self.type = type
    self.defaultText = defaultText
    self.doc = doc
  }
}

/// The keys of one map of a recipe. The resolver accepts these and no others; `docs/recipe.md` lists them all.
package struct RecipeSection: Sendable, Equatable {
  /// Where the map is: empty for the recipe itself, `pipeline.mask`, `base`.
  package var path: String
  /// Its keys in order.
  package var keys: [RecipeKey]

  init(_ path: String, _ keys: [RecipeKey]) {
    self.path = path
    self.keys = keys
  }

  /// All maps of a recipe, in the order of the page that documents them.
  package static let all: [RecipeSection] = [
    .recipe, .data, .validation, .add, .replay, .augment, .normalise, .forget, .model, .diffusion, .base, .retrained,
    .proxy, .optimizer,
    .learningRate, .average, .pipeline, .part, .function, .transform, .functionTest, .mask, .swap, .tune, .evaluate,
    .metricFunction, .relearn, .generation,
    .sampler,
    .classifier, .checkpoint,
  ]

  static let recipe = RecipeSection(
    "",
    [
      RecipeKey("from", "path", "none", "a recipe whose keys hold where this one has no other"),
      RecipeKey("name", "text", "the file's name", "what the run is called; part of its folder's name"),
      RecipeKey("seed", "whole number", "1", "what the random choices of unlearning derive from"),
      RecipeKey("device", "cpu, cuda, cuda:N", "cpu", "where tensors live"),
      RecipeKey("precision", "fp32, bf16", "fp32", "arithmetic of forward and backward passes (bf16: autocast)"),
      RecipeKey("channels_last", "true, false", "true", "layout of images and convolution weights"),
      RecipeKey(
        "cuda_graphs", "true, false", "false", "on CUDA: record steps once for each batch size and replay them"),
      RecipeKey("threads", "whole number", "one a core", "threads LibTorch computes with"),
      RecipeKey("data", "map", "glyphs", "what is learned from"),
      RecipeKey("forget", "map, list of maps", "–", "what is forgotten; several maps: one after another"),
      RecipeKey("model", "map", "cnn", "the network"),
      RecipeKey("diffusion", "map", "linear, 1000 steps", "the noise of a diffusion model"),
      RecipeKey("base", "map", "trained", "how the original model is made"),
      RecipeKey("retrained", "map, none", "like base", "how the retrained model is made"),
      RecipeKey(
        "proxy", "map", "none", "how a further model is trained on the retain set, for objectives that ask for it"),
      RecipeKey("pipeline", "map, none", "–", "how the original model is made to forget"),
      RecipeKey("methods", "map of names", "none", "for `lethe compare`: keys of `pipeline` that each method changes"),
      RecipeKey("method", "name", "none", "the one of `methods` that is meant, as `--method` says it"),
      RecipeKey("swaps", "list of maps", "none", "parts that change during the run"),
      RecipeKey("evaluate", "map", "at the end", "what is measured, on what and when"),
      RecipeKey("checkpoint", "map", "every epoch", "how often the run's state is saved"),
      RecipeKey("plugins", "list of paths", "none", "further folders of plugins, searched after `--plugin-path`"),
      RecipeKey("output", "path", "runs", "the folder in which the run's folder is made"),
    ])

  static let data = RecipeSection(
    "data",
    [
      RecipeKey(
        "source", "glyphs, idx, images, cifar, npz, safetensors, tiny-imagenet", "glyphs", "the form of the data"),
      RecipeKey("path", "path", "–", "where the data are: a folder, an archive or a file, as `source` has it"),
      RecipeKey("train", "whole number", "all", "at most so many training samples"),
      RecipeKey("add", "map", "none", "an image to put among the training samples, again and again"),
      RecipeKey("retain", "map", "the samples", "diffusion: what the pipeline has in place of the retain samples"),
      RecipeKey("test", "whole number", "all", "at most so many test samples"),
      RecipeKey(
        "permutation_seed", "whole number, null", "1", "seed of the order samples get at loading; null: order of files"),
      RecipeKey(
        "validation", "fraction, number or map", "0.1",
        "how many training samples are set aside for validation, or which"),
      RecipeKey("split_seed", "whole number", "1", "seed of that choice"),
      RecipeKey("augment", "map", "none", "what is done to training images at random"),
      RecipeKey("normalise", "map", "the data's own", "the constants images are normalised with"),
    ])

  static let validation = RecipeSection(
    "data.validation", [RecipeKey("samples", "path", "–", "the positions in a file: text, .json or .npy")])

  static let add = RecipeSection(
    "data.add",
    [
      RecipeKey("path", "path", "–", "the image"),
      RecipeKey("copies", "whole number", "1", "how often it is put in, behind the other samples"),
      RecipeKey("class", "name", "added", "the class that it is, a new one"),
    ])

  static let replay = RecipeSection(
    "data.retain",
    [
      RecipeKey("replay", "whole number", "–", "so many images drawn from the original model"),
      RecipeKey("seed", "whole number", "1", "what their noise derives from"),
    ])

  static let augment = RecipeSection(
    "data.augment",
    [
      RecipeKey("crop", "whole number", "0", "pixels of zeros around an image before a window is cut out at random"),
      RecipeKey("flip", "true, false", "false", "whether half of the images are mirrored"),
    ])

  static let normalise = RecipeSection(
    "data.normalise",
    [
      RecipeKey("mean", "list of numbers", "–", "one a channel, for pixels in [0, 1]"),
      RecipeKey("std", "list of numbers", "–", "one a channel, above 0"),
    ])

  static let forget = RecipeSection(
    "forget",
    [
      RecipeKey("random", "fraction or number", "–", "that much of the training samples, at random"),
      RecipeKey("class", "number or name", "–", "the samples of a class"),
      RecipeKey("count", "whole number", "all", "with `class`: only so many of them, at random"),
      RecipeKey("indices", "path", "–", "the positions in a file: text, .json or .npy"),
      RecipeKey("files", "path", "–", "the images in a text, one path a line, from the data's folder"),
      RecipeKey("seed", "whole number", "1", "with `random` or `count`: the seed of the choice"),
    ])

  static let model = RecipeSection(
    "model",
    [
      RecipeKey(
        "name", "cnn, resnet18, vgg16_bn, vgg16_bn_lth, unet, conditional-unet", "cnn",
        "the architecture: a classifier, or a U-Net that predicts noise"),
      RecipeKey("channels", "list of whole numbers", "[16, 32]", "cnn: channels of its convolutions"),
      RecipeKey(
        "width", "whole number", "64; 128",
        "resnet18, vgg16_bn, vgg16_bn_lth, conditional-unet: channels at the beginning"),
      RecipeKey(
        "folder", "path", "–", "unet: a folder of diffusers with configuration, noise and weights; no other key"),
      RecipeKey("widths", "list of whole numbers", "[64, 128, 256]", "unet: channels of each level, from the finest"),
      RecipeKey(
        "multipliers", "list of whole numbers", "[1, 2, 2, 2]", "conditional-unet: channels of each level over width"),
      RecipeKey("layers", "whole number", "2", "unet, conditional-unet: residual blocks a level"),
      RecipeKey(
        "attention", "list of whole numbers", "[]; [16]",
        "unet: the levels with attention, from 0; conditional-unet: the sides of the feature maps that have it"),
      RecipeKey("middle_attention", "true, false", "true", "unet: whether the middle has attention"),
      RecipeKey("head_channels", "whole number", "8", "unet: channels of an attention head"),
      RecipeKey("groups", "whole number", "32", "unet: groups of the group normalisation"),
      RecipeKey("dropout", "number", "0; 0.1", "unet, conditional-unet: share of activations that training drops"),
      RecipeKey("conditional", "true, false", "false", "unet: whether it is told the class"),
    ])

  static let diffusion = RecipeSection(
    "diffusion",
    [
      RecipeKey("schedule", "linear, scaled-linear", "linear", "how β rises"),
      RecipeKey("timesteps", "whole number", "1000", "how many timesteps there are"),
      RecipeKey("beta", "two numbers", "[0.0001, 0.02]", "the first and the last β"),
      RecipeKey(
        "reduction", "sum, mean", "sum", "how the loss of a sample comes of its squared errors in the pipeline"),
    ])

  private static func training(_ like: (String) -> String) -> [RecipeKey] {
    [
      RecipeKey("weights", "path", "–", "a safetensors file; then no other key"),
      RecipeKey("seed", "whole number", like("1"), "what first weights and order of samples derive from"),
      RecipeKey("epochs", "whole number", like("20"), "passes over the samples"),
      RecipeKey("steps", "whole number", like("those of the epochs"), "instead: optimizer steps"),
      RecipeKey("batch", "whole number", like("128"), "samples a step"),
      RecipeKey("optimizer", "map", like("sgd"), "the rule of the steps"),
      RecipeKey("label_smoothing", "number", like("0"), "classifier: share of a target spread over all classes"),
      RecipeKey(
        "reduction", "sum, mean", like("mean"), "diffusion: how the loss of a sample comes of its squared errors"),
      RecipeKey(
        "condition_dropout", "number", like("0.1"), "diffusion: share of samples whose class the network is not told"),
    ]
  }

  static let base = RecipeSection(
    "base",
    training { $0 } + [
      RecipeKey(
        "samples", "path", "forget and retain", "the positions it is trained on, in a file: text, .json or .npy")
    ])
  static let retrained = RecipeSection("retrained", training { _ in "base's" })
  static let proxy = RecipeSection("proxy", training { _ in "base's" }.filter { $0.name != "weights" })

  static let optimizer = RecipeSection(
    "optimizer",
    [
      RecipeKey("name", "sgd, adam, adamw", "sgd", "the optimizer"),
      RecipeKey(
        "learning_rate", "number", "0.1; 0.01 in pipeline; 0.001 for adam, adamw", "the rate that the schedule scales"),
      RecipeKey("momentum", "number", "0.9", "sgd: momentum"),
      RecipeKey("nesterov", "true, false", "false", "sgd: whether momentum is Nesterov's"),
      RecipeKey("weight_decay", "number", "0.0005; 0 for adam; 0.01 for adamw", "weight decay on all parameters"),
      RecipeKey("betas", "two numbers", "[0.9, 0.999]", "adam, adamw: decay of the averages"),
      RecipeKey("eps", "number", "1.0e-8", "adam, adamw: what keeps the quotient finite"),
      RecipeKey("schedule", "map", "constant", "how the learning rate changes"),
      RecipeKey("clip", "number", "none", "the norm that the gradient is clipped to"),
      RecipeKey("accumulate", "whole number", "1", "batches whose gradients are added up for one step"),
      RecipeKey("ema", "number, map", "none", "a moving average takes the weights' place at the end: its decay"),
    ])

  static let average = RecipeSection(
    "optimizer.ema",
    [
      RecipeKey("decay", "number", "0.9999", "the largest decay"),
      RecipeKey("inv_gamma", "number", "1", "what the warm-up divides the number of steps by"),
      RecipeKey("power", "number", "0.75", "how fast the warm-up is; 0 for none"),
    ])

  static let learningRate = RecipeSection(
    "optimizer.schedule",
    [
      RecipeKey("name", "constant, step, cosine, one-cycle", "constant", "the shape of the learning rate"),
      RecipeKey("warmup", "number", "0", "epochs over which the rate rises linearly at first"),
      RecipeKey("milestones", "list of whole numbers", "[91, 136]", "step: epochs after which the rate is multiplied"),
      RecipeKey("gamma", "number", "0.1", "step: what it is multiplied by"),
    ])

  static let pipeline = RecipeSection(
    "pipeline",
    [
      RecipeKey("objective", "part", "–", "which losses a step has"),
      RecipeKey("transform", "function", "none", "what each loss is mapped to before it is weighed"),
      RecipeKey("reweighter", "part, function", "none", "how much each sample counts"),
      RecipeKey("mask", "part", "none", "which weights may move"),
      RecipeKey("updater", "part", "none", "how gradients of several terms become one direction"),
      RecipeKey(
        "procedure", "part", "none", "a method that takes no steps, instead of objective, reweighter and updater"),
      RecipeKey(
        "schedule", "sequential, paired, pairs, joint, forget-only, retain-only", "the objective's",
        "how forget and retain samples meet"),
      RecipeKey("epochs", "whole number", "10", "passes over what the schedule gives"),
      RecipeKey("steps", "whole number", "those of the epochs", "instead: optimizer steps"),
      RecipeKey("batch", "whole number", "256", "samples a step"),
      RecipeKey("optimizer", "map", "sgd", "the rule of the steps"),
      RecipeKey("freeze_batchnorm", "true, false", "false", "whether running means and variances stay as they are"),
    ])

  static let part = RecipeSection(
    "a part", [RecipeKey("plugin", "id", "–", "the strategy; every other key is a parameter of its own")])

  static let function = RecipeSection(
    "a function",
    [
      RecipeKey("library", "path", "–", "the shared library"),
      RecipeKey("symbol", "text", "–", "the function's name"),
      RecipeKey("signature", "text", "–", "its C prototype without a name"),
      RecipeKey("args", "map", "none", "numbers for arguments that the host does not give"),
      RecipeKey("normalise", "batch, none", "batch", "whether its weights are divided by their sum"),
      RecipeKey("test", "map", "none", "what it has to give for some input, run before anything is trained"),
    ])

  static let mask = RecipeSection(
    "pipeline.mask",
    [
      RecipeKey("keep", "fraction", "0.5", "the share of weights that may move: those with the highest scores"),
      RecipeKey("threshold", "number", "–", "instead: weights with a score of at least this may move"),
      RecipeKey("batch", "whole number", "the plugin's", "samples a batch of the walk that the scores come from"),
      RecipeKey(
        "freeze", "hard, gradient", "hard", "hard: other weights keep their bits; gradient: decay may still move them"),
    ])

  static let swap = RecipeSection(
    "swaps",
    [
      RecipeKey(
        "at", "epoch N, step N, METRIC > N, METRIC < N", "–", "when: after so many epochs or steps, or see below"),
      RecipeKey("objective", "part", "as it is", "the new objective"),
      RecipeKey("reweighter", "part, function, null", "as it is", "the new reweighter, or none"),
      RecipeKey("mask", "part, null", "as it is", "the new mask, or none"),
      RecipeKey("updater", "part, null", "as it is", "the new updater, or none"),
      RecipeKey("schedule", "as in pipeline", "as it is", "the new schedule"),
      RecipeKey("learning_rate", "number", "as it is", "the new peak of the learning rate, which keeps its schedule"),
      RecipeKey(
        "tune", "map", "–", "new values for parameters of parts that stay, by role: `reweighter: {key: value}`"),
    ])

  static let tune = RecipeSection(
    "swaps.tune",
    [
      RecipeKey("objective", "map", "as it is", "new values for tunable parameters of the objective in force"),
      RecipeKey("reweighter", "map", "as it is", "the same for the reweighter"),
      RecipeKey("updater", "map", "as it is", "the same for the updater"),
    ])

  static let evaluate = RecipeSection(
    "evaluate",
    [
      RecipeKey("every", "N epochs, N steps", "never", "how often the model is measured during the run"),
      RecipeKey("during", "list", "[validation]", "the sets that a classifier is measured on then: accuracy and loss"),
      RecipeKey("sets", "list", "[forget, retain, test, validation]", "the sets measured at the end"),
      RecipeKey("metrics", "list", "all that cost little", "what is measured: see below"),
      RecipeKey(
        "table", "list",
        "the metrics written; else \(MetricName.allCases.filter(\.isInTables).map(\.rawValue).joined(separator: ", "))",
        "which of them the tables show; the others are further down in the reports"),
      RecipeKey("plugins", "list of parts and functions", "none", "metrics of plugins and plain C functions"),
      RecipeKey("relearn", "map", "–", "with the metric `relearn`: how it is timed"),
      RecipeKey("batch", "whole number", "256", "samples a forward pass"),
      RecipeKey("generation", "map", "–", "diffusion: what is generated and how it is judged"),
    ])

  static let generation = RecipeSection(
    "evaluate.generation",
    [
      RecipeKey("samples", "whole number", "512", "images drawn of each model"),
      RecipeKey("batch", "whole number", "64", "images drawn side by side"),
      RecipeKey("sampler", "map", "ddim, 50 steps", "how they are drawn"),
      RecipeKey("seed", "whole number", "1", "what their noise derives from; the same for every model"),
      RecipeKey("classifier", "map", "a small cnn", "what looks at them: a classifier that is trained for it"),
      RecipeKey("inception", "path", "–", "instead: Inception-v3 with the weights of this safetensors file"),
      RecipeKey(
        "target_distance", "number", "10", "distance in [0, 1] pixels under which an image is one of the forget set"),
      RecipeKey("nll_images", "whole number", "4", "at most so many different images of a set get an NLL"),
      RecipeKey("nll_tolerance", "number", "1.0e-5", "tolerance of the NLL's integrator"),
      RecipeKey("grid", "whole number", "64", "images of each model in the report's grid; 0 for none"),
      RecipeKey(
        "during", "whole number", "0", "images drawn at each `evaluate.every`, to follow the target rate; 0 for none"),
    ])

  static let sampler = RecipeSection(
    "evaluate.generation.sampler",
    [
      RecipeKey("name", "ddpm, ddim", "ddim", "ancestral sampling, or the generalised update"),
      RecipeKey("steps", "whole number", "50; all for ddpm", "steps from noise to image"),
      RecipeKey("eta", "number", "0", "ddim: 0 adds no noise on the way, 1 as much as ddpm"),
      RecipeKey("guidance", "number", "0; 2 for conditional networks", "s in (1+s) ε(c) − s ε(null)"),
    ])

  static let classifier = RecipeSection(
    "evaluate.generation.classifier",
    [
      RecipeKey("model", "map", "cnn", "the architecture, a classifier"),
      RecipeKey("seed", "whole number", "1", "what first weights and order of samples derive from"),
      RecipeKey("epochs", "whole number", "5", "passes over the training samples"),
      RecipeKey("batch", "whole number", "128", "samples a step"),
      RecipeKey("optimizer", "map", "adam, 0.001", "the rule of the steps"),
    ])

  static let relearn = RecipeSection(
    "evaluate.relearn",
    [
      RecipeKey("margin", "number", "1", "it is over at so many percentage points below the original's accuracy"),
      RecipeKey("cap", "whole number", "500", "steps after which it is given up"),
      RecipeKey("learning_rate", "number", "0.01", "the rate of its steps"),
      RecipeKey("batch", "whole number", "128", "samples a step"),
    ])

  static let checkpoint = RecipeSection(
    "checkpoint",
    [RecipeKey("every", "N epochs, N steps, null", "1 epoch", "how often; null: only when interrupted")])
}
