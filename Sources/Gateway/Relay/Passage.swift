/// What passes of a request beside what passes of every prediction.
struct Passage {
    /// Of a request to the model's own API: where the path there lies in the bytes of the head; `nil` of a prediction.
    var path: Range<Int>?
    /// Whether the client would switch to another protocol.
    var upgrades = false
    /// Where the `Authorization` begins that has opened this gateway, and goes no further.
    var credential: UInt32?

    /// Whether the request may be sent a second time, where nobody knows what became of the first. A prediction changes
    /// nothing; what a model's own API does is in its method.
    func mayRepeat(_ method: RequestHead.Method) -> Bool {
        path == nil || method.isIdempotent
    }
}
