import TestSupport

@testable import Docker

/// Asks a stub that answers pings as an engine does, and all else as the test says.
func withStub<Result: Sendable>(
    version: String = "1.41", limits: EngineLimits = .patient, answer: @escaping StubEngine.Answer,
    _ body: @escaping @Sendable (Engine, StubEngine) async throws -> Result
) async throws -> Result {
    let stub = try StubEngine()
    return try await stub.run { request, reply in
        if request.path == "/_ping" { return try await reply.pong(version) }
        try await answer(request, reply)
    } _: {
        let engine = Engine(address: EngineAddress(socket: stub.socket), limits: limits)
        // What is to run out of time is the call of the test.
        if limits == .impatient { _ = try await engine.agreedVersion(within: .seconds(60)) }
        return try await body(engine, stub)
    }
}

extension EngineLimits {
    /// For stubs that will answer, however long the machine lets them wait for their turn.
    static var patient: EngineLimits { all(.seconds(60)) }
    /// For stubs that will not.
    static var impatient: EngineLimits {
        var limits = all(.milliseconds(200))
        // It answers pings.
        limits.ping = .seconds(60)
        return limits
    }

    static func all(_ limit: Duration) -> EngineLimits {
        var limits = EngineLimits()
        limits.ping = limit
        limits.query = limit
        limits.change = limit
        limits.start = limit
        limits.removal = limit
        limits.stopMargin = limit
        limits.registry = limit
        limits.logTail = limit
        limits.streamHead = limit
        limits.pullSilence = limit
        return limits
    }
}

/// The error that `body` throws; `nil` where it throws none.
func failure<Result>(_ body: () async throws(EngineError) -> Result) async -> EngineError? {
    do throws(EngineError) {
        _ = try await body()
        return nil
    } catch {
        return error
    }
}
