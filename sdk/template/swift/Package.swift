// swift-tools-version: 6.2
// SPDX-License-Identifier: Apache-2.0
import PackageDescription

/// The folder `sdk` of Lethe; set it when you have copied the template elsewhere.
let sdk = Context.environment["LETHE_SDK"] ?? "\(Context.packageDirectory)/../.."

let package = Package(
  name: "tether",
  products: [.library(name: "Tether", type: .dynamic, targets: ["Tether"])],
  dependencies: [.package(name: "sdk", path: sdk)],
  targets: [
    // The note with the manifest, which Swift cannot write by itself.
    .target(
      name: "TetherManifest", dependencies: [.product(name: "CLethe", package: "sdk")],
      exclude: ["manifest.json"], publicHeadersPath: "."),
    .target(
      name: "Tether",
      dependencies: [
        "TetherManifest", .product(name: "CLethe", package: "sdk"), .product(name: "LetheSDK", package: "sdk"),
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
