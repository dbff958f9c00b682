import Tensors
import Testing

@testable import PluginHost

struct LifeCycleTests {
  @Test func `only the edges of the life cycle are legal`() {
    let legal: [LifeState: [LifeState.Event: LifeState]] = [
      .created: [.prepare: .ready, .destroy: .gone, .failure: .failed],
      .ready: [.work: .ready, .state: .ready, .finish: .done, .destroy: .gone, .failure: .failed],
      .done: [.destroy: .gone, .failure: .failed], .failed: [.destroy: .gone], .gone: [:],
    ]
    for state in LifeState.allCases {
      for event in LifeState.Event.allCases { #expect(state.after(event) == legal[state]?[event]) }
    }
  }

  @Test func `a failed create leaves no instance`() throws {
    let toy = try Toy()
    #expect(
      message { _ = try toy.reweighter("create fails", ready: false) }
        == "plugin 'test.plugin' 1.2.0 (libgood.so) failed in reweighter.create: no such mode")
  }

  @Test func `work before prepare is refused`() throws {
    let toy = try Toy()
    let reweighter = try toy.reweighter("good", ready: false)
    let term = try toy.term()
    #expect(
      message { _ = try reweighter.weights(for: term, progress: Toy.progress) }
        == "plugin 'test.plugin' 1.2.0 (libgood.so) failed in reweighter.weigh at step 17: "
        + "the instance is 'created', and the call is not legal then")
  }

  @Test func `a failed prepare or finish leaves only destroy`() throws {
    let toy = try Toy()
    let unready = try toy.reweighter("prepare:says why", ready: false)
    #expect(
      message { try unready.prepare(step: 3) }
        == "plugin 'test.plugin' 1.2.0 (libgood.so) failed in reweighter.prepare at step 3: the forget set is empty")
    #expect(unready.life == .failed)
    let unfinished = try toy.reweighter("finish fails")
    #expect(
      message { try unfinished.finish() }
        == "plugin 'test.plugin' 1.2.0 (libgood.so) failed in reweighter.finish: cannot finish")
    unfinished.destroy()
    unfinished.destroy()
    #expect(unfinished.life == .gone)
  }

  @Test func `state goes out and in through short reads and writes`() throws {
    let toy = try Toy()
    let first = try toy.reweighter("good")
    let term = try toy.term()
    for _ in 0..<5 { _ = try first.weights(for: term, progress: Toy.progress) }
    let state = try #require(try first.saveState())
    #expect(state == SavedState(version: 3, bytes: [5, 0, 0, 0, 0, 0, 0, 0]))
    let second = try toy.reweighter("good")
    try second.loadState(state)
    _ = try second.weights(for: term, progress: Toy.progress)
    #expect(try second.saveState()?.bytes.first == 6)
  }

  @Test(arguments: [
    (SavedState(version: 3, bytes: [1, 2]), "the state is truncated"),
    (SavedState(version: 3, bytes: [UInt8](repeating: 0, count: 9)), "the state is too long"),
    (SavedState(version: 4, bytes: [UInt8](repeating: 0, count: 8)), "state of another version"),
  ])
  func `bad state is refused by the strategy`(_ bad: (SavedState, String)) throws {
    let toy = try Toy()
    let reweighter = try toy.reweighter("good")
    #expect(
      message { try reweighter.loadState(bad.0) }
        == "plugin 'test.plugin' 1.2.0 (libgood.so) failed in reweighter.load_state: \(bad.1)")
  }

  @Test func `tunable parameters change and others do not`() throws {
    let toy = try Toy()
    let reweighter = try toy.reweighter("good", eta: 0)
    let term = try toy.term()
    #expect(try reweighter.weights(for: term, progress: Toy.progress).tensor?.floats() == [0.25, 0.25, 0.25, 0.25])
    try reweighter.retune([.string("good"), .float(1)])
    #expect(reweighter.parameters == [.string("good"), .float(1)])
    #expect(try reweighter.weights(for: term, progress: Toy.progress).tensor?.floats() != [0.25, 0.25, 0.25, 0.25])
    #expect(
      message { try reweighter.retune([.string("silent"), .float(1)]) }
        == "parameter 'mode' of 'test.reweighter': it cannot change during a run")
  }

  @Test func `reference losses are for prepare only`() throws {
    let toy = try Toy()
    _ = try toy.reweighter("reference")
    let updater = try toy.updater("late reference")
    #expect(
      message { try updater.afterStep(progress: Toy.progress, learningRate: 0.1) }.hasSuffix(
        "reference_loss is for 'create' and 'prepare' only"))
  }
}
