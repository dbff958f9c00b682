import Contract
import Foundation
import Glibc

/// Leads a plugin through made-up lives in processes of this program, one after the other, which it may end, hang or fill.
struct FuzzPool {
  /// What came to light, with the number of the first life that shows it.
  struct Found: Encodable {
    let rule: String
    let strategy: String
    let text: String
    /// To be given to `--reproduce`.
    let life: String
    /// In how many lives it came to light.
    var times = 1
  }

  /// How a walk ended.
  struct Result {
    var lives = 0
    var found: [Found] = []
    /// When it is over; known once the first life has begun, since loading LibTorch is no part of the walk.
    fileprivate var end: ContinuousClock.Instant?
  }

  /// The plugin's file.
  let file: String
  /// Seconds that a life may take.
  let limit: Double
  /// Is told how many lives are over and how many findings there are.
  let tell: (Int, Int) -> Void
  /// Is told what is done in a life; nil where nobody wants to know.
  var story: ((String) -> Void)?

  private let clock = ContinuousClock()

  init(file: String, limit: Double, tell: @escaping (Int, Int) -> Void, story: ((String) -> Void)? = nil) {
    self.file = file
    self.limit = limit
    self.tell = tell
    self.story = story
  }

  /// More different findings are not looked for.
  private static let mostFindings = 32

  /// Lives of a seed, until the time is over or there were so many.
  func run(seed: UInt64, seconds: Double?, lives most: Int?) throws -> Result {
    signal(SIGPIPE, SIG_IGN)
    var result = Result()
    while result.lives < most ?? .max, result.end.map({ clock.now < $0 }) ?? true,
      result.found.count < Self.mostFindings
    {
      let arguments = ["--seed", String(seed), "--from", String(result.lives)]
      try run(arguments + (most.map { ["--lives", String($0 - result.lives)] } ?? []), seconds, &result)
    }
    return result
  }

  /// The life of one number.
  func run(life: UInt64) throws -> Result {
    signal(SIGPIPE, SIG_IGN)
    var result = Result()
    try run(["--life", String(life)], nil, &result)
    return result
  }

  private func run(_ arguments: [String], _ seconds: Double?, _ result: inout Result) throws {
    let recorder = try CallRecorder()
    let child = try ChildProcess(["plugin-fuzz-probe", file] + arguments, recorder: recorder)
    defer {
      child.send(SIGKILL)
      child.waitUntilEnded()
    }
    var course = Course(deadline: clock.now + .seconds(max(60, limit)))
    while true {
      ChildProcess.wait(for: [child], milliseconds: 100)
      try take(child.lines(), &course, &result)
      if course.isDone { return }
      if result.end == nil, course.life != nil { result.end = seconds.map { clock.now + .seconds($0) } }
      if let ending = child.ending {
        try take(child.lines(), &course, &result)
        if course.isDone { return }
        guard let life = course.life else { throw CommandError.notFuzzed(reason: ending.reason, code: 70) }
        let reason = course.reason ?? ending.account + recorder.call
        note(.init(rule: "life-cycle", strategy: course.strategy, text: reason), life, &result)
        result.lives += 1
        return
      }
      if let end = result.end, clock.now > end { return }
      guard course.reason == nil else { continue }
      if let memory = child.tooMuchMemory {
        course.reason = "it took \(memory) MiB of memory" + recorder.call
      } else if clock.now > course.deadline {
        let seconds = Int(exactly: limit).map(String.init) ?? String(limit)
        course.reason = "nothing came back within \(seconds) s" + recorder.call
      } else {
        continue
      }
      child.send(SIGKILL)
    }
  }

  /// What is known of the life that goes on.
  private struct Course {
    var life: UInt64?
    var strategy = ""
    var reason: String?
    var isDone = false
    var deadline: ContinuousClock.Instant
  }

  private func take(_ lines: [String], _ course: inout Course, _ result: inout Result) throws {
    for line in lines {
      guard let message = ProbeMessage(line: line) else { continue }
      if let failure = message.failure { throw CommandError.notFuzzed(reason: failure, code: message.code ?? 70) }
      if let life = message.life {
        // The first operators of a process take their time, which is not the plugin's.
        let patience = course.life == nil ? limit + 30 : limit
        if course.life != nil { result.lives += 1 }
        course.life = life
        course.strategy = ""
        course.deadline = clock.now + .seconds(patience)
        tell(result.lives, result.found.count)
      }
      if let deed = message.deed {
        if course.strategy.isEmpty { course.strategy = String(deed.prefix { $0 != " " }) }
        story?(deed)
      }
      if let finding = message.finding, let life = course.life { note(finding, life, &result) }
      if message.isDone == true {
        if course.life != nil { result.lives += 1 }
        course.isDone = true
      }
    }
  }

  private func note(_ finding: PluginFuzzer.Finding, _ life: UInt64, _ result: inout Result) {
    // Numbers in a sentence differ from life to life.
    func kind(_ text: String) -> String { text.filter { !$0.isNumber } }
    let place = result.found.firstIndex {
      $0.rule == finding.rule && $0.strategy == finding.strategy && kind($0.text) == kind(finding.text)
    }
    if let place {
      result.found[place].times += 1
    } else if result.found.count < Self.mostFindings {
      result.found.append(
        Found(
          rule: finding.rule, strategy: finding.strategy, text: finding.text, life: String(life, radix: 16)))
    }
  }
}
