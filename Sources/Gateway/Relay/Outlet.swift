import Glibc
import NIOCore

/// The way out of one connection: straight to its socket for as long as that takes everything, and through the
/// channel, which keeps what the socket does not take.
///
/// A message of the usual size is gone with one system call; nothing is queued, allocated or counted for it. Touched
/// only on the connection's event loop.
final class Outlet {
    private let context: ChannelHandlerContext
    /// `nil` where something lies between the handler and the socket, as TLS does.
    private let socket: NIOBSDSocket.Handle?
    /// Whether the channel keeps bytes, behind which all others have to wait.
    private var isQueueing = false

    /// - Parameter isPlain: whether the handler's bytes are those of the socket.
    init(_ context: ChannelHandlerContext, isPlain: Bool) {
        self.context = context
        socket = isPlain ? try? context.pipeline.syncOperations.withUnsafeTransportIfAvailable { $0 } : nil
    }

    /// Sends the readable bytes, or has them sent as soon as the peer takes them. The connection must be open: its
    /// descriptor may be somebody else's once it is not.
    func send(_ bytes: ByteBuffer) {
        guard bytes.readableBytes > 0 else { return }
        guard let socket, !isStillQueueing() else { return queue(bytes) }
        let taken = bytes.withUnsafeReadableBytes {
            Glibc.send(socket, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT))
        }
        guard taken < bytes.readableBytes else { return }
        // An error is left to the channel as well: it meets the same one, and closes.
        var rest = bytes
        rest.moveReaderIndex(forwardBy: max(0, taken))
        isQueueing = true
        queue(rest)
    }

    /// Bytes that the socket holds until the peer has taken them, where that can be told.
    var bytesInSocket: Int {
        var count: Int32 = 0
        let isKnown = try? context.pipeline.syncOperations.withUnsafeTransportIfAvailable { socket in
            ioctl(socket, UInt(TIOCOUTQ), &count) == 0
        }
        return isKnown == true ? Int(count) : 0
    }

    private func isStillQueueing() -> Bool {
        guard isQueueing else { return false }
        isQueueing = (try? context.channel.syncOptions?.getOption(.bufferedWritableBytes)) != 0
        return isQueueing
    }

    private func queue(_ bytes: ByteBuffer) {
        context.writeAndFlush(NIOAny(bytes), promise: nil)
    }
}
