/// Why a port could not be reserved: a sentence for people.
package enum PortError: Error, Hashable, Sendable {
    /// May go away by itself, such as a stranger's socket.
    case retryable(String)
    /// Needs somebody to change something.
    case terminal(String)
}
