import NIOCore
import Synchronization

/// What a channel has received, for tests to wait on.
final class Inbox: Sendable {
    private struct State {
        var text = ByteBuffer()
        var isAtEnd = false
        var hasFailed = false
        /// Grows with every change.
        var version = 0
        var waiter: CheckedContinuation<Void, Never>?
    }

    private let state = Mutex(State())

    func receive(_ bytes: ByteBuffer) {
        wake { $0.text.writeImmutableBuffer(bytes) }
    }

    func end() {
        wake { $0.isAtEnd = true }
    }

    func fail() {
        wake { $0.hasFailed = true }
    }

    var hasFailed: Bool { state.withLock(\.hasFailed) }

    var text: String { state.withLock { String(buffer: $0.text) } }

    struct Ended: Error {}

    /// Waits until `take` finds what it looks for. Throws where the connection has ended without.
    func next<T>(_ take: @Sendable (inout String, Bool) -> T?) async throws -> T {
        while true {
            let (found, isAtEnd, version) = state.withLock { state -> (T?, Bool, Int) in
                var text = String(buffer: state.text)
                let found = take(&text, state.isAtEnd)
                if found != nil { state.text = ByteBuffer(string: text) }
                return (found, state.isAtEnd, state.version)
            }
            if let found { return found }
            guard !isAtEnd else { throw Ended() }
            await change(after: version)
            try Task.checkCancellation()
        }
    }

    /// Waits until there is something, and throws it away. Returns how many bytes that was.
    func discardSome() async throws -> Int {
        while true {
            let (count, isAtEnd, version) = state.withLock { state in
                defer { state.text.clear() }
                return (state.text.readableBytes, state.isAtEnd, state.version)
            }
            if count > 0 { return count }
            guard !isAtEnd else { throw Ended() }
            await change(after: version)
            try Task.checkCancellation()
        }
    }

    private func change(after version: Int) async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isReady = state.withLock { state in
                    if state.version != version || Task.isCancelled { return true }
                    state.waiter = continuation
                    return false
                }
                if isReady { continuation.resume() }
            }
        } onCancel: {
            wake { _ in }
        }
    }

    private func wake(_ update: (inout State) -> Void) {
        let waiter = state.withLock { state in
            update(&state)
            state.version += 1
            defer { state.waiter = nil }
            return state.waiter
        }
        waiter?.resume()
    }
}

final class InboxHandler: ChannelInboundHandler, Sendable {
    typealias InboundIn = ByteBuffer
    private let inbox: Inbox

    init(_ inbox: Inbox) { self.inbox = inbox }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        inbox.receive(unwrapInboundIn(data))
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case ChannelEvent.inputClosed = event { inbox.end() }
    }

    func channelInactive(context: ChannelHandlerContext) { inbox.end() }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        inbox.fail()
        context.close(promise: nil)
    }
}
