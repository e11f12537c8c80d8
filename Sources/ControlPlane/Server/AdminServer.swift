import Hummingbird
import HummingbirdCore
package import Logging
import NIOCore
import NIOPosix
package import Reconciler

/// The admin API on a Unix socket: what operators may ask of a running controller.
///
/// Hummingbird routes and speaks HTTP; the listener is our own, since it must never take a living socket from another
/// daemon, and since signals belong to the daemon alone.
package struct AdminServer: Sendable {
    private let socket: String
    private let surface: any ControlSurface
    private let logger: Logger

    /// Connections served at once; more are accepted as these end. Each costs a descriptor of the daemon.
    private static let mostConnections = 256
    /// A connection on which nothing is asked is closed after this long.
    private static let idleTimeout: TimeAmount = .seconds(60)

    /// - Parameter socket: the path of the socket, however long; its directory must exist.
    package init(socket: String, surface: any ControlSurface, logger: Logger) {
        self.socket = socket
        self.surface = surface
        self.logger = logger
    }

    /// Serves until cancelled, then removes the socket. Requests in flight are cancelled with it.
    /// - Parameter onListening: called once, when connections are accepted.
    package func run(onListening: @Sendable () async -> Void = {}) async throws(AdminServerError) {
        let claimed: AdminSocket
        do {
            claimed = try AdminSocket(claiming: socket)
        } catch {
            throw .socket(error)
        }
        defer { claimed.remove() }
        var failure = "the socket was closed"
        do {
            try await serve(claimed, onListening: onListening)
        } catch {
            failure = "\(error)"
        }
        // To be cancelled is the way that it ends; anything else is not.
        if !Task.isCancelled { throw .listener(failure) }
    }

    private func serve(_ claimed: AdminSocket, onListening: @Sendable () async -> Void) async throws {
        let (connections, arrivals) = AsyncStream<any Channel>.makeStream()
        let listener = try await bootstrap(arrivals).withBoundSocket(claimed.descriptor).get()
        listener.closeFuture.whenComplete { _ in arrivals.finish() }
        logger.info("admin API listens", metadata: ["admin.socket": "\(socket)"])
        await onListening()
        // Awaited below; not a child, since to cancel the loop would lose connections that it has not taken yet. It ends
        // once the listener is closed and all of them are taken.
        let serving = Task {
            let http = HTTP1Channel(responder: responder(), configuration: .init(idleTimeout: Self.idleTimeout))
            await withDiscardingTaskGroup { group in
                for await connection in connections {
                    group.addTask { await Self.handle(connection, http, logger) }
                }
                group.cancelAll()
            }
        }
        await withTaskCancellationHandler {
            await serving.value
        } onCancel: {
            listener.close(promise: nil)
        }
    }

    private func bootstrap(_ arrivals: AsyncStream<any Channel>.Continuation) -> ServerBootstrap {
        let logger = logger
        return ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let limit = MaximumAvailableConnections(Self.mostConnections, logger: logger)
                    let handler = AvailableConnectionsChannelHandler(delegate: limit)
                    try channel.pipeline.syncOperations.addHandler(handler)
                }
            }
            // A client that hangs up is seen as the end of its requests, while its handler still runs.
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            // Nothing is read before there is somebody to read it.
            .childChannelOption(.autoRead, value: false)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(ArrivalHandler(arrivals))
                }
            }
    }

    private static func handle(_ connection: any Channel, _ http: HTTP1Channel, _ logger: Logger) async {
        do {
            let eventLoop = connection.eventLoop
            let requests = try await eventLoop.flatSubmit { http.setup(channel: connection, logger: logger) }.get()
            connection.setOption(.autoRead, value: true).whenFailure { _ in connection.close(promise: nil) }
            await http.handle(value: requests, logger: logger)
        } catch {
            logger.debug("admin connection failed", metadata: ["error": "\(error)"])
            connection.close(promise: nil)
        }
    }

    private func responder() -> HTTPChannelHandler.Responder {
        let router = Router(context: AdminContext.self)
        router.add(middleware: ErrorReplies())
        let v1 = router.group("v1")
        addAbout(to: v1, surface)
        addModelActions(to: v1, surface)
        addForget(to: v1, surface)
        addWait(to: v1, surface)
        addView(to: v1, surface)
        addApply(to: v1, surface)
        addRollback(to: v1, surface)
        addShutdown(to: v1, surface)
        let routes = router.buildResponder()
        let logger = logger
        return { request, writer, channel in
            let context = AdminContext(source: ApplicationRequestContextSource(channel: channel, logger: logger))
            let response = try await routes.respond(to: request, context: context)
            logger.debug(
                "admin request",
                metadata: [
                    "http.method": "\(request.method.rawValue)", "http.path": "\(request.uri.path)",
                    "http.status": "\(response.status.code)",
                ])
            try await writer.write(response: response.head, body: response.body)
        }
    }
}

package enum AdminServerError: Error, Hashable, Sendable {
    /// The socket could not be claimed.
    case socket(SocketError)
    /// It could not be listened on any longer: what the system says.
    case listener(String)
}

extension AdminServerError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .socket(let error): "admin socket: \(error)"
        case .listener(let message): "admin socket: \(message)"
        }
    }
}
