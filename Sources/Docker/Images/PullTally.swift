package import ModelCore

/// Adds up what an engine tells of each layer while it pulls an image.
package struct PullTally: Sendable {
    private struct Layer {
        var fetched: Int64 = 0
        var total: Int64 = 0
        var isFinished = false
    }

    private let image: String
    private var layers: [String: Layer] = [:]
    /// What the tag was found to mean, once the engine has told.
    package private(set) var digest: String?

    /// More than any image has; an engine that names more is not followed further.
    private static let mostLayers = 1024

    /// - Parameter image: as the manifest names it.
    package init(image: String) {
        self.image = image
    }

    package mutating func add(_ message: PullMessage) {
        if let digest = message.digest { self.digest = digest }
        // The first line bears the tag where others have the layer.
        guard let id = message.layer, !message.status.hasPrefix("Pulling from ") else { return }
        guard layers[id] != nil || layers.count < Self.mostLayers else { return }
        var layer = layers[id] ?? Layer()
        switch message.status {
        case "Downloading":
            layer.fetched = message.current
            layer.total = max(message.total, message.current)
        case "Download complete", "Verifying Checksum":
            layer.fetched = layer.total
        case "Extracting":
            layer.total = max(layer.total, message.total)
            layer.fetched = layer.total
        case "Pull complete", "Already exists":
            layer.fetched = layer.total
            layer.isFinished = true
        default:
            // `Pulling fs layer`, `Waiting`, `Retrying in 5 seconds`, and what later engines may say.
            break
        }
        layers[id] = layer
    }

    package var progress: PullProgress {
        PullProgress(
            image: image, finishedLayers: layers.values.count { $0.isFinished }, layers: layers.count,
            fetchedBytes: layers.values.reduce(0) { $0 + $1.fetched },
            totalBytes: layers.values.reduce(0) { $0 + $1.total })
    }
}
