import Glibc
import TestSupport
import Testing

/// What a model server runs as.
enum ModelKind: String, Sendable, CaseIterable, CustomTestStringConvertible {
    case process
    case container

    var testDescription: String { rawValue }

    /// Both, except on a machine where no engine can be started.
    static var testable: [ModelKind] {
        get async throws { try await Requirement.isMet([.engine]) ? [.process, .container] : [.process] }
    }

    /// The column of `instances` that tells one server from another.
    var identity: String { self == .process ? "pid" : "container_id" }
}

extension TestHost {
    /// Writes a manifest of the domain `test` with one model that runs the stub server, as a process or in a container.
    /// - Parameters:
    ///   - flags: of the stub server, beside its port.
    ///   - fields: further lines of the model, as YAML.
    ///   - sourceFields: further lines of its source.
    ///   - port: the fixed one on this host.
    func writeStub(
        _ source: String = "stub", model: String = "default", flags: String = "", fields: [String] = [],
        sourceFields: [String] = [], port: Int? = nil, baseURL: String? = nil, kind: ModelKind? = nil,
        image: String = TestEngine.stub
    ) throws {
        var lines = ["ml:", "  sources:", "    \(source):"]
        if let baseURL { lines.append("      base_url: \(baseURL)") }
        lines += ["      models:", "        \(model):", "          endpoint: /predict"]
        lines += fields.map { "          " + $0 }
        lines.append("          source:")
        switch kind ?? self.kind {
        case .process: lines += try processLines(flags, port: port)
        case .container: lines += containerLines(flags, port: port, image: image)
        }
        lines += sourceFields.map { "            " + $0 }
        try write("domain: test\n" + lines.joined(separator: "\n") + "\n", to: "\(source).yaml")
    }

    private func processLines(_ flags: String, port: Int?) throws -> [String] {
        mkdir(manifests + "/artifact", 0o700)
        return [
            "            type: local_artifact", "            path: ./artifact",
            "            startup_command: \"\(Self.stub) --port ${PORT} \(flags)\"",
        ] + (port.map { ["            port: \($0)"] } ?? [])
    }

    private func containerLines(_ flags: String, port: Int?, image: String) -> [String] {
        var lines = [
            "            type: docker", "            image: \(image)", "            container_port: 8000",
            "            volumes: {./shared: /shared}",
        ]
        if !flags.isEmpty { lines.append("            command: \"\(flags)\"") }
        if let port { lines.append("            host_port: \(port)") }
        return lines
    }

    /// A file that both the test and the model servers can reach, by the names that each knows it by.
    func sharedFile(_ name: String) -> (here: String, there: String) {
        let here = manifests + "/shared/" + name
        return (here, kind == .process ? here : "/shared/" + name)
    }

    /// The running model servers of this host, each by its identity.
    func runningServers(_ kind: ModelKind? = nil) async throws -> [String] {
        switch kind ?? self.kind {
        case .process: serverPIDs().map(String.init)
        case .container: try await engine?.containers(of: self, all: false) ?? []
        }
    }

    /// Ends a model server as somebody else would, without a word to modelet.
    func killServer(_ identity: String) async throws {
        switch kind {
        case .process: kill(Int32(identity) ?? 0, SIGKILL)
        case .container: try await engine?.docker("kill", identity)
        }
    }

    /// Expects that nothing of this host runs, and that no container of it exists any more.
    /// - Parameter daemon: what may run on.
    func expectNothingLeft(but daemon: Daemon? = nil, _ location: SourceLocation = #_sourceLocation) async throws {
        #expect(processes().filter { $0 != daemon?.process.pid } == [], sourceLocation: location)
        #expect(try await engine?.containers(of: self) ?? [] == [], sourceLocation: location)
    }
}
