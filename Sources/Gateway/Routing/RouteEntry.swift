import ModelCore
import NIOCore
import Reconciler

/// What one event loop knows of one model. Touched only on that loop.
final class RouteEntry {
    let key: ModelKey
    /// The key as it stands in a path.
    let name: [UInt8]
    var prepared: PreparedRoute
    /// The pool of ``PreparedRoute/primary``.
    var primaryPool: UpstreamPool?
    /// The pool of ``PreparedRoute/fallback``.
    var fallbackPool: UpstreamPool?
    /// Callers that wait for the model to be loaded.
    var held = HeldCallers()
    /// When the load was first asked for; `nil` while the model is not cold.
    var coldSince: NIODeadline?
    var isRemoved = false

    init(_ prepared: PreparedRoute) {
        key = prepared.route.key
        name = Array(key.description.utf8)
        self.prepared = prepared
    }
}
