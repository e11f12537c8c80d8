import ModelCore
import Synchronization

/// What manifests said when they were last read, for as long as they say the same.
///
/// Every file is read with every pass, whatever its times say: a network file system may not tell of an edit. What is
/// spared is to decode what has not changed by a byte. What the disk says beside the text is never remembered.
final class ManifestMemory: Sendable {
    /// All that the text of a manifest decides.
    struct Reading: Sendable {
        let bytes: [UInt8]
        /// `nil` where the bytes are no text.
        let text: String?
        let secrets: Secrets?
        let models: [DecodedModel]
        /// What was found wrong with the text.
        let diagnostics: [Diagnostic]
        let hasManifestKey: Bool
    }

    private let readings = Mutex<[Place: Reading]>([:])

    /// Of the same text, what lies elsewhere means something else.
    private struct Place: Hashable {
        let path: String
        let file: String
    }

    func reading(of candidate: ManifestCandidate, with bytes: [UInt8]) -> Reading? {
        let known = readings.withLock { $0[Place(path: candidate.path, file: candidate.file)] }
        return known?.bytes == bytes ? known : nil
    }

    func remember(_ reading: Reading, of candidate: ManifestCandidate) {
        readings.withLock { $0[Place(path: candidate.path, file: candidate.file)] = reading }
    }

    /// Forgets what is below `root` and not among `candidates` any more.
    func forgetOthers(than candidates: [ManifestCandidate], below root: String) {
        let places = Set(candidates.map { Place(path: $0.path, file: $0.file) })
        readings.withLock { readings in
            for place in readings.keys where isWithin(place.path, root) && !places.contains(place) {
                readings[place] = nil
            }
        }
    }
}
