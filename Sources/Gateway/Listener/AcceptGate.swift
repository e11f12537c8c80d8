import NIOCore
import Synchronization

/// Accepts no more connections than there may be: further ones wait in the kernel's queue, and those that have idled
/// longest make room. A turn of accepting may overshoot by the few that are accepted together.
final class AcceptGate: ChannelDuplexHandler {
    typealias InboundIn = any Channel
    typealias InboundOut = any Channel
    typealias OutboundIn = Never

    private let places: Places
    private let makeRoom: (Int) -> Void
    private var context: ChannelHandlerContext?
    private var isHeld = false
    /// Whether room is asked for again in a while.
    private var isAsking = false

    /// - Parameter makeRoom: is asked to close so many idle connections.
    init(most: Int, makeRoom: @escaping (Int) -> Void) {
        places = Places(most: most)
        self.makeRoom = makeRoom
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
        let eventLoop = context.eventLoop
        places.onRoom = { eventLoop.execute { bound.value.goOn() } }
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        places.close()
        self.context = nil
    }

    func channelInactive(context: ChannelHandlerContext) {
        places.close()
        isHeld = false
        context.fireChannelInactive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        places.take()
        let places = places
        unwrapInboundIn(data).closeFuture.whenComplete { _ in places.giveBack() }
        context.fireChannelRead(data)
    }

    func read(context: ChannelHandlerContext) {
        guard places.mayAccept() else { return hold() }
        isHeld = false
        context.read()
    }

    private func hold() {
        guard !isHeld else { return }
        isHeld = true
        makeRoom(places.excess)
        askAgain()
    }

    /// A place has become free.
    private func goOn() {
        guard isHeld, let context else { return }
        isHeld = false
        read(context: context)
    }

    /// Whoever idles may have begun to only later, so this is asked again as long as it is needed.
    private func askAgain() {
        guard !isAsking, let context else { return }
        isAsking = true
        context.eventLoop.assumeIsolated().scheduleTask(in: Limits.roomInterval) { [weak self] in
            guard let self else { return }
            isAsking = false
            guard isHeld else { return }
            makeRoom(places.excess)
            askAgain()
        }
    }
}

/// Counts the connections that are open; touched from every event loop.
private final class Places: Sendable {
    private let most: Int
    private let open = Atomic<Int>(0)
    private let isAwaited = Atomic<Bool>(false)
    private let room = Mutex<(@Sendable () -> Void)?>(nil)

    init(most: Int) { self.most = max(1, most) }

    /// Called when a place has become free that somebody waits for.
    var onRoom: (@Sendable () -> Void)? {
        get { room.withLock(\.self) }
        set { room.withLock { $0 = newValue } }
    }

    /// How many connections have to end before another may begin.
    var excess: Int { max(1, open.load(ordering: .sequentiallyConsistent) - most + 1) }

    func take() { open.add(1, ordering: .sequentiallyConsistent) }

    /// Whether there is room. Where there is none, ``onRoom`` is called once there is.
    func mayAccept() -> Bool {
        guard isFull else { return true }
        isAwaited.store(true, ordering: .sequentiallyConsistent)
        // One may have ended in between, and not have seen that it is awaited.
        guard !isFull, isAwaited.exchange(false, ordering: .sequentiallyConsistent) else { return false }
        return true
    }

    func giveBack() {
        open.subtract(1, ordering: .sequentiallyConsistent)
        guard !isFull, isAwaited.exchange(false, ordering: .sequentiallyConsistent) else { return }
        onRoom?()
    }

    /// Nobody listens any more: an event loop that has ended must not be called.
    func close() {
        onRoom = nil
    }

    private var isFull: Bool { open.load(ordering: .sequentiallyConsistent) >= most }
}
