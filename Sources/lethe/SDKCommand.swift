import ArgumentParser
import Foundation
import Runs

/// `lethe sdk`.
struct SDKCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "sdk",
    abstract: "Say where the kit for plugins is, and how to build with it.",
    discussion: """
        make LETHE_SDK="$(lethe sdk path)"
        cc $(lethe sdk cflags) $(lethe sdk libs) -o libmine.so mine.c
        cmake -DLethe_DIR="$(lethe sdk path)/cmake" ..
        PKG_CONFIG_PATH="$(lethe sdk path)/pkgconfig" pkg-config --cflags lethe
      """,
    subcommands: [
      SDKPathCommand.self, SDKVersionCommand.self, SDKFlagsCommand.self, SDKLinkingCommand.self,
    ])
}

/// `lethe sdk path`.
struct SDKPathCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "path", abstract: "Print the kit's folder: headers, kits, templates.")

  func run() throws { try Output.result(Installation().sdk.path + "\n") }
}

/// `lethe sdk version`.
struct SDKVersionCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "version",
    abstract: "Print the version of the C ABI. From 0.9 on tables only grow, and what was built goes on loading.")

  func run() throws { try Output.result(Workshop.live.hostFacts.abi + "\n") }
}

/// `lethe sdk cflags`.
struct SDKFlagsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "cflags", abstract: "Print what a C or C++ compiler has to be told for a plugin.")

  func run() throws {
    let sdk = try Installation().sdk.path
    try Output.result("-fPIC -fvisibility=hidden -I\(sdk)/include -I\(sdk)/cpp/include\n")
  }
}

/// `lethe sdk libs`.
struct SDKLinkingCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "libs",
    abstract: "Print what the linker has to be told: one exported symbol, never unloaded, nothing undefined.")

  func run() throws {
    let sdk = try Installation().sdk.path
    try Output.result("-shared -Wl,--version-script=\(sdk)/plugin.version -Wl,-z,nodelete -Wl,-z,defs\n")
  }
}
