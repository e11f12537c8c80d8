import ModelCore

/// Reads `volumes`: host paths, each with the path in the container where it appears.
struct VolumeDecoder {
    let place: ManifestPlace
    let findings: Findings
    /// Whether the manifest asks for the engine's socket (`docker_socket`).
    let opensSocket: Bool

    func read(_ fields: inout Fields, into model: inout DecodedModel) -> [String: String]? {
        guard let entry = fields.entry("volumes") else { return nil }
        guard case .mapping(let entries) = entry.value.content else {
            findings.report(
                Problem(
                    "`volumes`: expected a mapping of host paths to container paths, found \(entry.value.found)",
                    hint: "write `./models: /app/models`, or `./models: /app/models:ro`"),
                at: entry.value.start)
            return nil
        }
        var volumes: [String: String] = [:]
        var targets: Set<String> = []
        for entry in entries {
            do throws(Problem) {
                let host = try hostPath(entry)
                guard volumes[host] == nil else {
                    throw Problem("is mounted twice", at: entry.keyPosition)
                }
                let target = try entry.value.mountTarget()
                guard targets.insert(VolumeTarget(target).path).inserted else {
                    throw Problem("is to be mounted at \(quoted(VolumeTarget(target).path)), as another volume is")
                }
                volumes[host] = target
                model.diskClaims.append(
                    DiskClaim(kind: .volume(opensSocket: opensSocket), path: host, position: entry.keyPosition))
            } catch {
                var problem = error
                problem.message = "`volumes`: \(quoted(entry.key)) \(problem.message)"
                findings.report(problem, at: entry.value.start)
            }
        }
        return volumes
    }

    private func hostPath(_ entry: Node.Entry) throws(Problem) -> String {
        let path = entry.key
        let isPath = [".", ".."].contains(path) || ["/", "./", "../"].contains { path.hasPrefix($0) }
        guard isPath else {
            throw Problem(
                "is not a path", hint: "write \(quoted("./" + path)) for a folder; named volumes are not supported",
                at: entry.keyPosition)
        }
        guard !path.utf8.contains(UInt8(ascii: ":")) else {
            throw Problem("has a `:`, which no path that is mounted may hold", at: entry.keyPosition)
        }
        let absolute = absolutePath(path, in: place.folder)
        if !opensSocket, let access = EngineSockets.standard.access(through: absolute) {
            // The message goes on after the path as it is written.
            let what = access.isDirect ? "is" : "holds \(access.socket),"
            throw Problem(
                "\(what) the socket of a container engine: whoever has it is root on this host",
                hint: engineSocketHint, at: entry.keyPosition)
        }
        return absolute
    }
}

extension Node {
    /// An absolute path in the container, perhaps with `:ro` or `:rw`, of which the latter goes without saying.
    fileprivate func mountTarget() throws(Problem) -> String {
        guard case .scalar(let scalar) = content, scalar.kind == .text else {
            throw Problem("expected a path in the container, found \(found)")
        }
        let parts = scalar.text.split(separator: ":", omittingEmptySubsequences: false)
        guard let path = parts.first, path.hasPrefix("/"), !path.split(separator: "/").contains("..") else {
            throw Problem("is to be mounted at \(quoted(scalar.text)), which is not an absolute path")
        }
        switch parts.dropFirst().map(String.init) {
        case [], ["rw"]: return String(path)
        case ["ro"]: return "\(path):ro"
        default: throw Problem("has an option that is neither `ro` nor `rw`: \(quoted(scalar.text))")
        }
    }
}
