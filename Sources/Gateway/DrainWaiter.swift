import ModelCore
import NIOCore

/// Somebody who waits until nothing is in flight on this loop.
final class DrainWaiter {
    /// `nil`: of any client.
    let instance: InstanceID?
    let promise: EventLoopPromise<Bool>
    var timeout: Scheduled<Void>?

    init(instance: InstanceID?, promise: EventLoopPromise<Bool>) {
        self.instance = instance
        self.promise = promise
    }
}
