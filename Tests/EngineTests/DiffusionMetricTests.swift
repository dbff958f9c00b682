import Foundation
import Runs
import Testing

@testable import Engine

// Among the other runs on diffusion models, one at a time: LibTorch seeds for the whole process.
extension DiffusionRunTests {
  @Test
  func `a metric is shown losses, timesteps and drawn images of a diffusion model`() throws {
    var toy = try Self.toy()
    defer { toy.clean() }
    let plugin = try PluginMetricTests.build("Tests/EngineTests/Fixtures/looks/looks.c", "liblooks.so", in: toy.folder)
    toy.pluginFolders = [plugin.deletingLastPathComponent().path]
    toy.overrides = ["evaluate.plugins=[org.example.looks]", "evaluate.generation.samples=10"]
    let report = try toy.carryOut()
    for model in [MeasuredModel.original, .retrained, .unlearned] {
      let metrics = try #require(report[model: model]?.metrics)
      func value(_ id: String) throws -> MetricValue {
        try #require(metrics.first { $0.id.hasPrefix(id) }, "\(metrics.map(\.id))")
      }
      for set in ["forget", "retain", "test"] {
        let own = try value("denoising-loss-\(set)@")
        let found = try value("org.example.looks/mean-loss-\(set)")
        #expect(abs(found.value - own.value) < 1e-4 * own.value, "\(model.text), \(set)")
        #expect(found.samples.map { $0 > 0 } == true && found.plugin == "org.example.looking 1.0.0")
        let timestep = try value("org.example.looks/mean-timestep-\(set)").value
        #expect(timestep > 0 && timestep < 999)
      }
      #expect(try value("org.example.looks/drawn").value == 10)
      let farthest = try value("org.example.looks/farthest").value
      #expect(farthest > 0 && farthest <= 1)
    }
  }
}
