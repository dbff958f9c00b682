// swift-tools-version: 6.2
import PackageDescription

/// Where LibTorch's headers and libraries are: `scripts/get-libtorch` makes this link.
let libtorch = Context.environment["LIBTORCH"] ?? "\(Context.packageDirectory)/.deps/libtorch"
/// Libraries name what they need, but under a sanitizer (`.ci/check-all`): what that calls is in the program alone.
let complete = Context.environment["LETHE_SANITIZER"] == nil ? ["-Xlinker", "-z", "-Xlinker", "defs"] : []

/// What every Swift target of ours is compiled with.
let house: [SwiftSetting] = [
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .treatAllWarnings(as: .error),
]

/// A module under `Sources/`: pointers are marked `unsafe` one by one.
func module(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
  .target(name: name, dependencies: dependencies, swiftSettings: house + [.strictMemorySafety()])
}

/// A C library of the system, described by a module map in `Sources/<name>`.
func system(_ name: String, pkgConfig: String?, apt: String) -> Target {
  .systemLibrary(name: name, path: "Sources/\(name)", pkgConfig: pkgConfig, providers: [.apt([apt])])
}

/// The tests of one module, beside what they share.
/// `exclude` names the folders of reference values, which tests read from the checkout.
func tests(_ name: String, _ dependencies: [Target.Dependency], exclude: [String] = []) -> Target {
  .testTarget(
    name: "\(name)Tests", dependencies: dependencies, exclude: exclude,
    swiftSettings: house)
}

/// One method: a shared library of its own, made of its source file and of its manifest note. In C or C++ where it is not
/// in Swift.
struct Plugin {
  let name: String
  var isSwift = true

  private var linker: [LinkerSetting] {
    [
      // lld, because gold leaves the hidden symbols in the table of dynamic ones.
      .unsafeFlags(
        [
          "-use-ld=lld", "-no-toolchain-stdlib-rpath", "-Xlinker",
          "--version-script=\(Context.packageDirectory)/sdk/plugin.version",
          "-Xlinker", "-z", "-Xlinker", "nodelete", "-lm",
        ] + complete)
    ]
  }

  var product: Product { .library(name: name, type: .dynamic, targets: [name]) }

  var targets: [Target] {
    guard isSwift else {
      return [
        .target(
          name: name, dependencies: ["CLethe"], path: "Plugins/\(name)", exclude: ["README.md", "manifest.json"],
          publicHeadersPath: ".", cSettings: [.unsafeFlags(["-Wall", "-Wextra", "-Werror"])],
          cxxSettings: [
            .headerSearchPath("../../sdk/cpp/include"),
            .unsafeFlags(["-Wall", "-Wextra", "-Werror", "-fvisibility=hidden", "-fno-cxx-modules"]),
          ], linkerSettings: linker)
      ]
    }
    return [
      .target(
        name: "\(name)Manifest", dependencies: ["CLethe"], path: "Plugins/\(name)/Manifest",
        exclude: ["manifest.json"], publicHeadersPath: "."),
      .target(
        name: name, dependencies: [.target(name: "\(name)Manifest"), "LetheSDK"],
        path: "Plugins/\(name)", exclude: ["Manifest", "README.md"], sources: ["\(name).swift"],
        swiftSettings: house, linkerSettings: linker),
    ]
  }
}

let plugins = [
  Plugin(name: "FineTune", isSwift: false),
  Plugin(name: "GradientAscent"),
  Plugin(name: "RandomLabel"),
  Plugin(name: "LoReUn"),
  Plugin(name: "SalUn"),
  Plugin(name: "Proximal"),
  Plugin(name: "L1Sparse", isSwift: false),
  Plugin(name: "BoundaryShrink"),
  Plugin(name: "BoundaryExpand"),
  Plugin(name: "Influence"),
  Plugin(name: "SISS"),
  Plugin(name: "GradientBalance"),
  Plugin(name: "EraseDiff"),
  Plugin(name: "SalUnDiffusion"),
  Plugin(name: "SelectiveAmnesia"),
  Plugin(name: "BlindSpot"),
]

/// The program that `scripts/fuzz` builds, with the library it names: all code in it counts what it covers.
let fuzz: [Target] =
  Context.environment["LETHE_FUZZ"].map { library in
    [
      .executableTarget(
        name: "Fuzz", dependencies: ["PluginHost", "Learning", "Tensors", "Runs"], path: "Tests/Fuzz",
        exclude: ["Seeds"], swiftSettings: house,
        linkerSettings: [
          .unsafeFlags([
            "-Xlinker", "--whole-archive", "-Xlinker", library, "-Xlinker", "--no-whole-archive", "-lstdc++",
          ])
        ])
    ]
  } ?? []

let package = Package(
  name: "lethe",
  products: [
    .executable(name: "lethe", targets: ["lethe"]),
    .library(name: "CTorch", type: .dynamic, targets: ["CTorch"]),
    .library(name: "CTorchCUDA", type: .dynamic, targets: ["CTorchCUDA"]),
    .library(name: "PythonBridge", type: .dynamic, targets: ["PythonBridge"]),
  ] + plugins.map(\.product),
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2"),
    .package(url: "https://github.com/jpsim/Yams", exact: "6.2.2"),
  ],
  targets: [
    // The C ABI and the Swift kit over it: all that a plugin may use.
    .target(
      name: "CLethe", path: "sdk", sources: ["src"], publicHeadersPath: "include",
      cSettings: [.unsafeFlags(["-Wall", "-Wextra", "-Werror"])]),
    .target(name: "LetheSDK", dependencies: ["CLethe"], path: "sdk/swift/Sources/LetheSDK", swiftSettings: house),

    // LibTorch. Nothing links it: `Tensors` opens the shim at run time.
    .target(name: "CTorchTable"),
    .target(
      name: "CTorch", dependencies: ["CTorchTable"],
      cxxSettings: [
        .unsafeFlags([
          "-isystem", "\(libtorch)/include", "-isystem", "\(libtorch)/include/torch/csrc/api/include",
          "-fvisibility=hidden", "-fno-cxx-modules", "-Wall", "-Wextra", "-Werror",
        ])
      ],
      linkerSettings: [.unsafeFlags(["-L\(libtorch)/lib", "-ltorch_cpu", "-lc10"])]),
    // CUDA's symbols stay open until the library is loaded, after LibTorch's CUDA libraries. Where CUDA's headers are not
    // beside LibTorch it has no functions, and says so.
    .target(
      name: "CTorchCUDA", dependencies: ["CTorchTable"], exclude: ["stand-in"],
      cxxSettings: [
        .headerSearchPath("../CTorch"), .headerSearchPath("../CTorch/include"),
        .unsafeFlags([
          "-isystem", "\(libtorch)/include", "-isystem", "\(libtorch)/../nvidia/cu13/include",
          "-idirafter", "\(Context.packageDirectory)/Sources/CTorchCUDA/stand-in",
          "-fvisibility=hidden", "-fno-cxx-modules", "-Wall", "-Wextra", "-Werror",
        ]),
      ],
      linkerSettings: [.unsafeFlags(["-L\(libtorch)/lib", "-ltorch_cpu", "-lc10"])]),

    // Python, for plugins written in it. Nothing links it, and it links no Python: it opens the one there is.
    .target(
      name: "PythonBridge", dependencies: ["CLethe"], publicHeadersPath: ".",
      cSettings: [.unsafeFlags(["-fvisibility=hidden", "-Wall", "-Wextra", "-Werror"])],
      linkerSettings: [.unsafeFlags(["-Xlinker", "-z", "-Xlinker", "nodelete"] + complete)]),

    system("CFFI", pkgConfig: "libffi", apt: "libffi-dev"),
    system("CArchive", pkgConfig: "libarchive", apt: "libarchive-dev"),
    system("CImage", pkgConfig: nil, apt: "libturbojpeg0-dev libpng-dev"),
    system("CSVM", pkgConfig: nil, apt: "libsvm-dev"),
    system("CNettle", pkgConfig: "nettle", apt: "nettle-dev"),

    module("Runs", [.product(name: "Yams", package: "Yams")]),
    module("Tensors", ["CTorchTable"]),
    module("Learning", ["Tensors", "CArchive", "CImage", "CSVM", "CNettle"]),
    module("PluginHost", ["Learning", "Tensors", "CLethe", "CFFI"]),
    module("Contract", ["PluginHost", "Learning", "Tensors"]),
    module("Engine", ["PluginHost", "Learning", "Tensors", "Runs"]),
    .executableTarget(
      name: "lethe",
      dependencies: ["Contract", "Engine", "Runs", .product(name: "ArgumentParser", package: "swift-argument-parser")],
      swiftSettings: house + [.strictMemorySafety()]),

    tests("Runs", ["Runs"], exclude: ["Fixtures", "Golden"]),
    tests("Tensors", ["Tensors"], exclude: ["Golden"]),
    tests("Learning", ["Learning", "Tensors"], exclude: ["Fixtures", "Golden"]),
    tests("PluginHost", ["PluginHost", "Learning", "Tensors", "CLethe"], exclude: ["Fixtures", "Golden"]),
    tests("Engine", ["Engine", "PluginHost", "Learning", "Tensors", "Runs"], exclude: ["Fixtures"]),
    tests("Method", ["Engine", "PluginHost", "Learning", "Tensors", "Runs"], exclude: ["Fixtures"]),
    tests("Command", [], exclude: ["Fixtures"]),
  ] + plugins.flatMap(\.targets) + fuzz,
  swiftLanguageModes: [.v6],
  cLanguageStandard: .c11,
  cxxLanguageStandard: .cxx20
)
