internal import FoundationEssentials
internal import Glibc

/// The contexts of the `docker` command: names for engines.
///
/// They lie in `$DOCKER_CONFIG` or `~/.docker`, each in `contexts/meta/<SHA-256 of its name>/meta.json`. The name is also in
/// the file; so all are read, and nothing has to be hashed.
struct DockerContexts {
    /// The name that stands for none.
    static let usual = "default"

    private struct Configuration: Decodable {
        var currentContext: String?
    }

    private struct Meta: Decodable {
        struct Endpoint: Decodable {
            var Host: String?
        }

        var Name: String
        var Endpoints: [String: Endpoint]?
    }

    /// A configuration with many credentials in it is still far smaller.
    private static let largestFile = 4 * 1024 * 1024

    private let folder: String

    /// `nil` where there is no place for them.
    init?(environment: [String: String], home: String?) {
        if let configured = environment["DOCKER_CONFIG"], !configured.isEmpty {
            folder = configured
        } else if let home, !home.isEmpty {
            folder = home + "/.docker"
        } else {
            return nil
        }
    }

    /// The context that is to be used; `nil` where none is chosen.
    func chosen(environment: [String: String]) throws(EngineError) -> String? {
        if let name = environment["DOCKER_CONTEXT"], !name.isEmpty { return name }
        let path = folder + "/config.json"
        guard let bytes = try contents(of: path) else { return nil }
        do {
            let name = try JSONDecoder().decode(Configuration.self, from: bytes).currentContext
            return name?.isEmpty == false ? name : nil
        } catch {
            throw .unreachable(
                "Docker's configuration \(path) cannot be read, so it is not known which engine is meant")
        }
    }

    /// The address of the engine that a context names.
    func host(of name: String) throws(EngineError) -> String {
        let metas = folder + "/contexts/meta"
        for entry in (try? FileManager.default.contentsOfDirectory(atPath: metas)) ?? [] {
            guard let bytes = try contents(of: "\(metas)/\(entry)/meta.json"),
                let meta = try? JSONDecoder().decode(Meta.self, from: bytes), meta.Name == name
            else { continue }
            guard let host = meta.Endpoints?["docker"]?.Host, !host.isEmpty else {
                throw .unreachable("Docker's context \(name) names no Docker engine")
            }
            return host
        }
        throw .unreachable(
            "there is no Docker context named \(name) in \(metas): `docker context ls` shows which there are")
    }

    /// `nil` where there is no such file.
    private func contents(of path: String) throws(EngineError) -> Data? {
        do {
            return Data(try SmallFile.read(path, limit: Self.largestFile))
        } catch {
            switch error {
            case .system(ENOENT), .system(ENOTDIR): return nil
            case .system(let code): throw .unreachable("\(path) cannot be read: \(String(cString: strerror(code)))")
            case .tooLarge: throw .unreachable("\(path) is too large for a file of Docker's configuration")
            }
        }
    }
}
