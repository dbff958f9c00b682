import Foundation
import Learning
import Tensors
import Testing

@testable import PluginHost

/// A reweighter that keeps its promises, and every way in which it can break them.
struct ReweighterTests {
  private static let place = "plugin 'test.plugin' 1.2.0 (libgood.so) failed in reweighter.weigh at step 17: "

  /// What the fixture computes: exp(-eta * loss), normalised, in double, then in single precision.
  private func expected(_ losses: [Float], eta: Double) -> [Float] {
    let weights = losses.map { exp(-eta * Double($0)) }
    let sum = weights.reduce(0, +)
    return weights.map { Float($0 / sum) }
  }

  @Test func `weights come back bit for bit`() throws {
    let toy = try Toy()
    let reweighter = try toy.reweighter("good", eta: 0.75)
    let weights = try reweighter.weights(for: toy.term(), progress: Toy.progress)
    #expect(try weights.tensor?.floats() == expected(Toy.losses, eta: 0.75))
    #expect(weights.valueCheck == nil)
    try reweighter.finish()
    #expect(reweighter.life == .done)
  }

  @Test func `no weights mean uniform ones`() throws {
    let toy = try Toy()
    let reweighter = try toy.reweighter("uniform")
    #expect(try reweighter.weights(for: toy.term(), progress: Toy.progress).tensor == nil)
  }

  @Test func `losses that are not finite are not shown`() throws {
    let toy = try Toy()
    let reweighter = try toy.reweighter("silent")
    let term = Term(name: "forget", set: .forget, losses: try Tensor([Float](arrayLiteral: 1, .nan), shape: [2]))
    #expect(try reweighter.weights(for: term, progress: Toy.progress).tensor == nil)
  }

  @Test func `losses of half precision are shown in single`() throws {
    let toy = try Toy()
    let reweighter = try toy.reweighter("good")
    let term = Term(name: "forget", set: .forget, losses: try Tensor(Toy.losses, shape: [4]).to(.bfloat16))
    #expect(try reweighter.weights(for: term, progress: Toy.progress).tensor?.dtype == .float32)
  }

  /// Weights that break their declaration, with what the message says. The instance stays usable.
  static let broken: [(String, String)] = [
    ("too short", "weights of term 'forget': the shape is [3], [4] would be right"),
    ("scalar", "weights of term 'forget': the shape is [], [4] would be right"),
    ("wrong type", "weights of term 'forget': the type is float64, float32 would be right"),
    ("negative", "weights of term 'forget': an entry is negative"),
    ("not finite", "weights of term 'forget': an entry is not finite"),
    ("wrong sum", "weights of term 'forget': the sum is 2.0, 1 within 1e-5 would be right"),
    ("wild", "its weights are a tensor handle that is not valid"),
  ]

  @Test(arguments: broken)
  func `weights that break their declaration are refused`(_ broken: (String, String)) throws {
    let toy = try Toy()
    let reweighter = try toy.reweighter(broken.0)
    let term = try toy.term()
    #expect(message { _ = try reweighter.weights(for: term, progress: Toy.progress) } == Self.place + broken.1)
    #expect(reweighter.life == .ready)
  }

  /// Statuses and messages of a failed call.
  static let failures: [(String, String)] = [
    ("says why", "the forget set is empty"),
    ("silent", "status 13 (internal) without a message"),
    ("unknown status", "unknown status 4711 without a message"),
    ("cancelled", "it says that it was cancelled, but nobody asked it to stop"),
    ("bad message", "one  [31mtwo \u{FFFD}\u{FFFD} three"),
    (
      "long message",
      String(repeating: "ä", count: 511) + " … (cut off, 5000 bytes in all)"
    ),
  ]

  @Test(arguments: failures)
  func `a failed call names plugin, call and step`(_ failure: (String, String)) throws {
    let toy = try Toy()
    let reweighter = try toy.reweighter(failure.0)
    let term = try toy.term()
    #expect(message { _ = try reweighter.weights(for: term, progress: Toy.progress) } == Self.place + failure.1)
    #expect(reweighter.life == .failed)
    #expect(
      message { _ = try reweighter.weights(for: term, progress: Toy.progress) }
        == Self.place + "it failed before, and a failed instance can only be destroyed")
  }

  @Test func `cancelled after a request to stop is an interruption`() throws {
    let toy = try Toy()
    let reweighter = try toy.reweighter("cancelled")
    toy.cancel.cancel(signal: 15)
    #expect(throws: LearningError.interrupted(signal: 15)) {
      _ = try reweighter.weights(for: toy.term(), progress: Toy.progress)
    }
  }

  @Test func `a context of another call is stale`() throws {
    let toy = try Toy()
    let reweighter = try toy.reweighter("stale context")
    let term = try toy.term()
    #expect(
      message { _ = try reweighter.weights(for: term, progress: Toy.progress) }
        == Self.place + "a context was used after its callback returned")
    #expect(Set(toy.world.log) == ["plugin-misbehaving: a context was used after its callback returned"])
  }

  @Test func `a tensor of another call is stale`() throws {
    let toy = try Toy()
    let reweighter = try toy.reweighter("stale tensor")
    let term = try toy.term()
    _ = try reweighter.weights(for: term, progress: Toy.progress)
    let text = "argument 1 is a tensor handle that is not valid, or not any more"
    #expect(message { _ = try reweighter.weights(for: term, progress: Toy.progress) } == Self.place + text)
    #expect(toy.world.log == ["plugin-misbehaving: \(text)"])
  }

  @Test func `another thread may log, poll and drop, and nothing else`() throws {
    let toy = try Toy()
    let reweighter = try toy.reweighter("other thread")
    _ = try reweighter.weights(for: toy.term(), progress: Toy.progress)
    #expect(
      toy.world.log == [
        "plugin-misbehaving: the host was called from another thread than the run's", "warning: from another thread",
      ])
    #expect(toy.session.tensors.count == 0)
  }

  @Test(arguments: ["good", "marks", "keeps", "keeps and forgets"])
  func `nothing of a call is left when its instance is gone`(_ mode: String) throws {
    let toy = try Toy()
    let reweighter = try toy.reweighter(mode)
    let term = try toy.term()
    for _ in 0..<3 { _ = try reweighter.weights(for: term, progress: Toy.progress) }
    let kept = ["keeps": 1, "keeps and forgets": 3][mode] ?? 0
    #expect(toy.session.tensors.count == kept)
    reweighter.destroy()
    #expect(toy.session.tensors.count == 0)
  }

  @Test func `a stream of random words is the run's own`() throws {
    let toy = try Toy()
    let reweighter = try toy.reweighter("random")
    _ = try reweighter.weights(for: toy.term(), progress: Toy.progress)
    var stream = Philox(seed: 7, label: "test.reweighter/noise", step: 17)
    let words = (0..<6).map { _ in stream.next32() }
    let reports = toy.world.reports
    #expect(reports.map(\.key) == ["words", "drawn"])
    guard case .number(let number) = reports[0].value, case .tensor(let drawn) = reports[1].value else {
      Issue.record("other values were reported")
      return
    }
    #expect(number == Double(Int64(words[0]) << 32 | Int64(words[5])))
    var again = Philox(seed: 7, label: "test.reweighter/noise", step: 17)
    let generator = try Generator(seed: again.next64())
    #expect(try drawn.item() == Tensor.randomUniform([1], generator: generator).item())
  }

  @Test func `operators take and give lists, and a wrong schema names its argument`() throws {
    let toy = try Toy()
    let reweighter = try toy.reweighter("operators")
    let term = try toy.term()
    let text = message { _ = try reweighter.weights(for: term, progress: Toy.progress) }
    #expect(text.hasPrefix(Self.place))
    #expect(text.contains("factor"))
  }

  @Test func `flags of a device find what breaks a promise`() throws {
    let even = try Tensor([Float](repeating: 0.25, count: 4), shape: [4])
    let negative = try Tensor([Float](arrayLiteral: -0.5, 0.5, 0.5, 0.5), shape: [4])
    let large = try Tensor([Float](repeating: 0.5, count: 4), shape: [4])
    let infinite = try Tensor([Float](arrayLiteral: .infinity, 0, 0, 0), shape: [4])
    func flag(_ tensor: Tensor, _ rule: TensorChecks.Rule) throws -> Bool {
      try TensorChecks.flag(tensor, rule).item() != 0
    }
    #expect(try !flag(even, .normalised))
    #expect(try flag(large, .normalised) && !flag(large, .free))
    #expect(try flag(negative, .normalised) && flag(negative, .free) && !flag(negative, .signed))
    #expect(try flag(infinite, .signed) && flag(infinite, .free) && flag(infinite, .normalised))
    #expect(try flag(even, .binary) && !flag(Tensor.ones([3]), .binary))
  }
}
