import ArgumentParser
import Foundation
import Runs

/// `lethe doctor`.
struct DoctorCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "doctor",
    abstract: "Say what was found where: LibTorch, plugins, data, processors, disk.",
    discussion: "Exits with 66 when a run could not begin.")

  @OptionGroup var plugins: PluginFolders

  @Flag(help: "JSON instead of text.")
  var json = false

  func run() throws {
    let workshop = Workshop.live
    var findings = [Workshop.Finding(name: "lethe", value: workshop.version, isProblem: false)]
    findings += workshop.findings()
    findings += plugins(workshop)
    findings += [data, processors] + disks
    if json {
      let rows = findings.map { finding in
        Tree.map([
          TreeEntry("name", .string(finding.name)), TreeEntry("value", .string(finding.value)),
          TreeEntry("problem", .bool(finding.isProblem)),
        ])
      }
      try Output.result(Tree.list(rows).prettyJSON())
    } else {
      for finding in findings {
        try Output.result("\(finding.isProblem ? "✗" : "✓") \(finding.name.padding(12)) \(finding.value)\n")
      }
    }
    if findings.contains(where: \.isProblem) { throw ExitCode(66) }
  }

  private func plugins(_ workshop: Workshop) -> [Workshop.Finding] {
    let catalog: PartCatalog
    do { catalog = try workshop.catalog(plugins.absolute) } catch {
      return [Workshop.Finding(name: "plugins", value: "\(error)", isProblem: true)]
    }
    let ids = catalog.parts.map(\.id)
    let found = ids.isEmpty ? "none" : ids.joined(separator: ", ")
    var findings = [
      Workshop.Finding(
        name: "plugins", value: "\(found); searched \(catalog.folders.joined(separator: ", "))",
        isProblem: ids.isEmpty)
    ]
    for refusal in catalog.refusals {
      findings.append(
        Workshop.Finding(
          name: "refused", value: "\(refusal.file.isEmpty ? "" : refusal.file + ": ")\(refusal.reason)",
          isProblem: true))
    }
    return findings
  }

  /// LETHE_DATA is needed only by recipes that name it.
  private var data: Workshop.Finding {
    guard let path = ProcessInfo.processInfo.environment["LETHE_DATA"], !path.isEmpty else {
      return Workshop.Finding(
        name: "data", value: "LETHE_DATA is not set; recipes on glyphs need none", isProblem: false)
    }
    guard let names = try? FileManager.default.contentsOfDirectory(atPath: path) else {
      return Workshop.Finding(name: "data", value: "LETHE_DATA: no folder '\(path)'", isProblem: true)
    }
    return Workshop.Finding(
      name: "data", value: "\(path): \(names.sorted().joined(separator: ", "))", isProblem: false)
  }

  private var processors: Workshop.Finding {
    let info = ProcessInfo.processInfo
    let memory = Double(info.physicalMemory) / 1_073_741_824
    return Workshop.Finding(
      name: "machine", value: "\(info.activeProcessorCount) processors, \(NumberText.fixed(memory, 1)) GiB of memory",
      isProblem: false)
  }

  private var disks: [Workshop.Finding] {
    let manager = FileManager.default
    let current = manager.currentDirectoryPath
    guard let attributes = try? manager.attributesOfFileSystem(forPath: current),
      let free = attributes[.systemFreeSize] as? NSNumber
    else { return [Workshop.Finding(name: "disk", value: "\(current): unknown", isProblem: false)] }
    let gibibytes = free.doubleValue / 1_073_741_824
    return [
      Workshop.Finding(
        name: "disk", value: "\(current): \(NumberText.fixed(gibibytes, 1)) GiB free", isProblem: gibibytes < 0.1)
    ]
  }
}
