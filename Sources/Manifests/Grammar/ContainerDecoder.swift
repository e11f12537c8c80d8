import ModelCore

/// Reads what every container has, wherever its image comes from.
struct ContainerDecoder {
    let place: ManifestPlace
    let findings: Findings

    /// The least that Docker accepts as a memory limit.
    private static let smallestMemory: Int64 = 6 << 20
    /// The most processes and threads that the kernel can have.
    private static let mostPIDs = 4_194_304
    /// A container has its own files, so that no path on the host would mean anything in it.
    private static let provided: [LaunchVariable] = [.port, .host, .modelKey]

    func read(_ fields: inout Fields, into model: inout DecodedModel) -> ContainerSpec {
        let containerPort = fields.require("container_port") { node throws(Problem) in try node.port() }
        var spec = ContainerSpec(containerPort: containerPort ?? 0)
        let hostPort = fields.entry("host_port")
        spec.hostPort = fields.read("host_port") { node throws(Problem) in try node.port() }
        if let number = spec.hostPort, let hostPort {
            model.port = FixedPort(
                claim: PortClaim(number: number, host: nil), position: hostPort.value.start)
        }
        spec.pull = fields.read("pull") { node throws(Problem) in try node.pullPolicy() }
        spec.environment =
            EnvironmentDecoder(place: place, findings: findings, provided: Self.provided)
            .read(&fields, into: &model)?.values
        spec.dockerSocket = fields.read("docker_socket") { node throws(Problem) in try node.boolean() }
        spec.volumes = VolumeDecoder(place: place, findings: findings, opensSocket: spec.dockerSocket ?? false)
            .read(&fields, into: &model)
        let text = findings.text
        spec.command = fields.read("command") { node throws(Problem) in try node.containerCommand(in: text) }
        spec.startupDelay = fields.read("startup_delay") { node throws(Problem) in
            try node.duration(isZeroAllowed: true)
        }
        readLimits(&fields, into: &spec)
        readPrivileges(&fields, into: &spec)
        return spec
    }

    private func readLimits(_ fields: inout Fields, into spec: inout ContainerSpec) {
        spec.user = fields.read("user") { node throws(Problem) in try node.user() }
        spec.gpus = fields.read("gpus") { node throws(Problem) in try node.gpus() }
        spec.memory = fields.read("memory") { node throws(Problem) in try node.size(atLeast: Self.smallestMemory) }
        spec.cpus = fields.read("cpus") { node throws(Problem) in try node.processors() }
        spec.shmSize = fields.read("shm_size") { node throws(Problem) in try node.size() }
        spec.readOnly = fields.read("read_only") { node throws(Problem) in try node.boolean() }
        spec.initProcess = fields.read("init") { node throws(Problem) in try node.boolean() }
    }

    /// What opens that which is closed otherwise.
    private func readPrivileges(_ fields: inout Fields, into spec: inout ContainerSpec) {
        spec.privileged = fields.read("privileged") { node throws(Problem) in try node.boolean() }
        spec.newPrivileges = fields.read("new_privileges") { node throws(Problem) in try node.boolean() }
        spec.pidsLimit = fields.read("pids_limit") { node throws(Problem) in
            node.isWord("unlimited") ? .unlimited : .count(try node.countOrUnlimited(1...Self.mostPIDs))
        }
        spec.addedCapabilities = fields.entry("capabilities").flatMap { entry in
            guard var inner = Fields(entry.value, subject: "`capabilities`", findings: findings) else { return nil }
            let added = inner.require("add") { node throws(Problem) in try node.capabilities() }
            inner.finish()
            return added
        }
    }
}

extension Node {
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
        guard GPURequest(text) != nil else { throw expected("all, a number of GPUs, or device=0,1") }
        return text
    }

    /// As `man 7 capabilities` names them, with `CAP_` or without, here without.
    fileprivate func capabilities() throws(Problem) -> [String] {
        var names: [String] = []
        for item in try items() {
            let text = try item.nonEmptyString()
            guard let name = CapabilityName.normalized(text) else {
                let guess = nearest(to: text, among: CapabilityName.all).map { "did you mean `\($0)`?" }
                throw Problem(
                    "\(quoted(text)) is no capability",
                    hint: guess ?? "they are named as in `man 7 capabilities`, for example SYS_NICE", at: item.start)
            }
            guard !names.contains(name) else { throw Problem("\(quoted(text)) is given twice", at: item.start) }
            names.append(name)
        }
        return names
    }
}
