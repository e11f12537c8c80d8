import ModelCore
import Reconciler
import StateStore

/// An image that has moved, as programs read it.
struct DriftReport: Encodable {
    var key: ModelKey
    /// What runs.
    var runningImage: String
    /// What the image's name stands for now.
    var currentImage: String
    /// For people: what has moved, and what to do about it.
    var sentence: String

    init(_ key: ModelKey, _ drift: Drift) {
        self.key = key
        runningImage = drift.running
        currentImage = drift.current
        sentence = drift.sentence
    }
}

extension StateSnapshot {
    /// The images of a root that have moved, in the order of the keys.
    /// - Parameter scope: the folder of the root that is asked about; `nil`: all of it.
    func drifts(root: String, scope: String?) -> [DriftReport] {
        models.filter { entry in
            entry.model.root == root && ManifestApplier.isMeant(entry.model.file, by: scope)
        }.compactMap { entry in entry.drift.map { DriftReport(entry.model.key, $0) } }
    }
}
