/// Why a call to the engine came to nothing.
package enum EngineError: Error, Hashable, Sendable {
    /// Nobody answers at its address: a sentence that says what to do.
    case unreachable(String)
    /// It took the call and did not answer in time.
    case timedOut(call: String, after: Duration)
    /// It answered with an error of its own: the HTTP status and its message.
    case refused(status: Int, message: String)
    /// Its answer is not what its API promises: a sentence.
    case malformed(String)
}
