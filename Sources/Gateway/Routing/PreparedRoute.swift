import ModelCore
import NIOCore
import NIOSSL
import Reconciler

/// A published route, worked out once for every request of an event loop.
final class PreparedRoute: Sendable {
    /// What can be done with a request now.
    enum Reach {
        /// Sent, to ``primary``.
        case served
        /// Held for the load.
        case cold
        /// Sent to ``fallback``, or refused.
        case unavailable
    }

    let route: Route
    /// What ``Route/target`` says without its particulars.
    let reach: Reach
    let overrides: HeaderOverrides
    /// The ready instance, or the upstream of a remote model.
    let primary: PreparedUpstream?
    let fallback: PreparedUpstream?
    /// Why `base_url` cannot be used, where it cannot.
    let baseURLFault: String?
    let timeout: TimeAmount
    let loadTimeout: TimeAmount
    let keepAlive: TimeAmount
    /// Where requests wait for a slot; `nil` where the model has no `max_concurrency`.
    let queue: AdmissionQueue?

    /// - Parameter tls: makes the context for HTTPS upstreams; called only where one is named.
    init(_ route: Route, queue: AdmissionQueue? = nil, tls: () throws -> NIOSSLContext) {
        self.route = route
        self.queue = queue
        let overrides = HeaderOverrides(route.headers)
        self.overrides = overrides
        timeout = TimeAmount(route.timeout.duration)
        loadTimeout = TimeAmount(route.loadTimeout.duration)
        reach =
            switch route.target {
            case .instance, .remote: .served
            case .cold: .cold
            case .unavailable: .unavailable
            }
        keepAlive = TimeAmount(route.keepAlive.duration)

        let servedBy: ServedBy = if case .remote = route.target { .remote } else { .fallback }
        let (base, fault) = Self.upstream(of: route, servedBy: servedBy, overrides: overrides, tls: tls)
        baseURLFault = fault
        switch route.target {
        case .instance(let id, let address, let port):
            let authority = address.contains(":") ? "[\(address)]:\(port)" : "\(address):\(port)"
            primary = PreparedUpstream(
                key: .instance(id, address: address, port: port), servedBy: .instance, model: route.key,
                host: address, port: port, authority: authority, path: Self.path(route.endpoint),
                overrides: overrides)
            fallback = base
        case .remote:
            primary = base
            fallback = nil
        case .cold, .unavailable:
            primary = nil
            fallback = base
        }
    }

    private static func path(_ endpoint: String) -> String {
        endpoint.hasPrefix("/") ? endpoint : "/" + endpoint
    }

    private static func upstream(
        of route: Route, servedBy: ServedBy, overrides: HeaderOverrides, tls: () throws -> NIOSSLContext
    ) -> (PreparedUpstream?, fault: String?) {
        guard let text = route.baseURL else {
            return (nil, servedBy == .remote ? "the model has neither a source nor a base_url" : nil)
        }
        guard let url = BaseURL(text) else { return (nil, "base_url `\(text)` is not a URL of http or https") }
        let context: NIOSSLContext?
        do {
            context = url.isTLS ? try tls() : nil
        } catch {
            return (nil, "TLS cannot be set up: \(error)")
        }
        let upstream = PreparedUpstream(
            key: .origin(isTLS: url.isTLS, host: url.host, port: url.port), servedBy: servedBy, model: route.key,
            host: url.host, port: url.port, authority: url.authority, path: url.prefix + path(route.endpoint),
            apiPrefix: url.prefix, overrides: overrides, tls: context)
        return (upstream, nil)
    }
}
