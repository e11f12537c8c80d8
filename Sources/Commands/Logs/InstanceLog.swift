import Launcher
import ModelCore
import StateStore

/// The log of an instance that lies in the state directory: of every process, and of a container that has ended.
struct InstanceLog {
    private let recorded: RecordedInstance
    private let tail: LogTailLength
    private let follows: Bool

    private var instance: InstanceRecord { recorded.instance }

    init(_ recorded: RecordedInstance, _ tail: LogTailLength, follows: Bool) {
        self.recorded = recorded
        self.tail = tail
        self.follows = follows && recorded.instance.phase.isLive
    }

    /// How often the state is asked whether the instance has ended, in looks: where its shim can no longer say so.
    private static let looksBetweenQuestions = 10

    /// Whether there is anything of it.
    var exists: Bool { !reader.isEmpty }

    private var reader: ServerLogReader {
        ServerLogReader(runDirectory: recorded.directory.run, id: instance.id)
    }

    func show() async throws {
        var log = reader
        guard !log.isEmpty || follows else { return showWhatIsRemembered() }
        if case .lines(let count) = tail { log.skip(toLast: count) }
        if follows { return try await follow(log) }
        while let piece = log.next() { LogOutput.write(piece) }
    }

    private func follow(_ start: ServerLogReader) async throws {
        var log = start
        var looks = 0
        while true {
            // Asked first: what the server wrote before its end is there then.
            looks += 1
            let isOver = log.serverHasEnded || looks % Self.looksBetweenQuestions == 0 && recorded.hasEnded
            while let piece = log.next() { LogOutput.write(piece) }
            if isOver { return try await recorded.sayThatItHasEnded() }
            try await Task.sleep(for: RecordedInstance.look)
        }
    }

    /// Where there is no log (any more), what the state remembers of it.
    private func showWhatIsRemembered() {
        let lines = (instance.exit?.logTail ?? []).suffix(tail.most)
        if instance.phase.isLive {
            Console.printError("modelet: instance \(instance.id) of \(instance.key) has not written anything yet")
        } else if lines.isEmpty {
            Console.printError("modelet: nothing that it wrote is kept")
        } else {
            Console.printError("modelet: its log is no longer kept; these are the last lines that are remembered")
        }
        for line in lines { LogOutput.write(Array((line + "\n").utf8)) }
    }
}

extension LogTailLength {
    fileprivate var most: Int { count ?? .max }
}
