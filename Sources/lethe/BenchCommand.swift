import ArgumentParser
import Foundation
import Runs

/// `lethe bench`.
struct BenchCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bench",
    abstract: "Measure what plugins, precision and layout cost, and how a step compares with plain PyTorch.",
    discussion: """
      What is compared takes turns in one run; medians, with the middle half of the values. Without a name, all but the last three:

        overhead    microseconds that the ABI, a reweighter and a mask add to a step, and their share of a ResNet-18 step
        selection   choosing half of 11 million scores, over a full sort
        startup     'lethe plugin list', from its beginning to its end
        precision   a ResNet-18 step in bf16 and channels-last, over fp32 in the default layout
        python      a ResNet-18 step over plain PyTorch's; needs LETHE_PYTHON, a Python with the same torch
        plugins     the ABI's share of a step, a plain C function a call, 'plugin list' with a hundred plugins more, and
                    what --contain adds to a step: whole small runs, half as many as rounds of each
        classification
                    whole runs over the same work in the published style of scripts: unlearning, mask, measuring, memory;
                    needs LETHE_PYTHON with torchvision and scikit-learn, and CIFAR-10 in LETHE_DATA; a fifth of the
                    rounds, each of which takes six minutes on two cores; on a GPU ten times the images, and no memory
        diffusion   steps of deletion with and without a second gradient, and sampling, over plain PyTorch's with diffusers; needs LETHE_PYTHON
                    with diffusers; rounds in tens, each of which takes half a minute on two cores

        lethe bench overhead --rounds 200
        LETHE_PYTHON=python3 lethe bench python
        LETHE_PYTHON=python3 lethe bench overhead precision python classification --device cuda
      """)

  @Argument(
    help:
      "overhead, selection, startup, precision, python, plugins, classification, diffusion; without any, all but the last three."
  )
  var what: [String] = []

  @Option(help: "How often everything is timed, at least 2.")
  var rounds: Int = 20

  @Option(help: "Where steps are taken: cpu, cuda or cuda:N.")
  var device: String = "cpu"

  @Flag(help: "Time whole runs of classification whose steps are CUDA graphs too; for --device cuda.")
  var cudaGraphs = false

  @Flag(help: "JSON instead of text.")
  var json = false

  func validate() throws {
    if rounds < 2 { throw ValidationError("--rounds must be at least 2") }
    if cudaGraphs, device == "cpu" { throw ValidationError("--cuda-graphs needs --device cuda") }
  }

  func run() throws {
    let known = Benches.names
    if let wrong = what.first(where: { !known.contains($0) }) { throw CommandError.noBenchmark(wrong, known: known) }
    let workshop = Workshop.live
    Signals.watch(workshop.cancel)
    let screen = Screen(mode: .full)
    let benches = Benches(
      workshop: workshop, rounds: rounds, device: device, takesGraphs: cudaGraphs, screen: screen)
    var results: [BenchResult] = []
    for name in known
    where what.isEmpty ? !["plugins", "classification", "diffusion"].contains(name) : what.contains(name) {
      if name == "python", what.isEmpty, Benches.python == nil {
        screen.tell("python: left out, LETHE_PYTHON is not set")
        continue
      }
      screen.tell("\(name) …")
      // What is known is told at once: a benchmark may take long, and be stopped.
      results += try benches.run(name) { result in
        screen.tell("\(result.question): \(result.value); \(result.detail)")
      }
    }
    screen.clear()
    if json { return try Output.result(Tree.list(results.map(\.tree)).prettyJSON()) }
    let rows = results.map { [$0.question, $0.value, $0.detail, $0.goal] }
    try Output.result(TextTable(heading: ["what", "measured", "median (middle half)", "goal"], rows: rows).leftAligned)
  }
}

/// One line of the table.
struct BenchResult {
  /// What was asked.
  let question: String
  /// The answer.
  let value: String
  /// The numbers behind it.
  let detail: String
  /// What it should be, and whether it is.
  let goal: String
  /// The answer as a number.
  let number: Double

  /// For JSON.
  var tree: Tree {
    .map([
      TreeEntry("what", .string(question)), TreeEntry("number", .float(number)), TreeEntry("measured", .string(value)),
      TreeEntry("detail", .string(detail)), TreeEntry("goal", .string(goal)),
    ])
  }
}
