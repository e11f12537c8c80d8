import Logging
import ModelCore

/// What bears our name and belongs to nothing that is recorded.
extension Controller {
    /// Has every runtime end what a controller left that died between an effect and its record, and says what that was.
    /// Idempotent.
    func sweep() async {
        for runtime in parts.runtimes {
            let swept = await runtime.sweep { [store = parts.store] in
                guard let live = try? await store.liveInstances() else { return nil }
                return Set(live.map(\.id))
            }
            for sentence in swept {
                parts.logger.notice("leftover ended", metadata: ["reason": "\(sentence)"])
                // Told in the log at least.
                try? await commit(.swept(sentence))
            }
        }
    }
}
