/// A line of what the engine tells while it pulls.
package struct PullMessage: Hashable, Sendable {
    /// The layer that it is about; `nil` for the image as a whole. The first line's is the tag.
    package var layer: String?
    /// `Pulling fs layer`, `Downloading`, `Download complete`, `Extracting`, `Pull complete`, `Already exists`, …
    package var status: String
    /// Bytes so far, of what the status says; 0 where it does not tell.
    package var current: Int64
    /// Of how many; 0 where it does not tell.
    package var total: Int64

    package init(layer: String? = nil, status: String, current: Int64 = 0, total: Int64 = 0) {
        self.layer = layer
        self.status = status
        self.current = current
        self.total = total
    }

    /// The digest that a status of the form `Digest: sha256:…` tells.
    package var digest: String? {
        let prefix = "Digest: "
        return status.hasPrefix(prefix) ? String(status.dropFirst(prefix.count)) : nil
    }
}
