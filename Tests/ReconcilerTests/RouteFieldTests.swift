import ModelCore
import Reconciler
import TestSupport
import Testing

/// Route fields are applied to what runs.
@Suite(.timeLimit(.minutes(1))) struct RouteFieldTests {
    /// Many, so that one who merely was quick is found out.
    @Test func whatWasAppliedIsPublishedWhenApplyReturns() async throws {
        let world = World()
        let keys = (0..<50).map { ModelKey(domain: "d", source: "s\($0)", model: "default") }
        func all(_ timeout: Seconds) -> [ModelKey: ModelSpec] {
            Dictionary(uniqueKeysWithValues: keys.map { ($0, .local(load: .eager) { $0.timeout = timeout }) })
        }
        try await world.run { controller, routes in
            try await world.define(all(20), in: controller)
            for key in keys { await routes.wait(for: key) { $0.isInstance } }
            try await world.define(all(21), in: controller)
            var published: [ModelKey: Seconds] = [:]
            for case .set(let route) in routes.history { published[route.key] = route.timeout }
            #expect(keys.filter { published[$0] != 21 } == [])
            #expect(keys.allSatisfy { world.runtime.launches(of: $0) == 1 && routes.target($0).isInstance })
        }
    }
}
