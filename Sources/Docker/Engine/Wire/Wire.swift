internal import ModelCore

/// What the engine's answers look like, as far as it matters here; names are the API's. Engines leave out or write `null`
/// where they have nothing to say, so nothing is required that we can do without.
enum Wire {
    struct Version: Decodable {
        struct Component: Decodable {
            var Name: String?
        }

        var Version: String?
        var ApiVersion: String?
        var MinAPIVersion: String?
        var Os: String?
        var Arch: String?
        var KernelVersion: String?
        var Components: [Component]?
    }

    struct Info: Decodable {
        struct Runtime: Decodable {}

        var ID: String?
        var Name: String?
        var OperatingSystem: String?
        var KernelVersion: String?
        var Architecture: String?
        var DockerRootDir: String?
        var Driver: String?
        var CgroupVersion: String?
        var SecurityOptions: [String]?
        var Runtimes: [String: Runtime]?
        var LiveRestoreEnabled: Bool?
        var MemTotal: Int64?
        var NCPU: Int?
    }

    struct Created: Decodable {
        var Id: String
    }

    struct Distribution: Decodable {
        struct Subject: Decodable {
            var digest: String?
        }

        var Descriptor: Subject?
    }

    /// A key alone matters.
    struct Present: Decodable {}
}

extension EngineVersion {
    init(_ wire: Wire.Version) {
        version = wire.Version ?? ""
        apiVersion = wire.ApiVersion ?? ""
        oldestAPIVersion = wire.MinAPIVersion ?? ""
        operatingSystem = wire.Os ?? ""
        architecture = wire.Arch ?? ""
        kernel = wire.KernelVersion ?? ""
        isPodman = (wire.Components ?? []).contains { $0.Name == "Podman Engine" }
    }
}

extension EngineInfo {
    init(_ wire: Wire.Info, isPodman: Bool) {
        id = wire.ID ?? ""
        self.isPodman = isPodman
        hostName = wire.Name ?? ""
        operatingSystem = wire.OperatingSystem ?? ""
        kernel = wire.KernelVersion ?? ""
        architecture = wire.Architecture ?? ""
        rootDirectory = wire.DockerRootDir ?? ""
        storageDriver = wire.Driver ?? ""
        cgroupVersion = wire.CgroupVersion ?? ""
        securityOptions = (wire.SecurityOptions ?? []).map(Self.nameOfOption)
        runtimes = (wire.Runtimes ?? [:]).keys.sorted()
        hasLiveRestore = wire.LiveRestoreEnabled ?? false
        memory = wire.MemTotal ?? 0
        processors = wire.NCPU ?? 0
    }

    /// `name=seccomp,profile=default` is `seccomp`.
    private static func nameOfOption(_ option: String) -> String {
        let name = option.split(separator: ",").first { $0.hasPrefix("name=") }
        return name.map { String($0.dropFirst("name=".count)) } ?? option
    }
}
