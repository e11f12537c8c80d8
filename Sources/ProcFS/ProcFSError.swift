/// Why `/proc` did not answer.
package enum ProcFSError: Error, Hashable, Sendable {
    /// There is no such process (any more). Normal while scanning: processes come and go.
    case gone
    /// The process may exist, but what was asked is not shown to us, or not in a form that we understand.
    case unreadable(errno: Int32)
}
