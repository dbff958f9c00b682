extension Rule {
  /// What a call can break.
  static let callRules = [
    Rule(
      "terms", .contract, "an objective adds terms as lethe/objective.h has them",
      "the message names the term and what is wrong with it"),
    Rule(
      "weights", .contract, "a reweighter gives weights of the shape, type and sum that its output promises",
      "the message says which; 'normalised' weights sum to 1 within 1e-5"),
    Rule(
      "scores", .contract, "a mask gives a score for every weight, finite and not negative, or 0 and 1",
      "the message names the parameter"),
    Rule(
      "direction", .contract, "an updater gives a direction, and scales, of the right shapes",
      "set one tensor of the parameter's shape for each parameter"),
    Rule(
      "procedure", .contract, "a procedure leaves finite parameters of the same shapes",
      "change parameters in place, and look at what you divide by"),
    Rule(
      "results", .contract, "a metric reports numbers as lethe/metric.h has them, at least one",
      "the message names the number and what is wrong with it"),
    Rule(
      "begin-again", .contract, "a metric forgets what it was shown before when it begins with a model",
      "set sums and counts back in begin, and drop what was kept"),
    Rule(
      "stale-context", .contract, "a context is used by its own callback only",
      "do not keep lethe_ctx; it dies when the callback returns"),
    Rule(
      "wrong-thread", .contract, "the host is called from its own thread only, but for what is tagged [any]",
      "from threads of your own call log, cancelled and drop, nothing else"),
    Rule(
      "stale-handle", .contract, "handles are used while they live",
      "keep what must outlive the callback with tensors->keep, and drop it once"),
    Rule(
      "struct-tails", .contract, "bytes beyond the structs that it knows change nothing",
      "read structs through LETHE_HAS, step through arrays by their stride"),
    Rule(
      "unknown-set", .contract, "a set or flag that no header names is ignored or refused, not followed",
      "compare with the bits that you know; treat others as unknown"),
    Rule(
      "ignored-failure", .errors, "a request that fails makes the call fail",
      "look at the status of every call and return it"),
    Rule(
      "error-message", .errors, "a call that fails says why, in UTF-8",
      "write a sentence with lethe_fail; the host adds plugin, call and step"),
    Rule(
      "error-capacity", .errors, "a message stays inside the room that it was given, of 0 bytes and of 1 too",
      "write at most message_cap bytes, the NUL included, and say the whole length in message_len"),
    Rule(
      "known-status", .errors, "statuses are those of lethe/base.h",
      "return LETHE_E_UNKNOWN or a code that fits better"),
    Rule(
      "state-repeats", .state, "what is saved, loaded and saved again is the same",
      "save everything that load_state sets, and nothing that changes by itself"),
    Rule(
      "state-resumes", .state,
      "an instance that goes on from a state, or from none where it saves none, answers as the first would have",
      "save all that later answers depend on; without save_state let them depend on parameters and input only"),
    Rule(
      "state-refused", .state, "a state that is empty or cut off is refused",
      "look at how many bytes were read; 0 means that there are no more"),
    Rule(
      "state-survives", .state, "a state of random bytes does no harm",
      "check counts and sizes before you use them"),
    Rule(
      "state-version", .state, .warning, "a state of a version that it does not know is refused",
      "compare the version with yours in load_state"),
    Rule(
      "state-short-reads", .state, "a state that arrives one byte at a time is read all the same",
      "read in a loop: a stream may give fewer bytes than you asked for"),
  ]

  static let numberRules = [
    Rule(
      "determinism", .numbers, "the same seed and input give the same bits, where the manifest says bitwise",
      "draw from lethe.rng/1; use no clock, no address and no generator of your own"),
    Rule(
      "not-finite", .numbers, "NaN and infinity in the input end in numbers or an error, not in a crash or a hang",
      "do not turn values into indices or loop counts unchecked"),
    Rule(
      "batch-of-one", .numbers, "a batch of one sample works", "do not divide by n - 1, nor drop dimensions of size 1"),
    Rule(
      "empty-batch", .numbers, "an empty batch adds nothing or is refused",
      "look at the counts before you divide or take an extreme"),
    Rule(
      "batch-size", .numbers, .warning, "a metric's numbers do not depend on how a set is cut into batches",
      "add up sums and counts, not means of batches"),
    Rule(
      "bf16", .numbers, "half precision (bf16) outputs work",
      "let operators choose the type; make your own tensors in the type of what they meet"),
    Rule(
      "non-contiguous", .numbers, "views with gaps give what the same numbers without gaps give",
      "go by shape and strides, or through tensors->read, which copies in row-major order"),
    Rule(
      "gradients", .numbers, "the gradient of the terms is the slope of their values",
      "keep what the loss depends on in the graph; take out on purpose what does not with aten::detach or a pass without gradient"
    ),
    Rule(
      "order-free", .numbers, "a reweighter that is order_free gives each sample its weight wherever it stands",
      "take order_free out of the manifest, or let weights depend on values and not on places"),
    Rule(
      "capturable", .numbers, "a strategy that is capturable does the same with the same samples in every step",
      "take capturable out of the manifest, or let nothing depend on the step's number, on values or on what was kept: draw from generators, read nothing, report nothing"
    ),
    Rule(
      "lent-tensors", .resources, "tensors that were lent are not written to",
      "clone before you change in place; parameters move in after_step and run only"),
    Rule(
      "masked-entries", .contract, .warning, "an updater's direction is zero where all gradients are",
      "combine gradients; do not add to them where the mask has zeroed them"),
    Rule(
      "kept-handles", .resources, "the number of kept tensors does not grow with the steps",
      "drop what you kept before you keep the next"),
    Rule(
      "leaked-tensors", .resources, "nothing is left of an instance's tensors when it is gone",
      "call the deleter of every DLPack export"),
    Rule(
      "left-threads", .resources, "no thread of the plugin outlives destroy", "join them in destroy"),
    Rule(
      "output", .resources, "calls write nothing to standard output or error", "log through core->log"),
    Rule(
      "call-time", .resources, .warning, "a call on the checker's small model takes less than a second",
      "resolve operators in prepare; work on whole tensors, not on single elements"),
  ]

  static let parameterRules = [
    Rule(
      "defaults", .parameters, "create takes the manifest's defaults",
      "let the default be one that create takes, or make the parameter required"),
    Rule(
      "bounds", .parameters, .warning, "create takes each choice, and both ends of each range",
      "narrow min and max to what is taken: the recipe's author is told at once then"),
    Rule(
      "tunable", .parameters, "a strategy with tunable parameters has retune, and it takes new values",
      "add retune, or take tunable out of the manifest"),
    Rule(
      "described", .parameters, .warning, "every strategy and parameter has a doc",
      "write one sentence: lethe plugin show prints it"),
  ]
}
