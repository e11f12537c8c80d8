internal import CLinux
internal import Glibc
internal import Synchronization

/// Tells when processes end, by one thread that waits for all their pidfds at once. Nothing is polled.
final class ExitWatcher: Sendable {
    enum Outcome: Sendable {
        case ended
        case timedOut
        case cancelled
        /// No more descriptors: a resource of this program has run out.
        case failed(errno: Int32)
    }

    private struct Waiter {
        /// A copy of the pidfd: who waits owns it, however long the original lives.
        var descriptor: Int32
        var continuation: CheckedContinuation<Outcome, Never>
    }

    private struct Waiters {
        var byToken: [UInt64: Waiter] = [:]
        /// Waits that were cancelled before they had begun.
        var cancelled: Set<UInt64> = []
        var nextToken: UInt64 = 1
    }

    private let epoll: Int32
    private let waiters = Mutex(Waiters())

    private init(epoll: Int32) {
        self.epoll = epoll
    }

    /// One for the whole program: it costs a thread, which lives as long as the program.
    static let shared: ExitWatcher? = {
        let epoll = epoll_create1(Int32(EPOLL_CLOEXEC))
        guard epoll >= 0 else { return nil }
        let watcher = ExitWatcher(epoll: epoll)
        var thread = pthread_t()
        let context = Unmanaged.passRetained(watcher)
        let failure = pthread_create(&thread, nil, { watch($0) }, context.toOpaque())
        guard failure == 0 else {
            context.release()
            close(epoll)
            return nil
        }
        pthread_detach(thread)
        return watcher
    }()

    /// Waits until the process that `pidfd` stands for has ended. The caller keeps `pidfd`.
    func end(of pidfd: Int32) async -> Outcome {
        let token = waiters.withLock { waiters in
            waiters.nextToken += 1
            return waiters.nextToken
        }
        let outcome = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in begin(token, pidfd, continuation) }
        } onCancel: {
            cancel(token)
        }
        // A cancellation that came with the end left its mark, which nobody else takes away.
        waiters.withLock { _ = $0.cancelled.remove(token) }
        return outcome
    }

    /// As ``end(of:)``, for at most `limit`.
    func end(of pidfd: Int32, within limit: Duration) async -> Outcome {
        await withTaskGroup(of: Outcome.self) { group in
            group.addTask { await self.end(of: pidfd) }
            group.addTask {
                do {
                    try await Task.sleep(for: limit)
                    return .timedOut
                } catch {
                    return .cancelled
                }
            }
            let first = await group.next() ?? .cancelled
            group.cancelAll()
            return first
        }
    }

    private func begin(_ token: UInt64, _ pidfd: Int32, _ continuation: CheckedContinuation<Outcome, Never>) {
        // epoll knows a descriptor once only; several may wait for the same process.
        let copy = fcntl(pidfd, F_DUPFD_CLOEXEC, 0)
        if copy < 0 { return continuation.resume(returning: .failed(errno: errno)) }
        let isCancelled = waiters.withLock { waiters in
            if waiters.cancelled.remove(token) != nil { return true }
            waiters.byToken[token] = Waiter(descriptor: copy, continuation: continuation)
            return false
        }
        if isCancelled {
            close(copy)
            return continuation.resume(returning: .cancelled)
        }
        var event = epoll_event()
        event.events = EPOLLIN.rawValue | EPOLLONESHOT.rawValue
        event.data.u64 = token
        if epoll_ctl(epoll, EPOLL_CTL_ADD, copy, &event) != 0 { finish(token, .failed(errno: errno)) }
    }

    private func cancel(_ token: UInt64) {
        let isWaiting = waiters.withLock { waiters in
            if waiters.byToken[token] != nil { return true }
            waiters.cancelled.insert(token)
            return false
        }
        if isWaiting { finish(token, .cancelled) }
    }

    /// Whoever takes the waiter out resumes it, and nobody else.
    private func finish(_ token: UInt64, _ outcome: Outcome) {
        guard let waiter = waiters.withLock({ $0.byToken.removeValue(forKey: token) }) else { return }
        // Closing the only copy takes it out of epoll, too; but the process may have another of the same description.
        epoll_ctl(epoll, EPOLL_CTL_DEL, waiter.descriptor, nil)
        close(waiter.descriptor)
        waiter.continuation.resume(returning: outcome)
    }

    /// How many ends are taken at a time.
    private static let eventsAtOnce = 64

    fileprivate func watchForever() {
        var events = [epoll_event](repeating: epoll_event(), count: Self.eventsAtOnce)
        while true {
            let count = epoll_wait(epoll, &events, Int32(events.count), -1)
            for event in events.prefix(Int(max(count, 0))) { finish(event.data.u64, .ended) }
        }
    }
}

private func watch(_ context: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    guard let context else { return nil }
    Unmanaged<ExitWatcher>.fromOpaque(context).takeRetainedValue().watchForever()
    return nil
}
