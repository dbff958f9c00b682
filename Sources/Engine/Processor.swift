import Foundation

/// What this machine's processor can do.
enum Processor {
  /// Whether it computes with bf16 numbers itself; also true where nobody can tell.
  static let hasBFloat16: Bool = {
    guard let text = try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8),
      let flags = text.split(separator: "\n").first(where: { $0.hasPrefix("flags") || $0.hasPrefix("Features") })
    else { return true }
    let words = Set(flags.split(whereSeparator: { " \t:".contains($0) }))
    return !words.isDisjoint(with: ["avx512_bf16", "amx_bf16", "bf16", "svebf16"])
  }()
}
