/// One manifest, read and decoded.
struct ManifestFile {
    /// The largest manifest, in bytes; one with as many models as fit into the node limit is a tenth of it.
    static let largest = 1 << 20

    let candidate: ManifestCandidate
    let findings: Findings
    private(set) var models: [DecodedModel] = []
    private var hasManifestKey = true

    /// Reads the file. Whatever goes wrong is among the findings.
    init(_ candidate: ManifestCandidate) {
        self.candidate = candidate
        findings = Findings(file: candidate.file)
        do throws(Problem) {
            let text = try read()
            hasManifestKey = Self.hasManifestKey(text)
            guard let root = try Composer.compose(text, findings: findings), !root.isNothing else {
                throw Problem("the file is empty", hint: "delete it if it shall define no models")
            }
            models = ManifestDecoder(place: place, findings: findings).models(of: root)
        } catch {
            findings.report(error)
        }
    }

    /// The folder that its relative paths begin at.
    var folder: String { absolutePath("..", in: candidate.path) }

    private var place: ManifestPlace { ManifestPlace(folder: folder, defaultDomain: candidate.defaultDomain) }

    private func read() throws(Problem) -> String {
        let bytes: [UInt8]?
        do {
            bytes = try contents(of: candidate.path, limit: Self.largest)
        } catch {
            throw Problem("the file cannot be read: \(error.message)")
        }
        guard let bytes else { throw Problem("the file is larger than 1 MiB, and a manifest never is") }
        return try manifestText(bytes, read: findings.setText)
    }

    /// Whether this is a YAML file of a model's artifacts rather than a manifest: it has text, of which no line begins
    /// with `ml`, `domain` or `sources`. Only to be asked where the file lies in a folder with artifacts. Nothing else
    /// counts, so that a manifest with a mistake in it is never passed over.
    var isForeign: Bool { !hasManifestKey && findings.isBroken }

    private static func hasManifestKey(_ text: String) -> Bool {
        var hasText = false
        for line in text.split(whereSeparator: \.isNewline) {
            let content = line.drop { " \t{\"'".contains($0) }
            if content.isEmpty || content.hasPrefix("#") || content.hasPrefix("---") { continue }
            hasText = true
            if ["ml", "domain", "sources"].contains(where: { content.hasPrefix($0) }) { return true }
        }
        return !hasText
    }
}

extension Node {
    fileprivate var isNothing: Bool {
        if case .scalar(let scalar) = content { scalar.kind == .null } else { false }
    }
}
