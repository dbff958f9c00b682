import Foundation
import Learning
import PluginHost
import Runs
import Tensors
import Testing

@testable import Engine

/// Metrics of plugins and plain C functions, and transforms of losses, in whole runs.
@Suite(.serialized)
struct PluginMetricTests {
  private static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()

  /// Compiles a C file of the repository into a folder that only the user can write to.
  static func build(_ source: String, _ library: String, in folder: URL) throws -> URL {
    let place = root.appendingPathComponent(source)
    let file = folder.appendingPathComponent("built/\(library)")
    try compile(place, in: place.deletingLastPathComponent(), to: file)
    return file
  }

  /// Expected calibration error in percent, straight from its definition.
  private func calibrationError(_ outputs: SetOutputs, bins: Int) throws -> Double {
    let predictions = try #require(outputs.predictions)
    let classes = predictions.logProbabilities.count / predictions.labels.count
    var error = 0.0
    for bin in 1...bins {
      var (right, sure, count) = (0.0, 0.0, 0)
      for sample in 0..<predictions.labels.count {
        let row = predictions.logProbabilities[sample * classes..<(sample + 1) * classes]
        let confidence = row.map { Foundation.exp(Double($0)) }.max() ?? 0
        guard confidence > Double(bin - 1) / Double(bins), confidence <= Double(bin) / Double(bins) else { continue }
        right += predictions.labels[sample] == predictions.top[sample] ? 1 : 0
        sure += confidence
        count += 1
      }
      guard count > 0 else { continue }
      error += Double(count) / Double(predictions.labels.count) * abs(right / Double(count) - sure / Double(count))
    }
    return 100 * error
  }

  @Test
  func `the calibration error of a plugin is what its definition gives, for every set`() throws {
    var toy = try ToyRun()
    defer { toy.clean() }
    let plugin = try Self.build("examples/plugins/calibration/calibration.c", "libcalibration.so", in: toy.folder)
    toy.pluginFolders = [plugin.deletingLastPathComponent().path]
    toy.overrides = [
      "evaluate.plugins=[org.example.ece, {plugin: org.example.ece, bins: 7}]", "evaluate.metrics=[ua, loss]",
      "evaluate.batch=50",
    ]
    let report = try toy.carryOut()
    let plan = try toy.plan()
    let device = try plan.openDevice()
    let cancel = CancelFlag()
    let reporter = Reporter(sink: { _ in })
    let data = try PreparedData(plan: plan, device: device, cancel: cancel)
    let model = try ModelLibrary.blank(plan, data, device, seed: 0)
    try model.load(file: toy.run().appendingPathComponent("unlearned.safetensors").path)
    let outputs = try Evaluation(plan: plan, data: data, cancel: cancel, reporter: reporter).outputs(
      of: model, on: Runs.SampleSet.allCases, predictions: true)
    let metrics = try #require(report[model: .unlearned]?.metrics)
    for bins in [15, 7] {
      for set in Runs.SampleSet.allCases {
        let found = try #require(metrics.first { $0.id == "org.example.ece/ece-\(set.rawValue)@bins=\(bins)" })
        let own = try #require(outputs[set.part])
        #expect(abs(found.value - (try calibrationError(own, bins: bins))) < 1e-3, "\(set.rawValue), \(bins) bins")
        #expect(found.plugin == "org.example.calibration 1.0.0" && found.unit == "%" && found.set == set)
        #expect(found.samples == own.count && found.direction == .retrained && found.setHash != nil)
      }
    }
    #expect(report.plugins.filter { $0.role == .metric && $0.id == "org.example.ece" }.count == 2)
    #expect(report.table.heading.contains("ece(test) [%]"))
    let again = try toy.carryOut("again")
    #expect(again[model: .unlearned]?.metrics.map(\.value) == metrics.map(\.value))
  }

  private static let meanLoss =
    "symbol: mean_loss, signature: 'double(int64_t n, const double *loss)', direction: retrained"

  @Test
  func `a plain function measures what the host's own metric measures`() throws {
    let toy = try ToyRun()
    defer { toy.clean() }
    let library = try Self.build("Tests/PluginHostTests/Fixtures/functions.c", "libfunctions.so", in: toy.folder)
    var run = toy
    run.overrides = [
      "evaluate.plugins=[{library: '\(library.path)', \(Self.meanLoss), test: {loss: [1, 5], expect: 3}}, "
        + "{library: '\(library.path)', symbol: right, signature: 'double(int32_t label, int64_t prediction)', "
        + "name: accuracy, unit: '%', sets: [test]}]", "evaluate.metrics=[loss, ta]",
    ]
    let report = try run.carryOut()
    for model in [MeasuredModel.original, .retrained, .unlearned] {
      let metrics = try #require(report[model: model]?.metrics)
      func value(_ prefix: String) throws -> Double { try #require(metrics.first { $0.id.hasPrefix(prefix) }).value }
      for set in ["forget", "retain", "test", "validation"] {
        #expect(abs(try value("mean_loss-\(set)@libfunctions.so:mean_loss") - (try value("loss-\(set)@"))) < 1e-9)
      }
      #expect(abs(try value("accuracy-test@libfunctions.so:right") - (try value("ta@"))) < 1e-9)
      #expect(metrics.filter { $0.id.hasPrefix("accuracy-") }.map(\.name) == ["accuracy(test)"])
      #expect(metrics.first { $0.id.hasPrefix("accuracy-") }?.plugin == "libfunctions.so")
    }
  }

  @Test
  func `a test that fails ends the run before anything is trained`() throws {
    let toy = try ToyRun()
    defer { toy.clean() }
    let library = try Self.build("Tests/PluginHostTests/Fixtures/functions.c", "libfunctions.so", in: toy.folder).path
    let ways: [(String, String)] = [
      (
        "evaluate.plugins=[{library: '\(library)', \(Self.meanLoss), test: {loss: [1, 5], expect: 4}}]",
        "its test fails: entry 0 is 3.0, 4.0 was expected"
      ),
      (
        "pipeline.reweighter={library: '\(library)', symbol: weight, signature: 'double(double loss, double eta)', "
          + "args: {eta: 1}, test: {loss: [0, 1], expect: [1, 1]}}", "its test fails: entry 1 is 0.36"
      ),
      (
        "pipeline.transform={library: '\(library)', symbol: soft, derivative: soft_wrong, "
          + "signature: 'double(double loss, double a)', args: {a: 1}, test: {loss: 0, expect: 0}}",
        "the derivative at the loss 0.0 is 2.0"
      ),
      (
        "pipeline.reweighter={library: '\(library)', symbol: weight, signature: 'int(double loss)'}",
        "'int' is not a type of fixed width"
      ),
    ]
    for (override, sentence) in ways {
      var run = toy
      run.overrides = [override]
      do {
        try run.carryOut("failing")
        Issue.record("it was carried out")
      } catch {
        #expect("\(error)".contains(sentence), "\(error)")
        #expect((error as? PluginError)?.exitCode == 65)
      }
      let events = try String(contentsOf: run.run("failing").appendingPathComponent("events.jsonl"), encoding: .utf8)
      #expect(!events.contains("\"phase\""), "\(events)")
    }
  }

  @Test
  func `a transform changes the run as its derivative says, and the identity changes no bit`() throws {
    var toy = try ToyRun()
    defer { toy.clean() }
    let library = try Self.build("Tests/PluginHostTests/Fixtures/functions.c", "libfunctions.so", in: toy.folder).path
    try toy.carryOut("plain")
    toy.overrides = [
      "pipeline.transform={library: '\(library)', symbol: same, derivative: one, signature: 'double(double loss)', "
        + "test: {loss: [0, 3], expect: [0, 3]}}"
    ]
    let report = try toy.carryOut("identity")
    #expect(try toy.weights("identity") == toy.weights("plain"))
    #expect(report.plugins.contains { $0.role == .transform && $0.id == "same" })
    let signature = "void(int64_t n, const float *loss, double a, float *value, float *derivative)"
    toy.overrides = [
      "pipeline.transform={library: '\(library)', symbol: soft_all, signature: '\(signature)', args: {a: 0.5}, "
        + "test: {loss: [2], expect: [0.6931472]}}"
    ]
    try toy.carryOut("soft")
    try toy.carryOut("soft again")
    #expect(try toy.weights("soft") != toy.weights("plain"))
    #expect(try toy.weights("soft") == toy.weights("soft again"))
  }
}
