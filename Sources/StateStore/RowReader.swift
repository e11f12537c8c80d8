internal import GRDB
internal import ModelCore
internal import Reconciler

/// Reads the columns of a row into values of ours; throws where the file does not hold what the schema promises.
struct RowReader {
    let row: Row

    init(_ row: Row) {
        self.row = row
    }

    func value<Value: DatabaseValueConvertible>(_ column: String) throws -> Value {
        try row.decode(Value.self, forColumn: column)
    }

    func time(_ column: String) throws -> Timestamp { Timestamp(milliseconds: try value(column)) }

    func time(ifAny column: String) throws -> Timestamp? {
        try (value(column) as Int64?).map(Timestamp.init(milliseconds:))
    }

    func key(_ column: String) throws -> ModelKey {
        let text: String = try value(column)
        guard let key = ModelKey(text) else { throw Unreadable(what: "model key", text: text) }
        return key
    }

    func json<Value: Decodable>(_ column: String) throws -> Value {
        try CanonicalJSON.value(from: try value(column))
    }

    func json<Value: Decodable>(ifAny column: String) throws -> Value? {
        try (value(column) as String?).map { try CanonicalJSON.value(from: $0) }
    }

    /// One of the words of an enumeration.
    func word<Value: RawRepresentable<String>>(_ column: String) throws -> Value {
        let text: String = try value(column)
        guard let word = Value(rawValue: text) else { throw Unreadable(what: column, text: text) }
        return word
    }

    /// A number of the kernel: 64 bits without a sign, which SQLite keeps with one.
    func bits(_ column: String) throws -> UInt64 { UInt64(bitPattern: try value(column)) }

    func bits(ifAny column: String) throws -> UInt64? { try (value(column) as Int64?).map(UInt64.init(bitPattern:)) }
}

/// A value that no version of this program writes.
struct Unreadable: Error, CustomStringConvertible {
    let what: String
    let text: String

    var description: String { "no \(what): \(text)" }
}
