import Foundation
import Testing

/// Data, sets and weights that cannot be used: a message that says what would be right, the documented code, and
/// nothing on disk that looks like a result.
@Suite struct BadDataTests {
  struct Mistake: CustomTestStringConvertible, Sendable {
    let testDescription: String
    let changes: [String]
    let code: Int32
    let message: String

    init(_ description: String, _ changes: [String], _ message: String, _ code: Int32 = 65) {
      testDescription = description
      self.changes = changes
      self.code = code
      self.message = message
    }
  }

  private func expect(_ mistake: Mistake, from answer: Answer, in command: Command) throws {
    #expect(answer.code == mistake.code, "\(answer.err)")
    let last = answer.err.split(separator: "\n").last.map(String.init) ?? ""
    #expect(last.hasPrefix("error: ") && last.contains(mistake.message), "\(answer.err)")
    #expect(answer.out.isEmpty)
    #expect(try command.unfinishedFiles() == [])
  }

  // MARK: Images

  private static func idx(_ path: String) -> [String] { ["data.source=idx", "data.path=\(path)"] }

  static let images = [
    Mistake(
      "nothing there", idx("nowhere"), "nowhere' does not exist; expected a folder with the four IDX files of MNIST", 66
    ),
    Mistake("a file instead of a folder", idx("small.yaml"), "small.yaml", 66),
    Mistake("cut off", idx("short"), "holds 40015 bytes when unpacked, but its header announces 47056"),
    Mistake("another file", idx("magic"), "starts with 0x00000801, not with 0x00000803"),
    Mistake("labels for other images", idx("uneven"), "holds 60 images, but"),
    Mistake("cut off under gzip", idx("gzip"), "cannot be unpacked"),
    Mistake("an archive cut off", ["data.source=images", "data.path=short.tar.xz"], "cannot be unpacked"),
    Mistake(
      "text called PNG", ["data.source=images", "data.path=folder"], "it is neither JPEG nor PNG"),
    Mistake(
      "a class without images", ["data.source=images", "data.path=empty"], "expected at least one .jpg or .png image"),
    Mistake("too few", ["data.train=100000"], "there are 10000"),
    Mistake("too small for the model", idx("tiny") + ["model.channels=[4, 4, 4, 4]"], "expected at least"),
  ]

  @Test(arguments: images) func `images that cannot be read`(_ mistake: Mistake) throws {
    let command = try Command()
    try DataFiles(command.folder).write()
    // The recipe's counts are for glyphs.
    let changes = mistake.changes.contains("data.train=100000") ? [] : ["data.train=null", "data.test=null"]
    try expect(mistake, from: command.small("run", changes + mistake.changes), in: command)
  }

  // MARK: Sets

  static let sets = [
    Mistake("nothing", ["forget={random: 0}"], "forget.random"),
    Mistake("no class", ["forget={class: []}"], "forget.class"),
    Mistake("an empty list", ["forget={indices: none.txt}"], "the forget set is empty"),
    Mistake(
      "everything", ["forget={indices: all.txt}", "data.validation=0"], "the forget set is the whole training data"),
    Mistake("more than everything", ["forget={random: 1.5}"], "forget.random"),
    Mistake("a class that there is not", ["forget={class: 10}"], "no class '10'"),
    Mistake("a list that is not there", ["forget={indices: no.txt}"], "no.txt", 66),
    Mistake("not a number", ["forget={indices: words.txt}"], "expected one index a line"),
    Mistake(
      "outside", ["forget={indices: far.txt}"], "far.txt' is no training sample; expected 0 to 399"),
    Mistake("twice", ["forget={indices: twice.txt}"], "index 7 is twice"),
    Mistake(
      "fewer retain than test samples", ["data.test=500"], "mia-svc needs as many retain samples as test samples"),
    Mistake("validation takes all", ["data.validation=400"], "data.validation holds out all 400 training samples"),
  ]

  @Test(arguments: sets) func `sets that are none`(_ mistake: Mistake) throws {
    let command = try Command()
    for (name, text) in [
      ("none", ""), ("words", "1\ntwo\n"), ("far", "3\n400\n"), ("twice", "7\n8\n7\n"),
      ("all", (0..<400).map { "\($0)\n" }.joined()),
    ] {
      try command.write(text, to: name + ".txt")
    }
    try expect(mistake, from: command.small("run", mistake.changes), in: command)
  }

  // MARK: Keys

  static let combinations = [
    Mistake("a mask by share and by threshold", ["pipeline.mask={plugin: salun, keep: 0.5, threshold: 0.1}"], "keep"),
    Mistake(
      "an objective as a mask", ["pipeline.mask={plugin: fine-tune, keep: 0.5}"],
      "'fine-tune' is an objective, not a mask"),
    Mistake("a misspelt strategy", ["pipeline.objective=randm-label"], "did you mean 'random-label'?"),
    Mistake(
      "a misspelt parameter", ["pipeline.reweighter={plugin: loreun, eta_forgt: 1}"], "did you mean 'eta_forget'?"),
    Mistake("a parameter out of range", ["pipeline.reweighter={plugin: loreun, eta_forget: -1}"], "eta_forget"),
    Mistake(
      "a schedule without retain samples", ["pipeline.objective=fine-tune", "pipeline.schedule=forget-only"],
      "does not accept the schedule"),
    Mistake("a swap that never happens", ["swaps=[{at: epoch 9, reweighter: loreun}]"], "outside a run of 2 epochs"),
    Mistake("a swap of nothing", ["swaps=[{at: epoch 1}]"], "a swap that changes nothing"),
    Mistake("a device that there is not", ["device=cuda:77"], "cuda:77"),
    Mistake("a number that is a word", ["pipeline.epochs=three"], "'pipeline.epochs' must be"),
    Mistake("no steps", ["pipeline.epochs=0"], "'pipeline.epochs' is 0"),
  ]

  @Test(arguments: combinations) func `keys that do not go together`(_ mistake: Mistake) throws {
    let command = try Command()
    try expect(mistake, from: command.small("run", mistake.changes), in: command)
    // A plan finds the same mistake, except for what only the machine knows.
    guard !mistake.changes.contains(where: { $0.hasPrefix("device") }) else { return }
    #expect(try command.small("plan", mistake.changes).code == mistake.code)
  }

  // MARK: Weights

  static let weights = [
    Mistake("not there", ["FILE=no.safetensors"], "no.safetensors", 66),
    Mistake("cut off", ["FILE=short.safetensors"], "short.safetensors"),
    Mistake("empty", ["FILE=empty.safetensors"], "empty.safetensors"),
    Mistake("something else", ["FILE=small.yaml"], "small.yaml"),
    Mistake("a header that is no JSON", ["FILE=header.safetensors"], "header.safetensors"),
    Mistake("a network of another width", ["FILE=good.safetensors", "model.channels=[4, 6]"], "has shape"),
    Mistake("another network", ["FILE=good.safetensors", "model={name: resnet18, width: 4}"], "lacks"),
    Mistake("not a number", ["FILE=nan.safetensors"], "holds values that are infinite or not numbers"),
    Mistake(
      "another normalisation", ["FILE=good.safetensors", "data.normalise={mean: [0.1], std: [0.9]}"],
      "were trained with normalisation"),
  ]

  @Test(arguments: weights) func `weights that do not fit`(_ mistake: Mistake) throws {
    for (command, key) in [("run", "base.weights"), ("run", "retrained.weights"), ("evaluate", "weights")] {
      let sandbox = try Command()
      try WeightFiles.write(to: sandbox.folder)
      let changes = mistake.changes.map { $0.replacing("FILE=", with: "\(key)=") }
      let bare =
        key == "base.weights" ? ["base=null", "retrained=none"] : key == "retrained.weights" ? ["retrained=null"] : []
      try expect(mistake, from: sandbox.small(command, bare + changes), in: sandbox)
    }
  }
}

/// Files of images, each wrong in one way.
private struct DataFiles {
  private let folder: URL

  init(_ folder: URL) { self.folder = folder }

  func write() throws {
    try pair("short") { images, labels in (images.prefix(40015), labels) }
    try pair("magic") { images, labels in (labels, images) }
    try pair("uneven") { images, labels in (images, idx([40], Data(count: 40))) }
    try pair("tiny", side: 4) { ($0, $1) }
    try pair("gzip") { ($0, $1) }
    let packed = folder.appendingPathComponent("gzip/train-images-idx3-ubyte")
    try shell(["gzip", packed.path])
    let whole = try Data(contentsOf: URL(fileURLWithPath: packed.path + ".gz"))
    try whole.prefix(whole.count / 2).write(to: URL(fileURLWithPath: packed.path + ".gz"))
    let archive = try Data(
      contentsOf: checkout.appendingPathComponent("Tests/LearningTests/Fixtures/rgb.tar.xz"))
    try archive.prefix(archive.count / 2).write(to: folder.appendingPathComponent("short.tar.xz"))
    for part in ["folder/train/a", "folder/train/b", "folder/test/a", "folder/test/b"] {
      try put(Data("text\n".utf8), at: "\(part)/1.png")
    }
    for part in ["empty/train/a", "empty/test/a"] {
      try FileManager.default.createDirectory(
        at: folder.appendingPathComponent(part), withIntermediateDirectories: true)
    }
  }

  /// Four IDX files, 60 images for training and 20 for testing; `spoil` changes the training files.
  private func pair(_ name: String, side: Int = 28, spoil: (Data, Data) -> (Data, Data)) throws {
    for (part, count) in [("train", 60), ("t10k", 20)] {
      let pixels = Data((0..<count * side * side).map { UInt8(truncatingIfNeeded: $0 &* 2_654_435_761 >> 7) })
      let images = idx([count, side, side], pixels)
      let labels = idx([count], Data((0..<count).map { UInt8($0 % 10) }))
      let (first, second) = part == "train" ? spoil(images, labels) : (images, labels)
      try put(first, at: "\(name)/\(part)-images-idx3-ubyte")
      try put(second, at: "\(name)/\(part)-labels-idx1-ubyte")
    }
  }

  private func idx(_ shape: [Int], _ bytes: Data) -> Data {
    var data = Data([0, 0, 8, UInt8(shape.count)])
    for size in shape { data.append(contentsOf: (0..<4).map { UInt8(truncatingIfNeeded: size >> (24 - 8 * $0)) }) }
    return data + bytes
  }

  private func put(_ data: Data, at path: String) throws {
    let file = folder.appendingPathComponent(path)
    try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
    try data.write(to: file)
  }
}

/// Files of weights: a good one, and others that are wrong in one way.
private enum WeightFiles {
  /// What `lethe run` wrote.
  private static let good = Result {
    let command = try Command()
    let answer = try command.small()
    try #require(answer.code == 0, "\(answer.err)")
    return try command.runFile("unlearned.safetensors")
  }

  static func write(to folder: URL) throws {
    let good = try good.get()
    var header = good
    header[8] = UInt8(ascii: "[")
    for (name, data) in [
      ("good", good), ("short", good.dropLast(10)), ("empty", Data()), ("header", header), ("nan", try notFinite(good)),
    ] {
      try data.write(to: folder.appendingPathComponent("\(name).safetensors"))
    }
  }

  /// The same with one weight that is not a number.
  private static func notFinite(_ good: Data) throws -> Data {
    let length = good.prefix(8).reversed().reduce(0) { $0 << 8 | Int($1) }
    let header = try #require(
      try JSONSerialization.jsonObject(with: good[8..<8 + length]) as? [String: [String: Any]])
    let entry = try #require(header.first { $0.value["dtype"] as? String == "F32" })
    let start = try #require((entry.value["data_offsets"] as? [Int])?.first)
    var data = good
    data.replaceSubrange(8 + length + start..<12 + length + start, with: [0, 0, 0xC0, 0x7F])
    return data
  }
}
