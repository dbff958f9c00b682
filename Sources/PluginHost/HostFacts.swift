import CLethe

/// What this host is, as plugins have to fit it. Of the ABI only the headers know the numbers.
package enum HostFacts {
  static let name = "lethe"
  static let version = "0.1.0"
  /// Generation of the C ABI: part of the entry symbol's name.
  static let generation = Int(LETHE_ABI_GENERATION)
  /// Additions to that generation.
  package static let minor = Int(LETHE_ABI_MINOR)
  /// What the headers of that generation and minor are called.
  package static let abi = LETHE_ABI_VERSION
  static let entryPrefix = "lethe_plugin_abi"
  static let entrySymbol = "\(entryPrefix)\(generation)"
  #if arch(x86_64)
    package static let platform = "linux-x86_64"
  #else
    package static let platform = "linux-aarch64"
  #endif
  /// The Swift that built this host, whose runtime shared plugins use. Nothing promises that the runtime of another patch
  /// release is the same; of a compiler that is not listed here only major and minor are known.
  #if compiler(>=6.3.3)
    package static let swift =
      "\(_SwiftStdlibVersion.current._value >> 16).\(_SwiftStdlibVersion.current._value >> 8 & 255)"
  #elseif compiler(>=6.3.2)
    package static let swift = "6.3.2"
  #elseif compiler(>=6.3.1)
    package static let swift = "6.3.1"
  #else
    package static let swift = "6.3"
  #endif
  /// Every service that a manifest may require.
  static let services = [
    "lethe.core/1", "lethe.tensors/1", "lethe.ops/1", "lethe.dlpack/1", "lethe.autograd/1", "lethe.rng/1",
    "lethe.model/1", "lethe.task/1", "lethe.evaluate/1", "lethe.step/1", "lethe.data/1", "lethe.diffusion/1",
    "lethe.artifact/1",
  ]

  /// Refuses what can be known without loading: generation, additions, services, platform, Swift runtime, entry symbol.
  /// A source file may be for `any` platform.
  static func admit(
    _ manifest: Manifest, exports: [String]?, isSource: Bool = false
  ) throws(AdmissionProblem) {
    guard manifest.generation == generation else {
      throw .generation(found: [manifest.generation], wanted: generation)
    }
    if let exports, !exports.contains(entrySymbol) {
      let others = exports.filter { $0.hasPrefix(entryPrefix) }.compactMap { Int($0.dropFirst(entryPrefix.count)) }
      throw others.isEmpty ? .noEntry(symbol: entrySymbol) : .generation(found: others.sorted(), wanted: generation)
    }
    guard manifest.minimumMinor <= minor else { throw .minor(needed: manifest.minimumMinor, offered: minor) }
    for service in manifest.requires where !services.contains(service) { throw .service(service, known: services) }
    guard manifest.platform == platform || isSource && manifest.platform == "any" else {
      throw .platform(found: manifest.platform, wanted: platform)
    }
    if manifest.swiftLinkage == .dynamic, let found = manifest.swiftVersion, found != swift,
      !found.hasPrefix(swift + ".")
    {
      throw .swift(found: found, wanted: swift)
    }
  }
}
