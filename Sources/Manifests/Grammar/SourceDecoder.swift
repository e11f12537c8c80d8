import ModelCore

/// Reads the `source` of a model: what is started for it.
struct SourceDecoder {
    let place: ManifestPlace
    let findings: Findings

    private enum SourceType: String, CaseIterable {
        case localArtifact = "local_artifact"
        case docker, ecr
    }

    func read(_ node: Node, into model: inout DecodedModel) {
        guard var fields = Fields(node, subject: "`source`", findings: findings) else { return }
        // Without the type it is not known what else is right.
        switch fields.require("type", { node throws(Problem) in try node.choice(SourceType.self) }) {
        case .localArtifact: readLocalArtifact(&fields, into: &model)
        case .docker: readDocker(&fields, into: &model)
        case .ecr: readECR(&fields, into: &model)
        case nil: return
        }
        fields.finish()
    }

    private func readLocalArtifact(_ fields: inout Fields, into model: inout DecodedModel) {
        let path = path(&fields, into: &model)
        let command = command(&fields)
        var spec = LocalArtifactSpec(path: path ?? "", startupCommand: command?.text ?? "")
        spec.host = fields.read("host") { node throws(Problem) in try node.host() }
        let port = fields.entry("port")
        spec.port = fields.read("port") { node throws(Problem) in try node.port() }
        spec.startupDelay = startupDelay(&fields)
        let environment = EnvironmentDecoder(place: place, findings: findings).read(&fields, into: &model)
        spec.environment = environment?.values
        spec.inheritEnvironment = fields.read("inherit_environment") { node throws(Problem) in
            try node.inheritedEnvironment()
        }
        spec.user = fields.read("user") { node throws(Problem) in try node.user() }
        if let number = spec.port, let port {
            model.port = FixedPort(
                claim: PortClaim(number: number, host: spec.effectiveHost), position: port.value.start)
        }
        if let command {
            check(command, in: fields.entry("startup_command"), declared: environment?.names ?? [])
            if port == nil, !command.referencedNames.contains(LaunchVariable.port.rawValue),
                environment?.usesPort != true
            {
                findings.warn(
                    "`source` has no `port`, and nothing uses ${PORT}: how does the server learn where to listen?",
                    hint: "write ${PORT} in `startup_command`, or fix a `port`", at: fields.position)
            }
        }
        model.spec.source = .localArtifact(spec)
    }

    private func path(_ fields: inout Fields, into model: inout DecodedModel) -> String? {
        let entry = fields.entry("path")
        let path = fields.require("path") { node throws(Problem) in
            try node.path(relativeTo: place.folder)
        }
        if let path, let entry {
            model.diskClaims.append(DiskClaim(kind: .artifacts, path: path, position: entry.value.start))
        }
        return path
    }

    private func command(_ fields: inout Fields) -> StartupCommand? {
        let text = findings.text
        return fields.require("startup_command") { node throws(Problem) in
            try node.startupCommand(in: text)
        }
    }

    /// Every name in the command must be one that the launch or `environment` provides.
    private func check(_ command: StartupCommand, in entry: Node.Entry?, declared: Set<String>) {
        guard let entry else { return }
        let known = declared.union(LaunchVariable.allCases.map(\.rawValue))
        for reference in command.references where !known.contains(reference.name) {
            let fault = ReferenceFault.undeclared(reference.name)
            let guess = nearest(to: reference.name, among: known.sorted()).map { "did you mean ${\($0)}?" }
            findings.report(
                Problem("`startup_command`: \(fault.message)", hint: guess ?? fault.hint),
                at: findings.text?.position(ofOffset: reference.offset, in: entry.value) ?? entry.value.start)
        }
    }

    private func readDocker(_ fields: inout Fields, into model: inout DecodedModel) {
        let image = fields.require("image") { node throws(Problem) in try node.imageReference() }
        let auth = RegistryAuthDecoder(place: place, findings: findings).read(&fields, into: &model)
        let container = ContainerDecoder(place: place, findings: findings).read(&fields, into: &model)
        var spec = DockerSpec(image: image ?? "", container: container)
        spec.registryAuth = auth
        model.spec.source = .docker(spec)
    }

    private func readECR(_ fields: inout Fields, into model: inout DecodedModel) {
        let repository = fields.require("repository") { node throws(Problem) in try node.repository() }
        let tag = fields.read("tag") { node throws(Problem) in try node.imageTag() }
        let digest = fields.read("digest") { node throws(Problem) in try node.imageDigest() }
        if fields.entry("tag") != nil, let other = fields.entry("digest") {
            findings.report(
                Problem("`tag` and `digest` are both given", hint: "keep the one that shall decide"),
                at: other.keyPosition)
        }
        let region = fields.read("region") { node throws(Problem) in try node.region() }
        let registry = fields.read("registry") { node throws(Problem) in try node.registryHost() }
        let container = ContainerDecoder(place: place, findings: findings).read(&fields, into: &model)
        var spec = ECRSpec(repository: repository ?? "", container: container)
        spec.tag = tag
        spec.digest = digest
        spec.region = region
        spec.registry = registry
        model.spec.source = .ecr(spec)
    }

    private func startupDelay(_ fields: inout Fields) -> Seconds? {
        fields.read("startup_delay") { node throws(Problem) in try node.duration(isZeroAllowed: true) }
    }
}

extension Node {
    /// A path, made absolute against `folder` and without `.` and `..`.
    func path(relativeTo folder: String) throws(Problem) -> String {
        let text = try nonEmptyString()
        guard text != "~", !text.hasPrefix("~/") else {
            throw Problem("`~` is not expanded", hint: "write the path from the folder of the manifest, or from /")
        }
        return absolutePath(text, in: folder)
    }

    fileprivate func startupCommand(in text: SourceText?) throws(Problem) -> StartupCommand {
        let command = try string()
        do {
            return try StartupCommand(command)
        } catch {
            throw Problem(
                error.message, hint: error.hint, at: text?.position(ofOffset: error.offset, in: self) ?? start)
        }
    }

    /// A user by name or number, perhaps with a group after a colon.
    func user() throws(Problem) -> String {
        let text = try stringOrNumber()
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        let isName = { (part: Substring) in
            !part.isEmpty && part.first != "-" && part.utf8.count <= 255
                && part.unicodeScalars.allSatisfy { isASCIIAlphanumeric($0) || "._-$@".unicodeScalars.contains($0) }
        }
        guard parts.count <= 2, parts.allSatisfy(isName) else {
            throw Problem("\(quoted(text)) is not a user", hint: "a name or a number, perhaps with `:` and a group")
        }
        return text
    }
}
