import Foundation

@testable import Learning
@testable import PluginHost
@testable import Runs
@testable import Tensors

/// One reader of files, fed with arbitrary bytes. It may refuse them; it may not trap, hang or use much memory.
struct Target: Sendable {
  let name: String
  let body: @Sendable ([UInt8]) -> Void

  static let all = [
    Target(name: "idx", body: idx),
    Target(name: "image", body: { _ = try? ImageDecoder().decode($0) }),
    Target(
      name: "archive", body: { bytes in read(bytes) { _ = try ArchiveReader.entries(of: $0, cancel: CancelFlag()) } }),
    Target(
      name: "gzip", body: { bytes in read(bytes) { _ = try ArchiveReader.content(of: $0, cancel: CancelFlag()) } }),
    Target(name: "index-npy", body: { index($0, "npy") }),
    Target(name: "index-json", body: { index($0, "json") }),
    Target(name: "index-text", body: { index($0, "txt") }),
    Target(name: "npz", body: npz),
    Target(
      name: "safetensors",
      body: { bytes in read(bytes) { _ = try ArrayFiles.safetensors(path: $0, cancel: CancelFlag()) } }),
    Target(name: "cifar", body: cifar),
    Target(name: "cifar-100", body: cifar100),
    Target(name: "tiny-imagenet", body: tinyImageNet),
    Target(
      name: "file-list",
      body: { bytes in read(bytes) { _ = try FileList.read($0, files: ["train/a/1.png", "train/b/1.png"]) } }),
    Target(name: "diffusers", body: diffusers),
    Target(name: "elf", body: elf),
    Target(name: "manifest", body: { bytes in _ = try? Manifest.read(String(decoding: bytes, as: UTF8.self)) }),
    Target(name: "recipe", body: recipe),
    Target(
      name: "plan", body: { bytes in _ = try? RunPlan(yaml: String(decoding: bytes, as: UTF8.self), file: "plan") }),
    Target(
      name: "events", body: { bytes in _ = try? RunEvent.read(String(decoding: bytes, as: UTF8.self), file: "e") }),
    Target(name: "control", body: control),
    Target(name: "split", body: { bytes in read(bytes) { _ = try Split.read($0) } }),
    Target(name: "weights", body: { bytes in read(bytes) { _ = try SafeTensors.read($0) } }),
    Target(
      name: "published",
      body: { bytes in _ = try? PublishedTable(text: String(decoding: bytes, as: UTF8.self), file: "paper.yaml") }),
    Target(
      name: "audit-plan",
      body: { bytes in _ = try? AuditPlan(yaml: String(decoding: bytes, as: UTF8.self), file: "audit.yaml") }),
    Target(name: "audit-report", body: { bytes in _ = try? AuditReport(json: Data(bytes), file: "audit.json") }),
    Target(name: "run-report", body: { bytes in _ = try? RunReport(json: Data(bytes), file: "report.json") }),
    Target(name: "lock", body: lock),
  ]

  // MARK: Readers of several files

  private static let one = header(0x801, [1]) + [0]

  private static func header(_ magic: UInt32, _ sizes: [UInt32]) -> [UInt8] {
    ([magic] + sizes).flatMap { number in [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: number >> $0) } }
  }

  /// Two pieces: the training images and their labels. The test files are good.
  @Sendable private static func idx(_ bytes: [UInt8]) {
    let (images, labels) = pieces(bytes)
    read([
      "train-images-idx3-ubyte": images, "train-labels-idx1-ubyte": labels,
      "t10k-images-idx3-ubyte": header(0x803, [1, 2, 2]) + [1, 2, 3, 4], "t10k-labels-idx1-ubyte": one,
    ]) { _ = try IDXFiles.load(folder: $0, cancel: CancelFlag()) }
  }

  /// Two pieces: a batch and the names.
  @Sendable private static func cifar(_ bytes: [UInt8]) {
    let (batch, names) = pieces(bytes)
    var files = ["data_batch_1.bin": batch, "batches.meta.txt": names]
    let row = [UInt8](repeating: 0, count: 3073)
    for name in ["data_batch_2.bin", "data_batch_3.bin", "data_batch_4.bin", "data_batch_5.bin", "test_batch.bin"] {
      files[name] = row
    }
    read(files) { _ = try CIFARFiles.load(path: $0, cancel: CancelFlag()) }
  }

  /// Two pieces: the training file and the names. The test file is good.
  @Sendable private static func cifar100(_ bytes: [UInt8]) {
    let (batch, names) = pieces(bytes)
    let row = [UInt8](repeating: 0, count: 3074)
    read(["train.bin": batch, "test.bin": row, "fine_label_names.txt": names]) {
      _ = try CIFARFiles.load(path: $0, cancel: CancelFlag())
    }
  }

  /// Two pieces: the training images and their labels, inside a good archive (a tar, whose sums are easily made).
  @Sendable private static func npz(_ bytes: [UInt8]) {
    let (images, labels) = pieces(bytes)
    let archive = tar([
      ("x_train.npy", images), ("y_train.npy", labels), ("x_test.npy", images), ("y_test.npy", labels),
    ])
    read(archive) { _ = try ArrayFiles.npz(path: $0, cancel: CancelFlag()) }
  }

  /// Two pieces: the annotations and the words.
  @Sendable private static func tinyImageNet(_ bytes: [UInt8]) {
    let (annotations, words) = pieces(bytes)
    _ = try? TinyImageNet.annotations(annotations, classes: ["n01", "n02"], path: "annotations")
    _ = try? TinyImageNet.words(words, classes: ["n01", "n02"], path: "words")
  }

  /// Three pieces: the configs of network and scheduler, and the index. The file of weights is good and holds none.
  @Sendable private static func diffusers(_ bytes: [UInt8]) {
    let (config, rest) = pieces(bytes)
    let (scheduler, index) = pieces(rest)
    let header = Array("{}      ".utf8)
    read([
      "config.json": config, "scheduler_config.json": scheduler, "model_index.json": index,
      "diffusion_pytorch_model.safetensors": [UInt8(header.count), 0, 0, 0, 0, 0, 0, 0] + header,
    ]) { _ = try DiffusersFolder.read($0) }
    let texts = ["/folder/scheduler_config.json": String(decoding: scheduler, as: UTF8.self)]
    let environment = ResolverEnvironment(
      variables: [:], currentFolder: "/", exists: { _ in true }, text: { texts[$0] })
    _ = FolderNoise(of: "/folder", environment)
  }

  @Sendable private static func elf(_ bytes: [UInt8]) {
    guard let file = try? ElfFile(ByteSource(bytes)) else { return }
    _ = file.dynamicTable()
    if let text = try? file.manifestText() { _ = try? Manifest.read(text) }
  }

  @Sendable private static func recipe(_ bytes: [UInt8]) {
    let config = RunConfig(file: "recipe.yaml", folder: "/", text: String(decoding: bytes, as: UTF8.self))
    let environment = ResolverEnvironment(variables: ["HOME": "/root"], currentFolder: "/", exists: { _ in false })
    for purpose in [RunPurpose.run, .evaluate] {
      let plan = try? RunPlan.resolve(
        config, catalog: PartCatalog(parts: []), environment: environment, purpose: purpose)
      guard let plan else { continue }
      let again = try? RunPlan(yaml: plan.yaml(), file: "plan.yaml")
      precondition(again == plan, "a plan is read back as it was written")
    }
    _ = try? config.variants()
  }

  /// A request to a run with a part of each role in force, and the change that it asks for.
  @Sendable private static func control(_ bytes: [UInt8]) {
    guard let request = try? ControlRequest(line: bytes) else { return }
    let again = try? ControlRequest(line: Array(request.line().utf8.dropLast()))
    precondition(again == request, "a request is read back as it was sent")
    guard let plan = controlled, let parts = plan.pipeline else { return }
    let environment = ResolverEnvironment(variables: ["HOME": "/root"], currentFolder: "/", exists: { _ in false })
    for nextEpoch in [2, nil] {
      _ = try? plan.swap(
        asked: request, parts: parts, step: 3, nextEpoch: nextEpoch, catalog: controlCatalog, environment: environment)
    }
  }

  private static let controlCatalog: PartCatalog = {
    let eta = ParameterDescriptor(
      key: "eta", type: .float, defaultValue: .float(0.5), min: 0, max: 10, isTunable: true)
    return PartCatalog(
      parts: [PartRole.objective, .reweighter, .mask, .updater].map { role in
        PartDescriptor(
          id: "a.\(role.rawValue)", pluginID: "a", version: "1", file: "/a.so", sha256: "", role: role,
          streams: ["forget", "retain"], schedules: [.sequential, .paired], parameters: [eta])
      })
  }()

  private static let controlled: RunPlan? = {
    let text = """
      data: {source: glyphs}
      forget: {random: 0.1}
      pipeline: {objective: a.objective, reweighter: a.reweighter, updater: a.updater, mask: a.mask}
      """
    let environment = ResolverEnvironment(variables: ["HOME": "/root"], currentFolder: "/", exists: { _ in false })
    let plan = try? RunPlan.resolve(
      RunConfig(file: "recipe.yaml", folder: "/", text: text), catalog: controlCatalog, environment: environment)
    precondition(plan?.pipeline != nil, "the recipe of the fuzzed run is right")
    return plan
  }()

  @Sendable private static func lock(_ bytes: [UInt8]) {
    let trust = TrustPolicy(user: geteuid(), privateGroup: nil, executableFolders: [])
    read(bytes) { _ = try PluginLock(reading: $0, trust: trust) }
  }

  // MARK: Files

  /// Two parts of the bytes; the first two bytes say where the second begins.
  private static func pieces(_ bytes: [UInt8]) -> ([UInt8], [UInt8]) {
    guard bytes.count >= 2 else { return ([], []) }
    let length = min(bytes.count - 2, Int(bytes[0]) | Int(bytes[1]) << 8)
    return (Array(bytes[2..<2 + length]), Array(bytes[(2 + length)...]))
  }

  private static func index(_ bytes: [UInt8], _ ending: String) {
    let file = "\(scratch)/index.\(ending)"
    _ = FileManager.default.createFile(atPath: file, contents: Data(bytes))
    _ = try? IndexFile.read(file, count: 1000)
  }

  private static let scratch: String = {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("lethe-fuzz-\(getpid())").path
    try? FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    return folder
  }()

  private static func read(_ bytes: [UInt8], _ body: (String) throws -> Void) {
    let file = "\(scratch)/file"
    _ = FileManager.default.createFile(atPath: file, contents: Data(bytes))
    try? body(file)
  }

  private static func read(_ files: [String: [UInt8]], _ body: (String) throws -> Void) {
    for (name, bytes) in files {
      _ = FileManager.default.createFile(atPath: "\(scratch)/\(name)", contents: Data(bytes))
    }
    try? body(scratch)
  }

  private static func tar(_ files: [(String, [UInt8])]) -> [UInt8] {
    func octal(_ value: Int, _ width: Int) -> [UInt8] {
      let digits = String(value, radix: 8)
      return Array((String(repeating: "0", count: width - 1 - digits.count) + digits).utf8) + [0]
    }
    var out: [UInt8] = []
    for (name, bytes) in files {
      var head = Array(name.utf8) + [UInt8](repeating: 0, count: 100 - name.utf8.count)
      head += octal(0o644, 8) + octal(0, 8) + octal(0, 8) + octal(bytes.count, 12) + octal(0, 12)
      head += [UInt8](repeating: 0x20, count: 8) + [UInt8(ascii: "0")] + [UInt8](repeating: 0, count: 355)
      head.replaceSubrange(148..<156, with: octal(head.reduce(0) { $0 + Int($1) }, 7) + [0x20])
      out += head + bytes + [UInt8](repeating: 0, count: (512 - bytes.count % 512) % 512)
    }
    return out + [UInt8](repeating: 0, count: 1024)
  }
}
