import Foundation
import Testing

/// The scripts that turn what others made into what Lethe reads. Those in Python need torch, safetensors, NumPy and SciPy.
@Suite struct ScriptTests {
  private static let python = ProcessInfo.processInfo.environment["LETHE_PYTHON"]
  private static let why: Comment = "LETHE_PYTHON names no Python with torch, safetensors, numpy and scipy"

  /// Runs Python, or a script of the repository, in the command's folder.
  private func run(_ arguments: [String], in command: Command) throws -> Answer {
    let process = Process()
    let (out, err) = (command.folder.appendingPathComponent(".out"), command.folder.appendingPathComponent(".err"))
    for file in [out, err] { try Data().write(to: file) }
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = [Self.python ?? "python3"] + arguments
    process.currentDirectoryURL = command.folder
    process.standardOutput = try FileHandle(forWritingTo: out)
    process.standardError = try FileHandle(forWritingTo: err)
    try process.run()
    process.waitUntilExit()
    defer { for file in [out, err] { try? FileManager.default.removeItem(at: file) } }
    return Answer(
      code: process.terminationStatus, out: try String(contentsOf: out, encoding: .utf8),
      err: try String(contentsOf: err, encoding: .utf8))
  }

  private func script(_ name: String, _ arguments: [String], in command: Command) throws -> Answer {
    try run([checkout.appendingPathComponent("scripts/\(name)").path] + arguments, in: command)
  }

  // MARK: Checkpoints

  @Test(arguments: [Data([0x50, 0x4B, 3, 4]) + Data(count: 30), Data([0x80, 2]) + Data(count: 30)])
  func `a checkpoint of PyTorch given as weights is refused with the script that converts it`(_ bytes: Data) throws {
    let command = try Command()
    try bytes.write(to: command.folder.appendingPathComponent("model.pth.tar"))
    for (word, changes) in [
      ("run", ["base=null", "base.weights=model.pth.tar", "retrained=none"]), ("evaluate", ["weights=model.pth.tar"]),
    ] {
      let answer = try command.small(word, changes)
      #expect(answer.code == 65, "\(answer.err)")
      #expect(answer.err.contains("scripts/convert-checkpoint makes a safetensors file of it"), "\(answer.err)")
      #expect(try command.unfinishedFiles() == [])
    }
  }

  @Test(.enabled(if: python != nil, why))
  func `a checkpoint of the published form becomes weights that measure the same`() throws {
    let command = try Command()
    let trained = try command.small("run", ["data.normalise={mean: [0.4914], std: [0.247]}"])
    #expect(trained.code == 0, "\(trained.err)")
    try command.runFile("unlearned.safetensors").write(to: command.folder.appendingPathComponent("good.safetensors"))
    let made = try run(
      [
        "-c",
        """
        import torch, safetensors.torch
        state = safetensors.torch.load_file("good.safetensors")
        state = {"module." + name: tensor for name, tensor in state.items()}
        first = next(name for name in state if name.endswith("conv.weight"))
        mask = torch.ones_like(state[first]); state[first + "_mask"] = mask; state[first + "_orig"] = state.pop(first)
        state["module.normalize.mean"] = torch.tensor([0.4914]); state["module.normalize.std"] = torch.tensor([0.247])
        torch.save({"state_dict": state, "epoch": 182, "optimizer": {"lr": 0.1}}, "model.pth.tar")
        """,
      ], in: command)
    #expect(made.code == 0, "\(made.err)")
    let answer = try script("convert-checkpoint", ["model.pth.tar", "converted.safetensors"], in: command)
    #expect(answer.code == 0, "\(answer.err)")
    for line in [
      "dropped epoch", "dropped optimizer", "normalize.mean (kept as metadata)", "conv.weight_mask (multiplied",
    ] {
      #expect(answer.out.contains(line), "\(answer.out)")
    }
    func row(_ weights: String, _ normalise: String) throws -> Answer {
      try command.small("evaluate", ["weights=\(weights)", "data.normalise=\(normalise)", "--quiet"])
    }
    let constants = "{mean: [0.4914], std: [0.247]}"
    let (first, second) = (try row("good.safetensors", constants), try row("converted.safetensors", constants))
    #expect(first.code == 0 && first.out == second.out, "\(second.err)")
    let other = try row("converted.safetensors", "{mean: [0.5], std: [0.247]}")
    #expect(other.code == 65 && other.err.contains("were trained with normalisation"), "\(other.err)")
  }

  @Test(.enabled(if: python != nil, why))
  func `checkpoints that hold more or less than weights are refused, and nothing is written`() throws {
    let command = try Command()
    let made = try run(
      [
        "-c",
        """
        import torch, collections, fractions
        torch.save({"state_dict": {"w": torch.ones(2)}, "args": fractions.Fraction(1, 2)}, "objects.pth")
        torch.save({"epoch": 3}, "empty.pth")
        torch.save([1, 2], "list.pth")
        open("text.pth", "w").write("no checkpoint")
        """,
      ], in: command)
    #expect(made.code == 0, "\(made.err)")
    for (file, code, message) in [
      ("objects.pth", 65, "holds Python objects besides tensors"), ("empty.pth", 65, "has no weights"),
      ("list.pth", 65, "holds a list"), ("text.pth", 65, "text.pth"), ("no.pth", 66, "does not exist"),
    ] as [(String, Int32, String)] {
      let answer = try script("convert-checkpoint", [file, "out.safetensors"], in: command)
      #expect(answer.code == code && answer.err.contains(message), "\(file): \(answer.code) \(answer.err)")
      #expect(answer.err.split(separator: "\n").count == 1, "\(answer.err)")
    }
    #expect(try command.names() == ["empty.pth", "list.pth", "objects.pth", "text.pth"])
    #expect(try script("convert-checkpoint", ["a"], in: command).code == 64)
  }

  // MARK: Data

  @Test(.enabled(if: python != nil, why))
  func `SVHN's files become arrays with the digit 0 as class 0`() throws {
    let command = try Command()
    let made = try run(
      [
        "-c",
        """
        import numpy, scipy.io
        for part, count in [("train", 30), ("test", 10)]:
            x = numpy.arange(32 * 32 * 3 * count, dtype=numpy.uint64).astype(numpy.uint8).reshape(32, 32, 3, count)
            scipy.io.savemat(f"{part}_32x32.mat", {"X": x, "y": numpy.arange(count)[:, None] % 10 + 1})
        """,
      ], in: command)
    #expect(made.code == 0, "\(made.err)")
    let answer = try script("convert-svhn", [".", "svhn.npz"], in: command)
    #expect(answer.code == 0 && answer.out.contains("30 training and 10 test images"), "\(answer.err)")
    let look = try run(
      [
        "-c",
        """
        import numpy, scipy.io
        a, m = numpy.load("svhn.npz"), scipy.io.loadmat("train_32x32.mat")
        assert (a["x_train"][7, 3, 5] == m["X"][3, 5, :, 7]).all() and a["x_train"].shape == (30, 32, 32, 3)
        assert list(a["y_test"]) == [1, 2, 3, 4, 5, 6, 7, 8, 9, 0]
        """,
      ], in: command)
    #expect(look.code == 0, "\(look.err)")
    let run = try command.small(
      "run",
      [
        "data.source=npz", "data.path=svhn.npz", "data.train=null", "data.test=null", "base.epochs=1",
        "pipeline.epochs=1", "evaluate.metrics=[ua]", "forget={class: 0}", "data.validation=0",
      ])
    #expect(run.code == 0, "\(run.err)")
  }

  @Test(.enabled(if: python != nil, why))
  func `files that are not SVHN's are refused with what would be right`() throws {
    let good = "'X': numpy.zeros((32, 32, 3, 4), numpy.uint8), 'y': numpy.ones((4, 1))"
    let ways = [
      ("'y': numpy.ones((4, 1))", "has no arrays X and y"),
      ("'X': numpy.zeros((32, 32, 3, 4), numpy.uint8)", "has no arrays"),
      (good.replacing("uint8", with: "float32"), "expected uint8 (32, 32, 3, N)"),
      (good.replacing("(32, 32, 3, 4)", with: "(4, 32, 32, 3)"), "expected uint8 (32, 32, 3, N)"),
      (good.replacing("(32, 32, 3, 4)", with: "(32, 32, 4)"), "expected uint8 (32, 32, 3, N)"),
      (good.replacing("(32, 32, 3, 4)", with: "(48, 48, 3, 4)"), "expected uint8 (32, 32, 3, N)"),
      (good.replacing("ones((4", with: "ones((3"), "labels that are not 1 to 10"),
      (good.replacing("ones", with: "zeros"), "labels that are not 1 to 10"),
      (good.replacing("numpy.ones((4, 1))", with: "11 * numpy.ones((4, 1))"), "labels that are not 1 to 10"),
      (good.replacing("numpy.ones((4, 1))", with: "1.5 * numpy.ones((4, 1))"), "labels that are not 1 to 10"),
      (good.replacing("numpy.ones((4, 1))", with: "numpy.full((4, 1), numpy.nan)"), "labels that are not 1 to 10"),
      (good.replacing("(32, 32, 3, 4)", with: "(32, 32, 3, 0)").replacing("(4, 1)", with: "(0, 1)"), "expected uint8"),
    ]
    for (content, message) in ways {
      let command = try Command()
      let code = "import numpy, scipy.io; scipy.io.savemat('train_32x32.mat', {\(content)})"
      try #require(try run(["-c", code], in: command).code == 0, "\(content)")
      let answer = try script("convert-svhn", [".", "svhn.npz"], in: command)
      #expect(answer.code == 65 && answer.err.contains(message), "\(content): \(answer.code) \(answer.err)")
      #expect(answer.err.split(separator: "\n").count == 1, "\(answer.err)")
      #expect(try command.names() == ["train_32x32.mat"])
    }
    let command = try Command()
    #expect(try script("convert-svhn", [".", "svhn.npz"], in: command).code == 66)
    try command.write("no MATLAB file", to: "train_32x32.mat")
    #expect(try script("convert-svhn", [".", "svhn.npz"], in: command).code == 65)
    #expect(try script("convert-svhn", ["."], in: command).code == 64)
  }

  @Test(.enabled(if: python != nil, why))
  func `the reference split has the published leak, and none with one seed`() throws {
    let command = try Command()
    let labels = try run(
      ["-c", "import numpy; numpy.save('labels.npy', numpy.arange(50000) % 10)"], in: command)
    #expect(labels.code == 0, "\(labels.err)")
    // 4 488 of the samples that are not held out with seed 2 are held out with seed 1, whatever the order of the classes.
    let answer = try script("reference-split", ["labels.npy", "split"], in: command)
    #expect(
      answer.out == """
        forget: 4500 samples, 462 of them never shown to the original model
        retain: 40500 samples, 4026 of them never shown to the original model
        validation: 5000 samples, 4488 of them shown to the original model

        """, "\(answer.err)")
    let look = try run(
      [
        "-c",
        """
        import numpy
        parts = [numpy.load(f"split/{name}.npy") for name in ["forget", "retain", "validation"]]
        assert sorted(numpy.concatenate(parts)) == list(range(50000)) and len(numpy.load("split/base.npy")) == 45000
        assert (numpy.bincount(parts[2] % 10) == 500).all()
        """,
      ], in: command)
    #expect(look.code == 0, "\(look.err)")
    let one = try script("reference-split", ["labels.npy", "one", "--seed", "1", "--class", "3"], in: command)
    #expect(one.out.hasPrefix("forget: 4500 samples, 0 of them never shown"), "\(one.out)\(one.err)")
    #expect(try script("reference-split", ["no.npy", "two"], in: command).code == 66)
    #expect(try script("reference-split", ["labels.npy", "two", "--forget", "60000"], in: command).code == 65)
    #expect(try script("reference-split", ["labels.npy"], in: command).code == 64)
  }
}
