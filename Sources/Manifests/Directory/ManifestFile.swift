import ModelCore

/// One manifest, read and decoded.
struct ManifestFile {
    /// The largest manifest, in bytes; one with as many models as fit into the node limit is a tenth of it.
    static let largest = 1 << 20

    let candidate: ManifestCandidate
    /// The folder that its relative paths begin at.
    let folder: String
    let findings: Findings
    private(set) var models: [DecodedModel] = []
    private var hasManifestKey = true
    /// Whether what was read is the file that was listed.
    private(set) var isAsListed = true
    /// How long it has yet to rest before it is taken for whole; `nil` where it is.
    private(set) var restsIn: Seconds?

    /// Reads the file, and decodes it where it says something else than it did. Whatever goes wrong is among the findings.
    /// - Parameter rest: `nil`: a file that may be half-written is taken for whole.
    init(_ candidate: ManifestCandidate, memory: RootMemory, rest: FileRest?) {
        self.candidate = candidate
        folder = absolutePath("..", in: candidate.path)
        findings = Findings(file: candidate.file)
        do throws(Problem) {
            let contents = try read(rest)
            let bytes = contents.bytes
            if let known = memory.reading(of: candidate.file, with: bytes) {
                recall(known)
                return
            }
            if let lastWrite = contents.lastWrite, let rest {
                restsIn = memory.unrest(of: candidate.file, bytes, lastWrite: lastWrite, now: rest.now())
                guard restsIn == nil else { throw FileRest.problem() }
            }
            decode(bytes)
            memory.remember(
                RootMemory.Reading(
                    bytes: bytes, secrets: findings.text?.secrets, models: models, diagnostics: findings.diagnostics,
                    hasManifestKey: hasManifestKey),
                of: candidate.file)
        } catch {
            findings.report(error)
        }
    }

    private mutating func recall(_ known: RootMemory.Reading) {
        findings.recall(known.diagnostics, of: known.bytes, secrets: known.secrets)
        models = known.models
        hasManifestKey = known.hasManifestKey
    }

    private mutating func decode(_ bytes: [UInt8]) {
        do throws(Problem) {
            let text = try manifestText(bytes, read: findings.setText)
            hasManifestKey = Self.hasManifestKey(text)
            guard let root = try Composer.compose(text, findings: findings), !root.isNothing else {
                throw Problem("the file is empty", hint: "delete it if it shall define no models")
            }
            models = ManifestDecoder(place: place, findings: findings).models(of: root)
        } catch {
            findings.report(error)
        }
    }

    private var place: ManifestPlace { ManifestPlace(folder: folder, defaultDomain: candidate.defaultDomain) }

    private mutating func read(_ rest: FileRest?) throws(Problem) -> FileContents {
        let contents: FileContents?
        do {
            contents = try Manifests.contents(
                of: candidate.path, limit: Self.largest, lease: rest?.lease ?? ReadLease.take
            ) {
                isAsListed = $0 == candidate.stamp
            }
        } catch {
            guard error.code != beingWritten else {
                throw Problem(
                    "the file is being written: a program has it open for that",
                    hint: "it is read as soon as that program has closed it")
            }
            throw Problem("the file cannot be read: \(error.message)")
        }
        guard let contents else { throw Problem("the file is larger than 1 MiB, and a manifest never is") }
        return contents
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
