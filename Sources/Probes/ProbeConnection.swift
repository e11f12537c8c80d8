internal import Glibc
internal import NIOCore
internal import NIOPosix

/// What became of one connection.
enum ProbeAnswer: Hashable, Sendable {
    /// The connection was accepted; no more was asked.
    case accepted
    case status(Int)
    /// Refused, broken off, or no HTTP: what happened, for people, as the rest of a sentence.
    case failed(String)
    /// No connection, or no answer, by the deadline.
    case timedOut
}

/// One connection to one address: one request, one status line, closed.
enum ProbeConnection {
    /// - Parameter request: what is sent; `nil`: being accepted is the answer.
    static func ask(
        _ address: HostAddress, port: Int, request: String?, before deadline: NIODeadline,
        on eventLoop: any EventLoop
    ) async -> ProbeAnswer {
        guard let destination = try? SocketAddress(ipAddress: address.text, port: port) else {
            return .failed("is no address that can be connected to")
        }
        let answer = eventLoop.makePromise(of: ProbeAnswer.self)
        let connection = ClientBootstrap(group: eventLoop)
            .connectTimeout(max(deadline - .now(), .milliseconds(1)))
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(
                        ProbeHandler(request: request, deadline: deadline, answer: answer))
                }
            }
            .connect(to: destination)
        connection.whenFailure { answer.succeed(.init($0)) }
        return await withTaskCancellationHandler {
            (try? await answer.futureResult.get()) ?? .failed("could not be asked")
        } onCancel: {
            answer.succeed(.failed("was not asked to the end"))
            connection.whenSuccess { $0.close(promise: nil) }
        }
    }
}

extension ProbeAnswer {
    fileprivate init(_ error: any Error) {
        switch error {
        case ChannelError.connectTimeout: self = .timedOut
        default: self = .failed("cannot be connected to (\(describe(error)))")
        }
    }
}

/// As the system words it: `Connection refused`.
private func describe(_ error: any Error) -> String {
    guard let error = error as? IOError, let text = strerror(error.errnoCode) else { return "\(error)" }
    return String(cString: text)
}

/// Sends the request, finds the status, and ends the connection.
private final class ProbeHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let request: String?
    private let deadline: NIODeadline
    private let answer: EventLoopPromise<ProbeAnswer>
    private var parser = StatusParser()
    private var timer: Scheduled<Void>?
    private var isAnswered = false
    private var drained = 0

    /// How much of a body is taken in after the status, in bytes, and for how long. A server that sees its connection
    /// break while it still writes complains in its log; one that goes on for longer is cut off, because some can
    /// serve nobody else meanwhile.
    private static let longestDrain = 64 * 1024
    private static let drainTime: TimeAmount = .milliseconds(100)

    init(request: String?, deadline: NIODeadline, answer: EventLoopPromise<ProbeAnswer>) {
        self.request = request
        self.deadline = deadline
        self.answer = answer
    }

    func channelActive(context: ChannelHandlerContext) {
        // Where nothing listens on a port of the ephemeral range, a connection to it may be given that very port as
        // its own, and reach itself.
        if context.localAddress == context.remoteAddress {
            return finish(.failed("is not listened on"), context)
        }
        guard let request else { return finish(.accepted, context) }
        closeLater(at: deadline, context)
        context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: request)), promise: nil)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let bytes = unwrapInboundIn(data).readableBytesView
        if isAnswered {
            drained += bytes.count
            if drained > Self.longestDrain { context.close(promise: nil) }
            return
        }
        switch parser.read(bytes) {
        case .needsMore: break
        case .notHTTP(let what): finish(.failed("answered with \(what)"), context)
        case .status(let status):
            isAnswered = true
            answer.succeed(.status(status))
            closeLater(at: .now() + Self.drainTime, context)
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        timer?.cancel()
        answer.succeed(.failed(parser.verdictAtEnd))
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        finish(.failed("broke the connection off (\(describe(error)))"), context)
    }

    /// A promise that has been kept is not kept again: the first answer counts.
    private func finish(_ result: ProbeAnswer, _ context: ChannelHandlerContext) {
        answer.succeed(result)
        context.close(promise: nil)
    }

    private func closeLater(at time: NIODeadline, _ context: ChannelHandlerContext) {
        timer?.cancel()
        timer = context.eventLoop.assumeIsolated().scheduleTask(deadline: time) {
            self.finish(.timedOut, context)
        }
    }
}
