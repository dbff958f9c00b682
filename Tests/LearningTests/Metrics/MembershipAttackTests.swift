import Foundation
import Testing

@testable import Learning

/// A case of `Fixtures/mia.json`, which `scripts/reference/mia.py` made with scikit-learn.
struct AttackCase: Sendable, Decodable, CustomTestStringConvertible {
  let name: String
  let retain: [Float]
  let test: [Float]
  let forget: [Float]
  let svc: Double
  let threshold: Double
  let thresholdPercent: Double

  var testDescription: String { name }
  var attack: MembershipAttack { MembershipAttack(forget: forget, retain: retain, test: test) }

  static func all() throws -> [AttackCase] {
    struct Fixture: Decodable { let cases: [AttackCase] }
    return try JSONDecoder().decode(Fixture.self, from: Data(contentsOf: Beside.fixture("mia.json"))).cases
  }
}

struct MembershipAttackTests {
  /// Exact: no sample of the fixture lies nearer to the border than ten times the solver's tolerance.
  @Test(arguments: try AttackCase.all()) func `the support vectors say what scikit-learn's say`(_ example: AttackCase)
    throws
  {
    #expect(try abs(example.attack.supportVectors(cancel: CancelFlag()) - example.svc) < 1e-9)
  }

  @Test(arguments: try AttackCase.all()) func `the threshold is the one of a plain search`(_ example: AttackCase) throws
  {
    let (percent, threshold) = try example.attack.threshold()
    #expect(threshold == Float(example.threshold))
    #expect(abs(percent - example.thresholdPercent) < 1e-9)
  }

  @Test func `members and others far apart are told apart`() throws {
    let attack = MembershipAttack(forget: [0.1, 0.9, 0.95, 0.2], retain: [0.9, 0.95], test: [0.1, 0.2])
    #expect(try attack.supportVectors(cancel: CancelFlag()) == 50)
    #expect(try attack.threshold() == (50, 0.9))
  }

  @Test func `in doubt the threshold calls nobody a member`() throws {
    let alike = MembershipAttack(forget: [0.5, 0.5], retain: [0.5, 0.5], test: [0.5, 0.5])
    #expect(try alike.threshold() == (100, .infinity))
    // At 0.9 and at 0.5 the balanced accuracy is 3/4: the higher threshold wins.
    let tied = MembershipAttack(forget: [0.5, 0.9], retain: [0.9, 0.5], test: [0.7, 0.1])
    #expect(try tied.threshold() == (50, 0.9))
  }

  @Test func `members are taken from the front of the retain set`() throws {
    let front: [Float] = [0.9, 0.95]
    let attack = MembershipAttack(forget: [0.1, 0.9], retain: front, test: [0.1, 0.2])
    let longer = MembershipAttack(
      forget: [0.1, 0.9], retain: front + Array(repeating: 0.1, count: 50), test: [0.1, 0.2])
    #expect(try attack.supportVectors(cancel: CancelFlag()) == longer.supportVectors(cancel: CancelFlag()))
    #expect(try attack.threshold() == longer.threshold())
  }

  @Test func `fewer retain than test samples are refused by the support vectors only`() throws {
    let attack = MembershipAttack(forget: [0.1], retain: [0.9], test: [0.1, 0.2])
    #expect(throws: LearningError.tooFewRetained(metric: "mia-svc", retain: 1, test: 2)) {
      try attack.supportVectors(cancel: CancelFlag())
    }
    #expect(try attack.threshold().percent == 100)
  }

  @Test func `a fit that takes long is left when the flag is raised`() throws {
    // Two alike clouds of 4 000: nearly every sample becomes a support vector, which takes libsvm seconds.
    var random = Philox(seed: 1, label: "test")
    let cloud = (0..<8_000).map { _ in Float(random.uniform()) }
    let attack = MembershipAttack(forget: [0.5], retain: Array(cloud[..<4_000]), test: Array(cloud[4_000...]))
    let cancel = CancelFlag()
    Thread.detachNewThread {
      Thread.sleep(forTimeInterval: 0.2)
      cancel.cancel(signal: 2)
    }
    let start = ContinuousClock.now
    #expect(throws: LearningError.interrupted(signal: 2)) { try attack.supportVectors(cancel: cancel) }
    #expect(ContinuousClock.now - start < .seconds(2))
  }
}
