import ModelCore
import StateStore

/// What the state says of one instance while its log is read.
struct RecordedInstance {
    let instance: InstanceRecord
    let directory: StateDirectory

    /// How often it is looked for news: a look at a log asks for the state of a few files. Nothing tells of all that may
    /// come: a line, a log that is put in the place of another, and the end, which is written by a shim or into the
    /// database.
    static let look: Duration = .milliseconds(100)
    /// How many looks at the state may pass until it says how the instance ended: a running modelet records it within
    /// milliseconds, unless it is busy.
    private static let mostLooksForTheEnd = 30

    /// Whether there is a modelet that records what becomes of the instance.
    var isWatched: Bool { StateLock.holder(at: directory) != nil }

    /// As it is recorded now; `nil` where it is remembered no longer, or cannot be read.
    var current: InstanceRecord? {
        (try? StateReader(directory).instances(of: instance.key))?.first { $0.id == instance.id }
    }

    var hasEnded: Bool {
        // What cannot be read at the moment says nothing.
        guard let recorded = try? StateReader(directory).instances(of: instance.key) else { return false }
        return recorded.first { $0.id == instance.id }?.phase.isLive != true
    }

    /// Says that the instance has ended, and how, once that is recorded; without how, where nobody records it.
    func sayThatItHasEnded() async throws {
        for _ in 0..<Self.mostLooksForTheEnd where isWatched {
            if current?.phase.isLive != true { break }
            try await Task.sleep(for: Self.look)
        }
        Console.printError(LogChoice.ending(of: current ?? instance))
    }
}
