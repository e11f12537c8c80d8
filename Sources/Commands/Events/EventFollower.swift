import Glibc
import ModelCore
import Reconciler
import StateStore

/// Shows events as they are recorded, until it is interrupted or its reader has gone away.
struct EventFollower {
    let directory: StateDirectory
    let query: EventQuery
    let output: OutputOptions

    /// How often it is looked for news: soon enough for people. SQLite tells other processes nothing, and a watch over
    /// its files would tell of each of many writes of a transaction. A look where nothing was written asks for the state
    /// of two files.
    private static let look: Duration = .milliseconds(250)
    /// How many looks in a row may fail before the reason is told and it ends: a database that is just being replaced, or
    /// locked by a backup, is readable again by then.
    private static let mostFailures = 40

    /// - Parameter limit: how many that are there already are shown first; `nil`: all of them.
    func run(from limit: Int?) async throws {
        var columns = EventColumns(isColoured: Console.isColoured)
        var (tail, events, kept) = try opened(limit)
        if let remark = EventRemarks.onWhatIsGone(query, kept) { Console.printError(remark) }
        warnOfMistakes(kept)
        write(events, &columns)
        var failures = 0
        while true {
            try await Task.sleep(for: Self.look)
            if LogOutput.readerIsGone { return }
            do throws(StoreError) {
                let news = try tail.look()
                failures = 0
                tell(of: news)
                write(news.events, &columns)
            } catch {
                failures += 1
                if failures > Self.mostFailures { throw CommandFailure(error) }
            }
        }
    }

    private func opened(_ limit: Int?) throws -> (EventTail, [EventRecord], EventRange) {
        do throws(StoreError) {
            if let opened = try EventTail.open(directory, query, limit: limit) { return opened }
        } catch {
            throw CommandFailure(error)
        }
        throw CommandFailure(StateReader(directory).nothingHere)
    }

    /// What has never been recorded may come; but who has mistyped would wait for ever.
    private func warnOfMistakes(_ kept: EventRange) {
        let reader = StateReader(directory)
        guard let kinds = try? reader.eventKinds(), let models = try? reader.snapshot()?.models.map(\.model.key),
            let mistake = EventRemarks.mistake(in: query, kinds: kinds, models: models)
        else { return }
        Console.printError("modelet: \(mistake.message)")
    }

    private func tell(of news: EventTail.News) {
        if news.isReplaced { Console.printError("modelet: the database was replaced by another one") }
        if news.dropped > 0 {
            Console.printError("modelet: \(news.dropped) events were dropped before they could be read")
        }
    }

    private func write(_ events: [EventRecord], _ columns: inout EventColumns) {
        guard !events.isEmpty else { return }
        let lines =
            switch output.format {
            case .table: columns.lines(events)
            case .json: events.map { output.record(EventReport($0)) }
            }
        LogOutput.write((lines.joined(separator: "\n") + "\n").utf8)
    }
}
