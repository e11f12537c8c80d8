import NIOCore

/// The right of one request to be in flight at a model with `max_concurrency`.
///
/// It is given back when its last reference goes, and so exactly once, whichever way the request ends.
final class Slot: Sendable {
    private let queue: AdmissionQueue
    private let since = NIODeadline.now()

    /// - Parameter queue: the one that has counted it as taken.
    init(of queue: AdmissionQueue) { self.queue = queue }

    deinit { queue.takeBack(after: .now() - since) }
}
