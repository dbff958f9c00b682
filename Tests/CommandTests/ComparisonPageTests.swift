import Foundation
import Testing

/// The page and the pictures of a comparison of diffusion models, looked at in a browser.
@Suite struct ComparisonPageTests {
  private static let hasBrowser = ["chromium", "chromium-browser", "google-chrome"].contains { name in
    (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":").contains {
      FileManager.default.isExecutableFile(atPath: "\($0)/\(name)")
    }
  }

  @Test func `a comparison of diffusion models has a page, a grid of images and a plot of strength`() throws {
    let command = try Command()
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
    let runs = command.folder.appendingPathComponent("runs")
    let folder = try #require(
      try FileManager.default.contentsOfDirectory(at: runs, includingPropertiesForKeys: nil).first)
    let svg = try String(contentsOf: folder.appendingPathComponent("strength.svg"), encoding: .utf8)
    #expect(svg.contains("data-plot=\"strength\"") && svg.contains("SISS+LoReUn"))
    #expect(try Data(contentsOf: folder.appendingPathComponent("grid.png")).starts(with: [0x89, 0x50, 0x4E, 0x47]))
    let page = folder.appendingPathComponent("comparison.html")
    let text = try String(contentsOf: page, encoding: .utf8)
    for picture in ["original", "retrained", "Naive deletion, seed 1", "SISS+LoReUn, seed 1"] {
      #expect(text.contains("data-picture=\"\(picture)\""), "\(picture)")
    }
    guard Self.hasBrowser else { return }
    let report = try #require(
      try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil).first {
        $0.lastPathComponent.contains("LoReUn")
      })
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = [
      "python3", checkout.appendingPathComponent("scripts/check-report").path, page.path,
      folder.appendingPathComponent("comparison.json").path, report.appendingPathComponent("report.html").path,
      report.appendingPathComponent("report.json").path,
    ]
    let pipe = Pipe()
    process.standardError = pipe
    try process.run()
    let said = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    #expect(process.terminationStatus == 0, "\(said)")
  }
}
