// swift-tools-version: 6.2
import PackageDescription

/// The kit, as `lethe sdk path` prints it.
let sdk = Context.environment["LETHE_SDK"] ?? "@SDK@"

let package = Package(
  name: "my-method",
  products: [.library(name: "MyMethod", type: .dynamic, targets: ["MyMethod"])],
  dependencies: [.package(name: "sdk", path: sdk)],
  targets: [
    .target(
      name: "MyMethodManifest", dependencies: [.product(name: "CLethe", package: "sdk")],
      exclude: ["manifest.json"], publicHeadersPath: "."),
    .target(
      name: "MyMethod",
      dependencies: [
        "MyMethodManifest", .product(name: "CLethe", package: "sdk"), .product(name: "LetheSDK", package: "sdk"),
      ],
      linkerSettings: [
        // One exported symbol, never unloaded, no undefined symbols, no path of this machine inside.
        .unsafeFlags([
          "-use-ld=lld", "-no-toolchain-stdlib-rpath", "-Xlinker", "--version-script=\(sdk)/plugin.version",
          "-Xlinker", "-z", "-Xlinker", "nodelete", "-Xlinker", "-z", "-Xlinker", "defs", "-lm",
        ])
      ]),
  ],
  swiftLanguageModes: [.v6]
)
