/// One step of the journal.
package enum OperationKind: String, Codable, Hashable, Sendable, CaseIterable {
    case pull, start, adopt, `switch`, drain, stop, remove
}
