import ModelCore
import NIOCore

/// Somebody who waits until nothing is in flight on this loop.
final class DrainWaiter {
    /// The same on every loop.
    let drain: UInt64
    /// `nil`: of any client.
    let instance: InstanceID?
    let promise: EventLoopPromise<Bool>
    var timeout: Scheduled<Void>?

    init(drain: UInt64, instance: InstanceID?, promise: EventLoopPromise<Bool>) {
        self.drain = drain
        self.instance = instance
        self.promise = promise
    }
}
