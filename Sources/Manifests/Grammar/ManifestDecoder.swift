import ModelCore

/// One model as a manifest defines it, with what is checked once its file has been read.
struct DecodedModel {
    var key: ModelKey
    var position: Position
    var spec: ModelSpec
    var port: FixedPort?
    var diskClaims: [DiskClaim] = []
}

/// A port of this host that a manifest fixes.
struct FixedPort {
    var claim: PortClaim
    var position: Position
}

/// Something that must be there on the disk for a model to run.
struct DiskClaim {
    enum Kind {
        /// The folder with the artifacts, which must lie within the artifact roots.
        case artifacts
        /// A host path that is mounted into a container, which must lie within them, too.
        case volume(opensSocket: Bool)
        /// A file that an `environment` value refers to.
        case referencedFile
        /// A file that `registry_auth` refers to.
        case registryAuth
    }

    var kind: Kind
    /// Absolute.
    var path: String
    var position: Position

    /// Whether what lies there belongs to the model alone, and not to the host: artifacts and volumes, no secrets.
    var isOfItsOwn: Bool {
        switch kind {
        case .artifacts, .volume: true
        case .referencedFile, .registryAuth: false
        }
    }
}

/// Where a manifest lies: what its relative paths and its domain are taken from.
struct ManifestPlace {
    /// The folder of the file, absolute.
    var folder: String
    /// The folder's name or the file's stem: the domain where the file does not name one.
    var defaultDomain: String
}

/// Reads a whole manifest: `domain`, `ml`, sources, models.
struct ManifestDecoder {
    private let place: ManifestPlace
    private let findings: Findings

    init(place: ManifestPlace, findings: Findings) {
        self.place = place
        self.findings = findings
    }

    /// The models of the manifest. Where something is wrong with one, it is reported, and the model is returned as
    /// far as it could be read.
    func models(of root: Node) -> [DecodedModel] {
        guard var fields = Fields(root, subject: "manifest", findings: findings) else { return [] }
        let domain = domain(&fields)
        let sources = fields.require("ml") { $0 }
            .flatMap { sourceEntries(of: $0) }
        // As in compose files, `x-…` holds what is only there to be used again by an alias.
        fields.finish { $0.hasPrefix("x-") }
        return (sources ?? []).flatMap { models(of: $0, domain: domain) }
    }

    private func domain(_ fields: inout Fields) -> String {
        if let entry = fields.entry("domain") {
            do {
                let domain = try entry.value.string()
                check(id: domain, of: "domain", at: entry.value.start)
                return domain
            } catch {
                findings.report(Problem("`domain`: \(error.message)", hint: error.hint), at: entry.value.start)
                return place.defaultDomain
            }
        }
        if !ModelKey.isValidID(place.defaultDomain) {
            findings.report(
                Problem(
                    "the name \(quoted(place.defaultDomain)) cannot be a domain: \(Self.idRule)",
                    hint: "rename it, or begin the manifest with `domain:`"))
        }
        return place.defaultDomain
    }

    private func sourceEntries(of ml: Node) -> [Node.Entry]? {
        guard var fields = Fields(ml, subject: "`ml`", findings: findings) else { return nil }
        let entries = fields.require("sources") { node throws(Problem) in try node.entries("sources by their ids") }
        fields.finish()
        return entries
    }

    private func models(of source: Node.Entry, domain: String) -> [DecodedModel] {
        check(id: source.key, of: "source", at: source.keyPosition)
        guard var fields = Fields(source.value, subject: "source \(quoted(source.key))", findings: findings) else {
            return []
        }
        let baseURL = fields.read("base_url") { node throws(Problem) in try node.baseURL() }
        let hasBaseURL = fields.entry("base_url") != nil
        let models = fields.require("models") { node throws(Problem) in try node.entries("models by their ids") }
        fields.finish()
        return (models ?? []).compactMap { model in
            check(id: model.key, of: "model", at: model.keyPosition)
            let key = ModelKey(domain: domain, source: source.key, model: model.key)
            var decoder = ModelDecoder(key: key, place: place, findings: findings)
            return decoder.model(model, baseURL: baseURL, hasBaseURL: hasBaseURL)
        }
    }

    private func check(id: String, of what: String, at position: Position) {
        guard !ModelKey.isValidID(id) else { return }
        findings.report(
            Problem("\(quoted(id)) cannot be the id of a \(what)", hint: Self.idRule), at: position)
    }

    private static let idRule =
        "an id has letters, digits, `.`, `_` and `-`, begins with a letter or digit, and is at most "
        + "\(ModelKey.longestID) characters long"
}

extension Node {
    func entries(_ what: String) throws(Problem) -> [Entry] {
        guard case .mapping(let entries) = content else { throw expected("a mapping of \(what)") }
        return entries
    }
}
