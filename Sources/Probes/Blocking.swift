internal import NIOPosix

enum Blocking {
    /// Runs what blocks for a few milliseconds on a thread that may. `nil` where the task has been cancelled.
    static func run<Result: Sendable>(_ body: @escaping @Sendable () -> Result) async -> Result? {
        try? await NIOThreadPool.singleton.runIfActive(body)
    }
}
