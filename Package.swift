// swift-tools-version: 6.2
import PackageDescription

let strict: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .treatAllWarnings(as: .error),
]

/// A module of ours: every one is compiled under the same rules.
func module(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
    .target(name: name, dependencies: dependencies, swiftSettings: strict)
}

func program(_ name: String, _ dependencies: [Target.Dependency] = [], linker: [LinkerSetting] = []) -> Target {
    .executableTarget(name: name, dependencies: dependencies, swiftSettings: strict, linkerSettings: linker)
}

func tests(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .testTarget(name: name, dependencies: dependencies, swiftSettings: strict)
}

extension Target.Dependency {
    static let argumentParser = product(name: "ArgumentParser", package: "swift-argument-parser")
    static let asyncHTTPClient = product(name: "AsyncHTTPClient", package: "async-http-client")
    static let grdb = product(name: "GRDB", package: "GRDB.swift")
    static let hummingbird = product(name: "Hummingbird", package: "hummingbird")
    static let logging = product(name: "Logging", package: "swift-log")
    static let nioCore = product(name: "NIOCore", package: "swift-nio")
    static let nioHTTP1 = product(name: "NIOHTTP1", package: "swift-nio")
    static let nioPosix = product(name: "NIOPosix", package: "swift-nio")
    static let unixSignals = product(name: "UnixSignals", package: "swift-service-lifecycle")
    static let nioSSL = product(name: "NIOSSL", package: "swift-nio-ssl")
    static let subprocess = product(name: "Subprocess", package: "swift-subprocess")
}

let package = Package(
    name: "modelet",
    products: [
        .executable(name: "modelet", targets: ["modelet"]),
        .executable(name: "modelet-shim", targets: ["modelet-shim"]),
        .executable(name: "stub-model-server", targets: ["stub-model-server"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", .upToNextMinor(from: "1.8.2")),
        .package(url: "https://github.com/apple/swift-log", .upToNextMinor(from: "1.16.2")),
        .package(url: "https://github.com/apple/swift-nio", .upToNextMinor(from: "2.101.2")),
        .package(url: "https://github.com/apple/swift-nio-ssl", .upToNextMinor(from: "2.37.6")),
        .package(url: "https://github.com/groue/GRDB.swift", .upToNextMinor(from: "7.10.0")),
        .package(
            url: "https://github.com/hummingbird-project/hummingbird", .upToNextMinor(from: "2.28.1"), traits: []),
        .package(url: "https://github.com/swift-server/async-http-client", .upToNextMinor(from: "1.37.0")),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", .upToNextMinor(from: "2.13.0")),
        .package(url: "https://github.com/swiftlang/swift-subprocess", .upToNextMinor(from: "1.0.2"), traits: []),
    ],
    targets: [
        // Programs
        program("modelet", ["Commands"]),
        // Static: there is one for every instance, and the shared libraries of the runtime would cost each 7 MB more.
        // A test target that depended on it would be linked so, too; `swift build --build-tests` builds it anyway.
        program("modelet-shim", ["CLinux", "ProcFS"], linker: [.unsafeFlags(["-static-executable"])]),
        program("stub-model-server", ["CLinux", "ProcFS"]),
        module(
            "Commands",
            [
                "ControlPlane", "Docker", "Gateway", "Launcher", "Manifests", "Ports", "Probes", "StateStore",
                "Reconciler", "CLinux", "ProcFS", "ModelCore",
                .argumentParser, .logging, .unixSignals,
            ]),

        // Edges: each owns one outside library or system interface; none imports another
        module("Manifests", ["CLinux", "CYAML", "Reconciler", "ModelCore"]),
        module("StateStore", ["Reconciler", "ModelCore", .grdb]),
        module("Launcher", ["CLinux", "Ports", "ProcFS", "Reconciler", "ModelCore"]),
        module(
            "Docker",
            [
                "CLinux", "Ports", "ProcFS", "Reconciler", "ModelCore", .asyncHTTPClient, .logging, .nioCore, .nioHTTP1,
                .subprocess,
            ]),
        module("Probes", ["ProcFS", "Reconciler", "ModelCore", .nioCore, .nioPosix]),
        module("Gateway", ["Reconciler", "ModelCore", .logging, .nioCore, .nioPosix, .nioSSL]),
        module(
            "ControlPlane",
            [
                "Reconciler", "ModelCore", .hummingbird, .asyncHTTPClient, .logging, .nioCore, .nioHTTP1, .nioPosix,
                .nioSSL,
            ]),

        // Middle and ground
        module("Reconciler", ["ModelCore", .logging]),
        module("ModelCore"),
        module("Ports", ["CLinux", "ProcFS", "ModelCore"]),
        module("ProcFS", ["CLinux"]),
        .systemLibrary(name: "CYAML", pkgConfig: "yaml-0.1", providers: [.apt(["libyaml-dev"])]),
        .target(name: "CLinux"),

        // Tests
        module("TestSupport", ["Reconciler", "ModelCore", "CLinux"]),
        .executableTarget(
            name: "launcher-driver", dependencies: ["Launcher", "Reconciler", "ModelCore"],
            path: "Tests/launcher-driver", swiftSettings: strict),
        .executableTarget(
            name: "engine-driver", dependencies: ["TestSupport"], path: "Tests/engine-driver", swiftSettings: strict),
        tests("ModelCoreTests", ["ModelCore"]),
        tests("ManifestsTests", ["Manifests", "ModelCore", "TestSupport"]),
        tests("StateStoreTests", ["StateStore", "Reconciler", "ModelCore", "TestSupport", .grdb]),
        tests(
            "LauncherTests",
            [
                "Launcher", "ProcFS", "Reconciler", "ModelCore", "TestSupport", "launcher-driver",
                "stub-model-server",
            ]),
        tests(
            "DockerTests",
            [
                "Docker", "Reconciler", "ModelCore", "TestSupport", "engine-driver", .logging, .nioCore, .nioHTTP1,
                .nioPosix,
            ]),
        tests("ProbesTests", ["Probes", "ProcFS", "Reconciler", "ModelCore", "TestSupport", "stub-model-server"]),
        tests(
            "GatewayTests",
            ["Gateway", "Reconciler", "ModelCore", "TestSupport", .logging, .nioCore, .nioHTTP1, .nioPosix, .nioSSL]),
        tests("ReconcilerTests", ["Reconciler", "ModelCore", "TestSupport", .logging]),
        tests(
            "ControlPlaneTests",
            [
                "ControlPlane", "Reconciler", "ModelCore", "TestSupport", .hummingbird, .logging, .nioCore, .nioHTTP1,
            ]),
        tests(
            "CommandsTests",
            ["Commands", "Docker", "Reconciler", "StateStore", "ModelCore", "TestSupport", .argumentParser]),
        tests("EndToEndTests", ["ModelCore", "TestSupport", "modelet", "stub-model-server"]),
    ]
)
