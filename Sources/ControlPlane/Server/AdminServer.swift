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
        let http = HTTP1Channel(responder: responder(), configuration: .init(idleTimeout: Self.idleTimeout))
        let logger = logger
        let listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let limit = MaximumAvailableConnections(Self.mostConnections, logger: logger)
                    let handler = AvailableConnectionsChannelHandler(delegate: limit)
                    try channel.pipeline.syncOperations.addHandler(handler)
                }
            }
            // A client that hangs up is seen as the end of its requests, while its handler still runs.
            .childChannelOption(ChannelOptions.allowRemoteHalfClosure, value: true)
            .bind(claimed.descriptor) { http.setup(channel: $0, logger: logger) }
        try await listener.executeThenClose { connections in
            logger.info("admin API listens", metadata: ["admin.socket": "\(socket)"])
            await onListening()
            try await withThrowingDiscardingTaskGroup { group in
                defer { group.cancelAll() }
                for try await connection in connections {
                    group.addTask { await http.handle(value: connection, logger: logger) }
                }
            }
        }
    }

    private func responder() -> HTTPChannelHandler.Responder {
        let router = Router(context: AdminContext.self)
        router.add(middleware: ErrorReplies())
        let v1 = router.group("v1")
        addAbout(to: v1, surface)
        addModelActions(to: v1, surface)
        addWait(to: v1, surface)
        addApply(to: v1, surface)
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
