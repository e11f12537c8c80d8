import ArgumentParser
import Glibc
import Manifests
import ModelCore
import Reconciler
import StateStore

struct Events: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show what has happened.",
        discussion: """
            Reads the database itself, so it works while no modelet runs. The last 10,000 events are kept. What modelet has \
            to say about them (that some were dropped, say) goes to standard error.
            """)

    @Argument(
        help: ArgumentHelp("Only what concerns this: a domain, DOMAIN/SOURCE, or a model.", valueName: "scope"))
    var scope: String?
    @Option(
        name: .long,
        help: ArgumentHelp("Only events of these kinds; more than one with commas.", valueName: "kinds"))
    var kind: [String] = []
    @Option(
        help: ArgumentHelp("Only what is younger than this (10m, 2d), or than a time (RFC 3339).", valueName: "time"))
    var since: String?
    @Option(
        name: [.customShort("n"), .long],
        help: ArgumentHelp(
            "How many, the latest, or `all` [default: 100; all where --since is given].", valueName: "events"))
    var limit: LogTailLength?
    @Flag(name: .shortAndLong, help: "Go on with what happens next, until Ctrl-C.")
    var follow = false
    @OptionGroup var state: StateOptions
    @OptionGroup var output: OutputOptions

    /// How many are shown where nobody says.
    private static let usual = 100

    func run() async throws {
        LogOutput.endOnInterrupt()
        let query = try query()
        let tail = limit ?? (since == nil ? .lines(Self.usual) : .all)
        let directory = StateDirectory(state.directory)
        if follow {
            try await EventFollower(directory: directory, query: query, output: output).run(from: tail.count)
        } else {
            try show(query, limit: tail.count, in: directory)
        }
    }

    private func query() throws(CommandFailure) -> EventQuery {
        let kinds = kind.flatMap { $0.split(separator: ",").map(String.init) }
        return EventQuery(
            scope: try scope.map { scope throws(CommandFailure) in try Self.checked(scope) }, kinds: Set(kinds),
            since: try since.map { text throws(CommandFailure) in
                try PastTime.parse(text, now: SystemTime().now())
            })
    }

    private static func checked(_ scope: String) throws(CommandFailure) -> String {
        let parts = scope.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        guard (1...3).contains(parts.count), parts.allSatisfy(ModelKey.isValidID) else {
            throw CommandFailure(
                "'\(scope)' is no domain and no model; write domain, domain/source or domain/source/model",
                status: ExitStatus.usage)
        }
        return scope
    }

    private func show(_ query: EventQuery, limit: Int?, in directory: StateDirectory) throws {
        let reader = StateReader(directory)
        let found: (events: [EventRecord], kept: EventRange)?
        do throws(StoreError) {
            found = try reader.events(query, limit: limit)
        } catch {
            throw CommandFailure(error)
        }
        guard let (events, kept) = found else { throw CommandFailure(reader.nothingHere) }
        switch output.format {
        case .table:
            var columns = EventColumns(isColoured: Console.isColoured)
            columns.lines(events).forEach(Console.print)
        case .json: Console.print(output.document(EventList(events: events.map(EventReport.init))))
        }
        if let remark = EventRemarks.onWhatIsGone(query, kept) { Console.printError(remark) }
        // Whoever asks for none is not told that there is none.
        if events.isEmpty, limit != 0 { try EventRemarks.explainNothing(query, in: directory) }
    }
}

/// `10m`, `2d`, `1h30m`, or a time: since when.
enum PastTime {
    static func parse(_ text: String, now: Timestamp) throws(CommandFailure) -> Timestamp {
        if let time = Timestamp(rfc3339: text) { return time }
        if let span = span(text) { return Timestamp(milliseconds: now.milliseconds - span.milliseconds) }
        throw CommandFailure(
            "'\(text)' is no time; write how long ago (30s, 10m, 2h, 3d) or when (2026-11-23T04:05:06Z)",
            status: ExitStatus.usage)
    }

    private static func span(_ text: String) -> Seconds? {
        // The spans of manifests know no days.
        if text.last == "d", let days = Int64(text.dropLast()), (0...longestDays).contains(days) {
            return Seconds(days * 24 * 3600)
        }
        return Seconds(manifestText: text)
    }

    /// A hundred years: beyond anything that is kept, and safe for arithmetic.
    private static let longestDays: Int64 = 36_500
}
