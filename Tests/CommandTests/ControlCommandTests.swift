import Foundation
import Testing

/// `lethe ctl`, on a run in another process.
@Suite struct ControlCommandTests {
  private let cache = ["LETHE_CACHE": Command.cache.path]

  /// Asks until the run answers with success, for half a minute.
  private func ask(_ words: [String], in command: Command) throws -> Answer {
    var answer = try command.run(["ctl"] + words, environment: cache)
    for _ in 0..<300 where answer.code != 0 {
      Thread.sleep(forTimeInterval: 0.1)
      answer = try command.run(["ctl"] + words, environment: cache)
    }
    return answer
  }

  @Test func `a run is changed from another process, and a replay makes the same weights`() throws {
    let command = try Command()
    try command.write(smallRecipe, to: "small.yaml")
    let process = try command.start(["run", "small.yaml", "pipeline.epochs=300"], environment: cache)
    defer { if process.isRunning { process.terminate() } }
    for _ in 0..<600 where (try? command.runFolder()) == nil { Thread.sleep(forTimeInterval: 0.05) }
    let run = try command.runFolder()
    let paused = try ask([run, "pause"], in: command)
    #expect(paused.code == 0 && paused.out.hasPrefix("paused after step "), "\(paused.out)\(paused.err)")
    let swapped = try command.run(
      ["ctl", run, "swap", "reweighter=loreun,eta_forget=0.5", "updater=proximal"], environment: cache)
    #expect(swapped.code == 0 && swapped.out.hasPrefix("changed after step "), "\(swapped.out)\(swapped.err)")
    let refused = try command.run(["ctl", run, "swap", "reweighter=nobody"], environment: cache)
    #expect(refused.code == 65 && refused.err.contains("nobody"), "\(refused.code) \(refused.err)")
    let status = try command.run(["ctl", run, "status"], environment: cache)
    #expect(status.out.contains("paused") && status.out.contains("loreun (eta_forget 0.5"), "\(status.out)")
    let set = try command.run(["ctl", run, "set", "pipeline.optimizer.learning_rate=0.001"], environment: cache)
    #expect(set.code == 0, "\(set.err)")
    let json = try command.run(["ctl", run, "status", "--json"], environment: cache)
    let reply = try JSONSerialization.jsonObject(with: Data(json.out.utf8)) as? [String: Any]
    let parts = (reply?["status"] as? [String: Any])?["parts"] as? [String: String]
    #expect(parts?["learning_rate"] == "0.001" && parts?["updater"]?.hasPrefix("proximal") == true, "\(json.out)")
    #expect(try command.run(["ctl", run, "resume"], environment: cache).code == 0)
    process.waitUntilExit()
    #expect(process.terminationStatus == 0)
    let replay = try command.run(["replay", run], environment: cache)
    #expect(replay.code == 0 && replay.out.contains("the same bit for bit"), "\(replay.out)\(replay.err)")
    let late = try command.run(["ctl", run, "status"], environment: cache)
    #expect(late.code != 0 && late.err.contains("is finished"), "\(late.err)")
  }

  @Test func `a folder that is no run, and one that is not there, are called so`() throws {
    let command = try Command()
    for folder in [".", "nowhere"] {
      let answer = try command.run(["ctl", folder, "status"])
      #expect(answer.code == 66 && answer.err.contains("is not a run folder: 'plan.yaml' is missing"), "\(answer.err)")
    }
  }
}
