/// Where things lie in a state directory.
struct StateLayout {
    /// Absolute.
    let directory: String

    var socket: String { directory + "/modelet.sock" }
    /// One folder an instance: its log, and what its shim reports.
    var run: String { directory + "/run" }
}
