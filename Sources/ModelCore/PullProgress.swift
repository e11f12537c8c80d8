/// How far the fetching of an image is.
package struct PullProgress: Codable, Hashable, Sendable, CustomStringConvertible {
    /// As the manifest names it.
    package var image: String
    /// Layers that are there and unpacked.
    package var finishedLayers: Int
    /// Layers that are known of so far; 0 until the registry has answered.
    package var layers: Int
    /// Bytes that have come, of the layers whose size is known.
    package var fetchedBytes: Int64
    /// Of these layers, all bytes.
    package var totalBytes: Int64

    package init(
        image: String, finishedLayers: Int = 0, layers: Int = 0, fetchedBytes: Int64 = 0, totalBytes: Int64 = 0
    ) {
        self.image = image
        self.finishedLayers = finishedLayers
        self.layers = layers
        self.fetchedBytes = fetchedBytes
        self.totalBytes = totalBytes
    }

    /// `pulling IMAGE: 3 of 7 layers, 120MiB of 1.2GiB`.
    package var description: String {
        guard layers > 0 else { return "pulling \(image)" }
        let bytes = totalBytes > 0 ? ", \(ByteCount(fetchedBytes)) of \(ByteCount(totalBytes))" : ""
        return "pulling \(image): \(finishedLayers) of \(layers) layers\(bytes)"
    }
}
