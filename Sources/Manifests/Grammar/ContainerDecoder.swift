import ModelCore

/// Reads what every container has, wherever its image comes from.
struct ContainerDecoder {
    let place: ManifestPlace
    let findings: Findings

    /// The least that Docker accepts as a memory limit.
    private static let smallestMemory: Int64 = 6 << 20

    func read(_ fields: inout Fields, into model: inout DecodedModel) -> ContainerSpec {
        let containerPort = fields.require("container_port") { node throws(Problem) in try node.port() }
        var spec = ContainerSpec(containerPort: containerPort ?? 0)
        let hostPort = fields.entry("host_port")
        spec.hostPort = fields.read("host_port") { node throws(Problem) in try node.port() }
        if let number = spec.hostPort, let hostPort {
            model.port = FixedPort(number: number, host: nil, position: hostPort.value.start)
        }
        spec.pull = fields.read("pull") { node throws(Problem) in try node.pullPolicy() }
        spec.environment = EnvironmentDecoder(place: place, findings: findings).read(&fields, into: &model)?.values
        spec.volumes = volumes(&fields, into: &model)
        let text = findings.text
        spec.command = fields.read("command") { node throws(Problem) in try node.containerCommand(in: text) }
        spec.startupDelay = fields.read("startup_delay") { node throws(Problem) in
            try node.duration(isZeroAllowed: true)
        }
        readLimits(&fields, into: &spec)
        return spec
    }

    private func readLimits(_ fields: inout Fields, into spec: inout ContainerSpec) {
        spec.user = fields.read("user") { node throws(Problem) in try node.user() }
        spec.gpus = fields.read("gpus") { node throws(Problem) in try node.gpus() }
        spec.memory = fields.read("memory") { node throws(Problem) in try node.size(atLeast: Self.smallestMemory) }
        spec.cpus = fields.read("cpus") { node throws(Problem) in try node.processors() }
        spec.shmSize = fields.read("shm_size") { node throws(Problem) in try node.size() }
        spec.readOnly = fields.read("read_only") { node throws(Problem) in try node.boolean() }
        spec.addedCapabilities = fields.entry("capabilities").flatMap { entry in
            guard var inner = Fields(entry.value, subject: "`capabilities`", findings: findings) else { return nil }
            let added = inner.require("add") { node throws(Problem) in try node.capabilities() }
            inner.finish()
            return added
        }
    }

    private func volumes(_ fields: inout Fields, into model: inout DecodedModel) -> [String: String]? {
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
        for entry in entries {
            do throws(Problem) {
                let host = try hostPath(entry)
                guard volumes[host] == nil else {
                    throw Problem("is mounted twice", at: entry.keyPosition)
                }
                volumes[host] = try entry.value.mountTarget()
                model.diskClaims.append(DiskClaim(kind: .volume, path: host, position: entry.keyPosition))
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
        return absolutePath(path, in: place.folder)
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

    /// `true` pulls what is missing, `false` nothing.
    fileprivate func pullPolicy() throws(Problem) -> PullPolicy {
        guard case .scalar(let scalar) = content else { throw expected("true, false or always") }
        switch scalar.kind {
        case .boolean(let pulls): return pulls ? .missing : .never
        case .text:
            if let policy = PullPolicy(rawValue: scalar.text) { return policy }
            throw expected("true, false or always")
        case .null, .number, .looseBoolean: throw expected("true, false or always")
        }
    }

    /// A list of words, or text that is split into words as `startup_command` is. Nothing is substituted in either.
    fileprivate func containerCommand(in text: SourceText?) throws(Problem) -> [String] {
        if case .sequence(let items) = content {
            guard !items.isEmpty else { throw Problem("must not be empty") }
            var words: [String] = []
            for item in items { words.append(try item.word()) }
            return words
        }
        let written = try string()
        do throws(StartupCommandError) {
            let command = try StartupCommand(written)
            if let reference = command.references.first {
                throw StartupCommandError.reference(.malformed(reference.name), offset: reference.offset)
            }
            return try command.words([:])
        } catch {
            let position = text?.position(ofOffset: error.offset, in: self)
            guard case .reference = error else { throw Problem(error.message, hint: error.hint, at: position) }
            throw Problem(
                "nothing is substituted in the command of a container",
                hint: "its port is `container_port`; write $$ for a literal $", at: position)
        }
    }

    private func word() throws(Problem) -> String {
        do {
            return try stringOrNumber()
        } catch {
            throw Problem(error.message, hint: error.hint, at: error.position ?? start)
        }
    }

    fileprivate func gpus() throws(Problem) -> String {
        let text = try stringOrNumber()
        let isAllowed = { (scalar: Unicode.Scalar) in
            isASCIIAlphanumeric(scalar) || "=,-_.:".unicodeScalars.contains(scalar)
        }
        guard !text.isEmpty, text.first != "-", text.unicodeScalars.allSatisfy(isAllowed) else {
            throw expected("all, a number of GPUs, or device=0,1")
        }
        return text
    }

    fileprivate func capabilities() throws(Problem) -> [String] {
        var names: [String] = []
        for item in try items() {
            names.append(
                try item.name("capabilities are named as in `man 7 capabilities`, for example SYS_NICE") {
                    isASCIIAlphanumeric($0) || $0 == "_"
                })
        }
        return names
    }
}
