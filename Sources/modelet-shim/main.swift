// Launches one model server, outlives the controller that asked for it, and ends only when nothing of the server is
// left. docs/shim-protocol.md tells how the two talk; nothing here may depend on the controller being alive.
internal import Glibc

exit(run(CommandLine.arguments))

private func run(_ words: [String]) -> Int32 {
    do throws(ShimError) {
        let arguments = try ShimArguments(words)
        // The run folder is named by an absolute path; nothing else should keep a file system from being unmounted.
        _ = chdir("/")
        let folder = try RunFolder(path: arguments.folder)
        try folder.lock()
        let order = try LaunchOrder(descriptor: arguments.order)
        let signals = try SignalQueue()
        guard Gate(descriptor: arguments.gate).waitUntilOpen(signals) else {
            try ExitReport.neverStarted(instance: arguments.instance).write(to: folder)
            return 0
        }
        do throws(ShimError) {
            var supervisor = try Supervisor(arguments: arguments, order: order, folder: folder, signals: signals)
            try supervisor.run()
        } catch {
            try ExitReport.neverStarted(instance: arguments.instance, error: error.message).write(to: folder)
            throw error
        }
        return 0
    } catch {
        complain(error.message)
        return error.exitCode
    }
}

/// Tells the controller's log file beside the server's; there is nobody else to tell.
private func complain(_ message: String) {
    let line = Array("modelet-shim: \(message)\n".utf8)
    _ = line.withUnsafeBytes { write(STDERR_FILENO, $0.baseAddress, $0.count) }
}
