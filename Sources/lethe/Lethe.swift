import ArgumentParser
import Runs

/// The command.
@main
struct Lethe: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "lethe",
    abstract: "Make a trained classifier forget, and measure how close it comes to one that never knew.",
    discussion: """
      A recipe (YAML) names data, what to forget, a model, and a pipeline of plugins: an objective, and if you like a \
      reweighter, a mask and an updater. Every part can be exchanged, also on the command line.

        lethe run examples/glyphs-demo.yaml
        lethe run examples/glyphs-demo.yaml seed=2 pipeline.mask.keep=0.3
        lethe compare examples/glyphs-demo.yaml --sweep seed=1,2,3
        lethe audit examples/mnist-audit.yaml --budget
        lethe ctl runs/glyphs-demo-1a2b3c4d status
        lethe plugin list
        lethe plugin check ./libmine.so

      Exit codes: 0 done, 1 a replay differs or a record does not hold, 64 wrong usage, 65 bad data or recipe, 66 something is missing, 70 a plugin's \
      mistake, 73 cannot write there, 74 input or output failed, 75 stopped on a number that is none, 130 interrupted; \
      'plugin check' has 1 and 2 of its own.
      """,
    version: Workshop.live.version,
    subcommands: [
      RunCommand.self, PlanCommand.self, EvaluateCommand.self, CompareCommand.self, MaskCommand.self,
      AuditCommand.self,
      ControlCommand.self, ReplayCommand.self, VerifyCommand.self, PluginCommand.self, SDKCommand.self,
      DoctorCommand.self,
      BenchCommand.self, AuditWorkerCommand.self, PluginProbeCommand.self, PluginFuzzProbeCommand.self,
    ])

  /// Parses, runs, says what went wrong, and leaves with the right exit code.
  static func main() {
    do {
      var command = try parseAsRoot()
      try command.run()
      Output.leave(0)
    } catch let error as CommandError {
      fail(error, error.exitCode)
    } catch let error as RunError {
      fail(error, error.exitCode)
    } catch {
      if let code = Workshop.live.exitCode(error) { fail(error, code) }
      let code = exitCode(for: error).rawValue
      let message = fullMessage(for: error)
      if code == 0 {
        print(message)
      } else if !message.isEmpty {
        Output.tell(message.hasPrefix("Error: ") ? "error: \(message.dropFirst(7))\n" : message + "\n")
      }
      Output.leave(code)
    }
  }

  private static func fail(_ error: any Error, _ code: Int32) -> Never {
    Output.tell("error: \(error)\n")
    Output.leave(code)
  }
}
