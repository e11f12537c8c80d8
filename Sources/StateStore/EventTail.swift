internal import GRDB
internal import ModelCore
package import Reconciler

/// The events of a state from some moment on, each once and in their order, however often its controller is restarted.
///
/// Holds nothing open between looks, so it gets into nobody's way, and follows a database that is put in the place of
/// another. Where nothing was written since the last look, a look asks for the state of two files and opens none of them.
package struct EventTail: Sendable {
    /// What a look has found.
    package struct News: Hashable, Sendable {
        package var events: [EventRecord] = []
        /// How many were dropped before they could be read: more were written between two looks than are kept. How many
        /// of them had matched nobody knows.
        package var dropped: Int64 = 0
        /// Whether another database has taken the place of the one that was read: one that was restored, say.
        package var isReplaced = false

        package init() {}
    }

    private let reader: StateReader
    private let query: EventQuery
    /// The last event that was read, matching or not.
    private var cursor: Cursor
    private var seen: DatabaseStamp?

    fileprivate struct Cursor {
        var id: Int64
        var at: Timestamp?
    }

    /// Reads what there is already, and from then on what follows that. `nil` where there is no database, or nothing in it
    /// yet. Blocks.
    /// - Parameter limit: how many of the events that there are, the latest; `nil`: all of them.
    package static func open(
        _ directory: StateDirectory, _ query: EventQuery, limit: Int?
    ) throws(StoreError) -> (tail: EventTail, events: [EventRecord], kept: EventRange)? {
        let reader = StateReader(directory)
        let stamp = DatabaseStamp(directory)
        let found = try reader.read { db in
            (
                try EventRecord.matching(query, latest: limit, in: db), try EventRange(db),
                try Cursor(in: db)
            )
        }
        guard let (events, kept, cursor) = found else { return nil }
        return (EventTail(reader: reader, query: query, cursor: cursor, seen: stamp), events, kept)
    }

    /// What has been written since the last look. Blocks.
    package mutating func look() throws(StoreError) -> News {
        let stamp = DatabaseStamp(reader.directory)
        if let seen, seen.isSettled, seen == stamp { return News() }
        let query = query
        let last = cursor
        guard let found = try reader.read({ db in try Self.news(query, after: last, in: db) }) else {
            // Taken away; what comes in its place is seen later.
            return News()
        }
        // Only now: what failed is read again.
        seen = stamp
        cursor = found.cursor
        return found.news
    }

    private static func news(
        _ query: EventQuery, after last: Cursor, in db: Database
    ) throws -> (news: News, cursor: Cursor) {
        let kept = try EventRange(db)
        var news = News()
        var query = query
        var start = last.id
        if try last.isOfAnother(db, kept) {
            news.isReplaced = true
            start = 0
            // What it has from before has been told already, or was before anybody asked.
            if let at = last.at { query.since = max(at + Seconds(milliseconds: 1), query.since ?? at) }
        } else if kept.oldest > start + 1 {
            news.dropped = kept.oldest - start - 1
        }
        news.events = try EventRecord.matching(query, after: start, in: db)
        return (news, try Cursor(in: db, ifNone: last.at))
    }
}

extension EventTail.Cursor {
    /// The end of what is written now.
    fileprivate init(in db: Database, ifNone at: Timestamp? = nil) throws {
        let row = try Row.fetchOne(db, sql: "SELECT id, at FROM event ORDER BY id DESC LIMIT 1").map(RowReader.init)
        self.init(id: try row?.value("id") ?? 0, at: try row?.time("at") ?? at)
    }

    /// Whether this database cannot be the one that the event was read from: it has not come so far, or has another event
    /// under its number.
    fileprivate func isOfAnother(_ db: Database, _ kept: EventRange) throws -> Bool {
        guard id > 0 else { return false }
        guard kept.newest >= id else { return true }
        guard id >= kept.oldest else { return false }
        let found = try Int64.fetchOne(db, sql: "SELECT at FROM event WHERE id = ?", arguments: [id])
        return found != at?.milliseconds
    }
}
