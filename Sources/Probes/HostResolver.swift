internal import NIOCore
internal import NIOPosix

/// Turns the host of a manifest into numeric addresses, in bounded time.
enum HostResolver {
    /// Threads that wait for name servers. They are apart from all others, so that a name server which is away holds
    /// up nobody but those who ask for names.
    private static let threads: NIOThreadPool = {
        let pool = NIOThreadPool(numberOfThreads: 2)
        pool.start()
        return pool
    }()

    static func addresses(
        of host: String, before deadline: NIODeadline, on eventLoop: any EventLoop
    ) async throws(ResolutionError) -> [HostAddress] {
        if let known = HostAddress.known(host) { return known }
        // The resolver cannot be interrupted: at the deadline its answer is waited for no longer.
        let promise = eventLoop.makePromise(of: Result<[HostAddress], ResolutionError>.self)
        let timer = eventLoop.scheduleTask(deadline: deadline) {
            promise.succeed(.failure(ResolutionError(reason: "no answer in time")))
        }
        threads.submit { state in
            guard case .active = state else {
                return promise.succeed(.failure(ResolutionError(reason: "cancelled")))
            }
            promise.succeed(Result { () throws(ResolutionError) in try HostAddress.resolved(host) })
        }
        let result: Result<[HostAddress], ResolutionError>
        do {
            result = try await promise.futureResult.get()
        } catch {
            throw ResolutionError(reason: "\(error)")
        }
        timer.cancel()
        return try result.get()
    }
}
