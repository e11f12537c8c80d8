internal import FoundationEssentials
internal import NIOCore

extension Engine {
    /// Makes a call and reads its answer.
    func decode<Value: Decodable>(_ type: Value.Type, from call: EngineCall) async throws(EngineError) -> Value {
        try Self.decode(type, from: try await exchange(call), call: call)
    }

    static func decode<Value: Decodable>(
        _ type: Value.Type, from reply: EngineReply, call: EngineCall
    ) throws(EngineError) -> Value {
        do {
            return try JSONDecoder().decode(type, from: Data(reply.body.readableBytesView))
        } catch {
            throw .malformed("the engine's answer to \(call.name) is not understood: \(error)")
        }
    }

    /// What a list or a stream is narrowed to, as the API takes it.
    static func filters(_ filters: [String: [String]]) throws(EngineError) -> String {
        do {
            return String(decoding: try JSONEncoder().encode(filters), as: UTF8.self)
        } catch {
            throw .malformed("a filter cannot be written: \(error)")
        }
    }
}
