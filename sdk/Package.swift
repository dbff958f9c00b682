// swift-tools-version: 6.2
// SPDX-License-Identifier: Apache-2.0
// The kit as a package of its own, for plugins that live elsewhere: .package(path: "…/sdk").
import PackageDescription

let package = Package(
  name: "sdk",
  products: [
    .library(name: "LetheSDK", targets: ["LetheSDK"]),
    .library(name: "CLethe", targets: ["CLethe"]),
  ],
  targets: [
    .target(name: "CLethe", path: ".", sources: ["src"], publicHeadersPath: "include"),
    .target(
      name: "LetheSDK", dependencies: ["CLethe"], path: "swift/Sources/LetheSDK",
      swiftSettings: [
        .enableUpcomingFeature("ExistentialAny"),
        .enableUpcomingFeature("InternalImportsByDefault"),
        .enableUpcomingFeature("MemberImportVisibility"),
      ]),
  ],
  swiftLanguageModes: [.v6],
  cLanguageStandard: .c11
)
