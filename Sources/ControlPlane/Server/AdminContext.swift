import Hummingbird
import ModelCore
import NIOCore

/// What a handler knows of its request besides the request itself.
struct AdminContext: RequestContext {
    var coreContext: CoreRequestContextStorage
    /// The connection on which the request came.
    let channel: any Channel

    init(source: ApplicationRequestContextSource) {
        coreContext = CoreRequestContextStorage(source: source)
        channel = source.channel
    }

    /// The model that the path names.
    func modelKey() throws -> ModelKey {
        let parts = ["domain", "source", "model"].map { parameters.get($0) ?? "" }
        let text = parts.joined(separator: "/")
        guard let key = ModelKey(text) else { throw RequestFault.notAKey(text) }
        return key
    }
}
