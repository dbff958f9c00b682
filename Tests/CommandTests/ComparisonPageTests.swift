import Foundation
import Testing

/// The pages of comparisons and runs, looked at in a browser.
@Suite struct ComparisonPageTests {
  static let hasBrowser = ["chromium", "chromium-browser", "google-chrome"].contains { name in
    (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":").contains {
      FileManager.default.isExecutableFile(atPath: "\($0)/\(name)")
    }
  }

  /// Compares two methods with two seeds; gives the comparison's folder.
  private func diffusion(in command: Command) throws -> URL {
    let recipe = checkout.appendingPathComponent("examples/glyphs-ddpm.yaml").path
    let changes =
      DiffusionTests.smallScale + [
        "forget={random: 5}", "model={name: unet, widths: [8, 8], layers: 1, middle_attention: false, groups: 4}",
        "evaluate.metrics=[nll, inception-score, denoising]", "evaluate.generation.nll_images=1",
        "evaluate.generation.nll_tolerance=0.1", "evaluate.every=3 steps",
      ]
    let answer = try command.run(
      ["compare", recipe, "--methods", "Naive deletion,SISS+LoReUn", "--sweep", "seed=1,2", "--quiet"] + changes,
      environment: ["LETHE_CACHE": Command.cache.path, "LETHE_DATA": "/nowhere"])
    try #require(answer.code == 0, "\(answer.err)")
    return command.folder.appendingPathComponent(try command.runFolder())
  }

  @Test func `a comparison of diffusion models has a page, a grid of images and a plot of strength`() throws {
    let command = try Command()
    let folder = try diffusion(in: command)
    let svg = try String(contentsOf: folder.appendingPathComponent("strength.svg"), encoding: .utf8)
    #expect(svg.contains("data-plot=\"strength\"") && svg.contains("SISS+LoReUn"))
    #expect(try Data(contentsOf: folder.appendingPathComponent("grid.png")).starts(with: [0x89, 0x50, 0x4E, 0x47]))
    let page = folder.appendingPathComponent("comparison.html")
    let text = try String(contentsOf: page, encoding: .utf8)
    for picture in ["original", "retrained", "Naive deletion, seed 1", "SISS+LoReUn, seed 1"] {
      #expect(text.contains("data-picture=\"\(picture)\""), "\(picture)")
    }
  }

  @Test(.enabled(if: hasBrowser, why))
  func `the plots of diffusion models hold the numbers they were made from`() throws {
    let command = try Command()
    let folder = try diffusion(in: command)
    let report = try self.report("LoReUn", in: folder)
    let answer = try ComparisonPageTests.check([folder.path + "/comparison", report.path + "/report"])
    #expect(answer.code == 0, "\(answer.said)")
  }

  @Test(.enabled(if: hasBrowser, why))
  func `the plots and tables of classifiers hold the numbers they were made from`() throws {
    let command = try Command()
    try command.write(
      smallRecipe + """
        methods:
          Random label: {objective: random-label}
          SalUn+LoReUn: {mask: {plugin: salun, keep: 0.5}, reweighter: loreun}
        evaluate: {every: 1 epoch, during: [forget, retain, test, validation]}

        """, to: "small.yaml")
    let answer = try command.run(
      ["compare", "small.yaml", "--sweep", "seed=1,2,3", "--quiet"], environment: ["LETHE_CACHE": Command.cache.path])
    try #require(answer.code == 0, "\(answer.err)")
    let folder = command.folder.appendingPathComponent(try command.runFolder())
    let report = try self.report("LoReUn", in: folder)
    let checked = try ComparisonPageTests.check([folder.path + "/comparison", report.path + "/report"])
    #expect(checked.code == 0, "\(checked.said)")
    for plot in ["scatter", "histogram-forget", "mask"] {
      let pages = try ["\(folder.path)/comparison.html", "\(report.path)/report.html"].map {
        try String(contentsOfFile: $0, encoding: .utf8)
      }
      #expect(pages.contains { $0.contains("data-plot=\"\(plot)") }, "no page has the plot '\(plot)'")
    }
    // Numbers that are not the page's are found out.
    for name in ["\(folder.path)/comparison", "\(report.path)/report"] {
      let numbers = try String(contentsOfFile: name + ".json", encoding: .utf8)
      let first = try #require(
        numbers.firstMatch(of: /"value" ?: ?([0-9]+\.[0-9]+)/) ?? numbers.firstMatch(of: /"mean" ?: ?([0-9]+\.[0-9]+)/))
      let other = numbers.replacing(first.output.1, with: "77.125")
      try other.write(toFile: name + ".json", atomically: true, encoding: .utf8)
      let found = try ComparisonPageTests.check([name])
      #expect(found.code == 1 && !found.said.isEmpty, "\(name): \(found.said)")
    }
  }

  static let why: Comment = "there is no Chromium"

  /// The folder of a run whose name has this word.
  private func report(_ word: String, in folder: URL) throws -> URL {
    try #require(
      try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil).first {
        $0.lastPathComponent.contains(word)
      })
  }

  /// Opens pages in a browser and holds them to the JSON files of the same names.
  static func check(_ names: [String]) throws -> (code: Int32, said: String) {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments =
      ["python3", checkout.appendingPathComponent("scripts/check-report").path]
      + names.flatMap { ["\($0).html", "\($0).json"] }
    let pipe = Pipe()
    process.standardError = pipe
    try process.run()
    let said = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    return (process.terminationStatus, said)
  }
}
