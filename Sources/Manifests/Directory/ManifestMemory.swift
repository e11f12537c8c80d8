import ModelCore
import Synchronization

/// What manifests said when they were last read, for as long as they say the same.
///
/// Every file is read with every pass, whatever its times say: a network file system may not tell of an edit. What is
/// spared is to decode what has not changed by a byte. What the disk says beside the text is never remembered.
final class ManifestMemory: Sendable {
    private struct Roots {
        var known: [String: RootMemory] = [:]
        /// `nil` before any is followed: whoever reads once and ends need not forget.
        var followed: Set<String>?
    }

    private let roots = Mutex(Roots())

    /// What is remembered of `root`, by itself: a root that lies in another one has the same files under other names. Of a
    /// root that is not followed nothing is kept.
    func of(_ root: String) -> RootMemory {
        roots.withLock { roots in
            if let known = roots.known[root] { return known }
            let new = RootMemory()
            if roots.followed?.contains(root) ?? true { roots.known[root] = new }
            return new
        }
    }

    /// Forgets all other roots.
    func follow(_ followed: [String]) {
        roots.withLock { roots in
            let followed = Set(followed)
            roots.followed = followed
            roots.known = roots.known.filter { followed.contains($0.key) }
        }
    }
}

/// What is remembered of the files of one root, by their names in it.
final class RootMemory: Sendable {
    /// All that the text of a manifest decides.
    struct Reading: Sendable {
        let bytes: [UInt8]
        let secrets: Secrets?
        let models: [DecodedModel]
        /// What was found wrong with the text.
        let diagnostics: [Diagnostic]
        let hasManifestKey: Bool
    }

    private let readings = Mutex<[String: Reading]>([:])
    private let restless = Mutex<[String: RestlessFile]>([:])

    func reading(of file: String, with bytes: [UInt8]) -> Reading? {
        let known = readings.withLock { $0[file] }
        return known?.bytes == bytes ? known : nil
    }

    func remember(_ reading: Reading, of file: String) {
        readings.withLock { $0[file] = reading }
    }

    /// How long a file has yet to rest of which the kernel does not say who writes it; `nil` where it has.
    func unrest(of file: String, _ bytes: [UInt8], lastWrite: Timestamp, now: Timestamp) -> Seconds? {
        restless.withLock { restless in
            restless[file] = RestlessFile(bytes, after: restless[file], lastWrite: lastWrite, now: now)
            return restless[file]?.left(at: now)
        }
    }

    /// Forgets what is not among `candidates` any more.
    func forgetOthers(than candidates: [ManifestCandidate]) {
        let files = Set(candidates.map(\.file))
        readings.withLock { readings in
            readings = readings.filter { files.contains($0.key) }
        }
        restless.withLock { restless in
            restless = restless.filter { files.contains($0.key) }
        }
    }
}
