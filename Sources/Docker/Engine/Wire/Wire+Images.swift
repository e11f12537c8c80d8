extension Wire {
    struct Image: Decodable {
        struct Healthcheck: Decodable {
            var Test: [String]?
        }

        struct Config: Decodable {
            var Labels: [String: String]?
            var Env: [String]?
            var Entrypoint: [String]?
            var Cmd: [String]?
            var WorkingDir: String?
            var User: String?
            var ExposedPorts: [String: Present]?
            var Healthcheck: Healthcheck?
        }

        var Id: String
        var RepoTags: [String]?
        var RepoDigests: [String]?
        var Config: Config?
        /// Where podman has it, in some versions.
        var Healthcheck: Healthcheck?
        var Architecture: String?
        var Os: String?
        var Size: Int64?
    }
}

extension ImageDetails {
    init(_ wire: Wire.Image) {
        // Podman leaves out the algorithm.
        id = wire.Id.contains(":") ? wire.Id : "sha256:\(wire.Id)"
        tags = wire.RepoTags ?? []
        repositoryDigests = wire.RepoDigests ?? []
        labels = wire.Config?.Labels ?? [:]
        environment = wire.Config?.Env ?? []
        entrypoint = wire.Config?.Entrypoint ?? []
        command = wire.Config?.Cmd ?? []
        workingDirectory = wire.Config?.WorkingDir ?? ""
        user = wire.Config?.User ?? ""
        exposedPorts = (wire.Config?.ExposedPorts ?? [:]).keys.sorted()
        let test = (wire.Config?.Healthcheck ?? wire.Healthcheck)?.Test ?? []
        hasHealthcheck = !test.isEmpty && test.first != "NONE"
        architecture = wire.Architecture ?? ""
        operatingSystem = wire.Os ?? ""
        size = wire.Size ?? 0
    }
}
