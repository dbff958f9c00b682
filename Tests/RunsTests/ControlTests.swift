import Foundation
import Testing

@testable import Runs

struct ControlTests {
  private func change(_ verb: ControlRequest.Verb, _ words: String...) throws -> String? {
    try ControlRequest(verb, words: words, folder: "/home").change
  }

  @Test func `words of the command line become an entry of swaps`() throws {
    #expect(try change(.swap, "reweighter=loreun") == "{reweighter: loreun}")
    #expect(
      try change(.swap, "reweighter=loreun,eta=0.1,mode=paper", "updater=none")
        == "{reweighter: {plugin: loreun, eta: 0.1, mode: paper}, updater: null}")
    #expect(try change(.swap, "mask={plugin: salun, keep: 0.3}") == "{mask: {plugin: salun, keep: 0.3}}")
    #expect(
      try change(.set, "pipeline.optimizer.learning_rate=1e-3", "pipeline.objective.a=1", "pipeline.objective.b=2")
        == "{learning_rate: 1e-3, tune: {objective: {a: 1, b: 2}}}")
    #expect(try change(.pause) == nil)
  }

  @Test(arguments: [
    (ControlRequest.Verb.swap, ["reweigter=loreun"], "did you mean 'reweighter'?"), (.swap, ["reweighter"], "no '='"),
    (.swap, [], "ROLE=PLUGIN"), (.swap, ["updater=x,y"], "'y' is no KEY=VALUE"), (.set, [], "PATH=VALUE"),
    (.set, ["pipeline.batch=3"], "does not change during a run"), (.set, ["learning_rate=3"], "does not change"),
    (.pause, ["now"], "takes nothing after it"),
  ])
  func `words that say nothing possible are refused`(_ verb: ControlRequest.Verb, _ words: [String], _ part: String) {
    #expect {
      try ControlRequest(verb, words: words, folder: "/")
    } throws: { error in
      "\(error)".contains(part)
    }
  }

  @Test func `a request is read as it was sent`() throws {
    let request = try ControlRequest(.swap, words: ["updater=none"], folder: "/a b")
    #expect(try ControlRequest(line: request.line().utf8.dropLast()) == request)
    let reply = ControlReply(isDone: false, message: "no\nthing", status: nil)
    #expect(ControlReply(line: Array(reply.line().utf8.dropLast())) == reply)
    #expect(!reply.line().dropLast().contains("\n"))
  }

  @Test(arguments: [
    "", "{", "[1]", "{\"do\": 3}", "{\"do\":\"swap\"}", "\u{1F600}", String(repeating: "[", count: 60000),
  ])
  func `bytes that are no request are an error`(_ line: String) {
    #expect(throws: RunError.self) { try ControlRequest(line: line.utf8) }
  }

  @Test func `a moment is read as it is written`() {
    for text in ["epoch 3", "step 120", "ua-validation > 90.0", "loss-validation < 0.5"] {
      #expect(Moment(text: text)?.text == text)
    }
    for text in ["", "epoch", "epoch x", "a > b", "a >= 3", "a > nan", "> 3", "a > 3 4"] {
      #expect(Moment(text: text) == nil)
    }
    #expect(Crossing(text: "x > 2")?.holds(for: 2) == false)
    #expect(Crossing(text: "x < 2")?.holds(for: 1.9) == true)
    #expect(Crossing(text: "x < 2")?.holds(for: .nan) == false)
  }
}
