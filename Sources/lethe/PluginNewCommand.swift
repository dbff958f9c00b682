import ArgumentParser
import Foundation
import Runs

/// What a plugin can be written in.
enum PluginLanguage: String, CaseIterable, ExpressibleByArgument {
  case c, cpp, swift, rust, python
}

/// What a plugin can be for.
enum PluginRole: String, CaseIterable, ExpressibleByArgument {
  case objective, reweighter, mask, updater, procedure, metric
}

/// `lethe plugin new`.
struct PluginNewCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "new",
    abstract: "Begin a plugin: a folder with a method that works, to be changed into yours.",
    discussion: """
      Writes source, manifest, build file, test, recipe and README into a folder of its own, which needs this \
      installation and nothing of Lethe's sources.

        lethe plugin new my-method --lang swift --role objective
        cd my-method && swift build -c release && lethe run recipe.yaml && ./test.sh

      Roles: objective (which losses a step has), reweighter (how much each sample counts), mask (which weights may \
      move), updater (how gradients become one direction), procedure (a method that is no loop of steps), metric (a number \
      in the report).
      Built with: make or cmake (c, cpp), swift build (swift), cargo build --release (rust); python is not built.
      """)

  @Argument(help: "Its name, in small letters with hyphens: 'my-method'.")
  var name: String

  @Option(name: .customLong("lang"), help: "c, cpp, swift, rust or python.")
  var language: PluginLanguage

  @Option(help: "objective, reweighter, mask, updater, procedure or metric.")
  var role: PluginRole

  @Option(help: "The folder to make; by default the name.")
  var directory: String?

  @Option(help: "What its id begins with: your own domain, reversed.")
  var domain = "org.example"

  func run() throws {
    let target = URL(fileURLWithPath: directory ?? name)
    let template = PluginTemplate(
      sdk: try Installation().sdk, language: language, role: role, name: try PluginName(name, domain: domain))
    let files = try template.write(to: target)
    try Output.result(files.map { "\(directory ?? name)/\($0)\n" }.joined())
    Output.tell("next: read \(directory ?? name)/README.md\n")
  }
}

/// A plugin's name in the spellings that its files need.
struct PluginName: Equatable {
  /// `my-method`.
  let words: String
  /// What stands before it in the id: `org.example`.
  let domain: String

  /// Words that a module of Swift, a crate or a Python module cannot be called.
  private static let taken: Set<String> = [
    "swift", "foundation", "glibc", "lethe", "clethe", "lethe-sdk", "core", "std", "alloc", "test", "proc-macro",
    "self", "super", "crate", "numpy", "torch", "build", "src",
  ]

  init(_ name: String, domain: String) throws {
    guard name.wholeMatch(of: /[a-z][a-z0-9]*(-[a-z0-9]+)*/) != nil, name.utf8.count <= 40 else {
      throw CommandError.badName(
        name, reason: "small letters, digits and single hyphens would be right, a letter first, at most 40 in all")
    }
    guard !Self.taken.contains(name) else { throw CommandError.badName(name, reason: "the word is taken") }
    guard domain.wholeMatch(of: /[a-z0-9][a-z0-9-]*(\.[a-z0-9][a-z0-9-]*)*/) != nil, domain.utf8.count <= 80 else {
      throw CommandError.badName(
        "\(domain).\(name)", reason: "a domain has small letters, digits, hyphens and dots: 'org.example'")
    }
    words = name
    self.domain = domain
  }

  /// `my_method`.
  var snake: String { words.replacing("-", with: "_") }

  /// `MyMethod`.
  var camel: String { words.split(separator: "-").map { $0.prefix(1).uppercased() + $0.dropFirst() }.joined() }

  /// The text of a template with the name in it.
  func fill(_ text: String) -> String {
    text.replacing("org.example.my-method", with: "\(domain).\(words)").replacing("my-method", with: words)
      .replacing("my_method", with: snake).replacing("MyMethod", with: camel)
  }
}
