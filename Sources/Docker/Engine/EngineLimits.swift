/// How long the calls to an engine may take. Each covers the whole call: connection, head and body.
package struct EngineLimits: Hashable, Sendable {
    /// The answer needs no work; a hung engine is found after this long.
    package var ping: Duration = .seconds(5)
    /// Inspections, lists and other questions: in memory or a few files at the engine, behind its locks.
    package var query: Duration = .seconds(15)
    /// Creating, killing: mounts, network and a process; slow on a loaded host or a slow disk.
    package var change: Duration = .seconds(30)
    /// Starting: an engine with a slow disk, or many devices to set up, takes minutes; some give the start up when the
    /// caller hangs up.
    package var start: Duration = .seconds(300)
    /// Removing: an image's or a container's files are deleted.
    package var removal: Duration = .seconds(60)
    /// What a stop may take beyond the grace that it gives: KILL, and the engine's own clean-up.
    package var stopMargin: Duration = .seconds(15)
    /// The registry is asked by the engine, over the network.
    package var registry: Duration = .seconds(45)
    /// The last lines of a log; a big log is read from its end.
    package var logTail: Duration = .seconds(15)
    /// Until a stream's head is there.
    package var streamHead: Duration = .seconds(10)
    /// How long a pull may say nothing: a big layer is checked and unpacked without a word, on a slow disk for minutes.
    package var pullSilence: Duration = .seconds(300)

    package init() {}
}
