import NIOCore

/// A deadline that moves with every request, on one scheduled task that hardly ever does.
///
/// Moving it later costs nothing: the task fires at the old time, sees that it is too early, and is scheduled anew.
/// Touched only on its event loop.
final class MovingDeadline {
    private let eventLoop: any EventLoop
    private let onExpiry: () -> Void
    private(set) var deadline: NIODeadline?
    private var scheduled: Scheduled<Void>?
    private var firesAt = NIODeadline.distantFuture

    /// - Parameter onExpiry: called once the deadline has passed, which is then no more.
    init(_ eventLoop: any EventLoop, onExpiry: @escaping () -> Void) {
        self.eventLoop = eventLoop
        self.onExpiry = onExpiry
    }

    func move(to deadline: NIODeadline) {
        self.deadline = deadline
        if scheduled == nil || deadline < firesAt { schedule(deadline) }
    }

    /// Nothing is waited for; the task may still fire, and does nothing then.
    func clear() {
        deadline = nil
    }

    /// Ends the task too, and with it the last reference to what `onExpiry` refers to.
    func cancel() {
        deadline = nil
        scheduled?.cancel()
        scheduled = nil
    }

    private func schedule(_ time: NIODeadline) {
        scheduled?.cancel()
        firesAt = time
        scheduled = eventLoop.assumeIsolated().scheduleTask(deadline: time) { [self] in fire() }
    }

    private func fire() {
        scheduled = nil
        guard let deadline else { return }
        if NIODeadline.now() < deadline {
            schedule(deadline)
        } else {
            self.deadline = nil
            onExpiry()
        }
    }
}
