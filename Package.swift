// swift-tools-version: 6.2
import PackageDescription

/// One set of settings for every Swift target: Swift 6, warnings are errors, unsafe code is marked.
let house: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .treatAllWarnings(as: .error),
    .strictMemorySafety(),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
]

func module(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
    .target(name: name, dependencies: dependencies, swiftSettings: house)
}

func tests(
    _ name: String, _ dependencies: [Target.Dependency], resources: [Resource] = []
) -> Target {
    .testTarget(name: name, dependencies: dependencies, resources: resources, swiftSettings: house)
}

let argumentParser = Target.Dependency.product(
    name: "ArgumentParser", package: "swift-argument-parser")
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let system = Target.Dependency.product(name: "SystemPackage", package: "swift-system")
let heap = Target.Dependency.product(name: "HeapModule", package: "swift-collections")
let deque = Target.Dependency.product(name: "DequeModule", package: "swift-collections")
let grdb = Target.Dependency.product(name: "GRDB", package: "GRDB.swift")

let package = Package(
    name: "rgwfs",
    products: [.executable(name: "rgwfs", targets: ["rgwfs"])],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-system", from: "1.8.1"),
        .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
    ],
    targets: [
        // Pure core.
        module("RGWBase"),
        module("RGWObject", ["RGWBase"]),
        module("RGWSpool", ["RGWBase", "RGWObject"]),
        module("RGWVFS", ["RGWBase", "RGWObject", "RGWSpool", heap, deque]),
        module("RGWWire", ["RGWBase", "RGWObject", "RGWCrypto"]),
        module("RGWClient", ["RGWBase", "RGWObject", "RGWWire", "RGWCrypto"]),

        module("RGWControl", ["RGWBase"]),

        // Adapters: the only places where unsafe code is allowed (RGWJournal needs none).
        .systemLibrary(name: "CCrypto", pkgConfig: "libcrypto", providers: [.apt(["libssl-dev"])]),
        module("RGWCrypto", ["RGWBase", "CCrypto"]),
        .systemLibrary(
            name: "CCurl", pkgConfig: "libcurl", providers: [.apt(["libcurl4-openssl-dev"])]),
        .target(name: "CRGWCurl", dependencies: ["CCurl"]),
        module("RGWCurl", ["RGWBase", "RGWObject", "RGWWire", "RGWCrypto", "CRGWCurl"]),
        .target(name: "CRGWHost"),
        module(
            "RGWHost",
            [
                "RGWBase", "RGWObject", "RGWSpool", "RGWCrypto", "CRGWHost", system,
                .product(name: "DequeModule", package: "swift-collections"),
                .product(name: "HeapModule", package: "swift-collections"),
            ]),
        module("RGWJournal", ["RGWBase", "RGWObject", "RGWSpool", grdb, system]),
        module("RGWAttributes", ["RGWBase", "RGWObject", "RGWSpool", grdb]),
        .systemLibrary(name: "CFuse", pkgConfig: "fuse3", providers: [.apt(["libfuse3-dev"])]),
        .target(name: "CRGWFuse", dependencies: ["CFuse"]),
        module("RGWFuse", ["RGWBase", "RGWObject", "RGWSpool", "RGWVFS", "CRGWFuse"]),

        // The program.
        module(
            "RGWMount",
            [
                "RGWBase", "RGWObject", "RGWWire", "RGWClient", "RGWCrypto", "RGWVFS", "RGWControl",
            ]),
        .executableTarget(
            name: "rgwfs",
            dependencies: [
                "RGWBase", "RGWObject", "RGWWire", "RGWClient", "RGWCurl", "RGWHost", "RGWSpool",
                "RGWJournal", "RGWAttributes", "RGWVFS", "RGWFuse", "RGWMount", "RGWControl",
                argumentParser,
                logging,
            ],
            swiftSettings: house),

        // Measured beside a libcurl program in C by scripts/bench-client.
        .executableTarget(
            name: "rgwfs-bench",
            dependencies: [
                "RGWBase", "RGWObject", "RGWWire", "RGWClient", "RGWCurl", "RGWHost", "RGWCrypto",
            ],
            swiftSettings: house),

        // Tests only.
        module(
            "RGWFuzz",
            ["RGWBase", "RGWObject", "RGWWire", "RGWClient", "RGWCurl", "RGWMount"]),
        module("RGWTestKit", ["RGWBase", "RGWObject", "RGWSpool", "RGWVFS", "RGWCrypto"]),
        .executableTarget(
            name: "simulate", dependencies: ["RGWBase", "RGWTestKit", "RGWVFS", "RGWHost"],
            swiftSettings: house),
        tests("RGWBaseTests", ["RGWBase"]),
        tests("RGWObjectTests", ["RGWObject"]),
        tests("RGWWireTests", ["RGWWire", "RGWCrypto"], resources: [.copy("Vectors")]),
        tests("RGWClientTests", ["RGWClient", "RGWWire", "RGWTestKit"]),
        tests("RGWCurlTests", ["RGWCurl", "RGWClient", "RGWWire", "RGWHost"]),
        tests("RGWFuzzTests", ["RGWFuzz"], resources: [.copy("Seeds"), .copy("Found")]),
        tests("RGWHostTests", ["RGWHost", "RGWSpool", "RGWObject", "RGWBase"]),
        tests("RGWJournalTests", ["RGWJournal", "RGWSpool", "RGWBase", "RGWObject", grdb, system]),
        tests(
            "RGWAttributesTests",
            ["RGWAttributes", "RGWSpool", "RGWBase", "RGWObject", grdb]),
        tests("RGWVFSTests", ["RGWVFS", "RGWTestKit", "RGWBase", "RGWObject", "RGWSpool"]),
        tests("RGWControlTests", ["RGWControl", "RGWBase"]),
        tests(
            "RGWMountTests",
            [
                "RGWMount", "RGWClient", "RGWWire", "RGWBase", "RGWObject", "RGWVFS", "RGWControl",
            ]),
        tests("RGWFuseTests", ["RGWFuse", "RGWVFS", "RGWTestKit", "RGWHost"]),
        tests("RGWTestKitTests", ["RGWTestKit", "RGWBase", "RGWObject", "RGWCrypto"]),
        tests(
            "RGWIntegrationTests",
            ["RGWObject", "RGWClient", "RGWCurl", "RGWWire", "RGWHost", "RGWTestKit"]),
    ]
)

// libFuzzer's program has no main of its own: scripts/fuzz builds it.
if Context.environment["RGWFS_FUZZ"] != nil {
    package.targets.append(
        .executableTarget(
            name: "rgwfs-fuzz", dependencies: ["RGWFuzz"], path: "Tests/fuzz", swiftSettings: house)
    )
}
