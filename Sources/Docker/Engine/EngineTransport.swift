internal import AsyncHTTPClient
internal import NIOCore
internal import NIOHTTP1

/// Carries calls to the engine's socket and answers back.
///
/// A connection for each call and none kept: on a Unix socket one costs nothing, and a kept one may have outlived its
/// engine. So the client's pool is only in the way here: its limit of 8 connections would let a few slow stops and
/// streams hold up the ping.
final class EngineTransport: Sendable {
    /// How an answer that is read bit by bit ends.
    enum StreamKind: Sendable {
        /// By itself, and soon; silence is a fault.
        case bounded
        /// By itself, in its own time; so much silence is a fault.
        case pull
        /// When the engine does, or the reader. Silence is normal.
        case endless
    }

    private let address: EngineAddress
    private let limits: EngineLimits
    /// One for each bound on silence, which is the client's.
    private let calls: HTTPClient
    private let bounded: HTTPClient
    private let pulls: HTTPClient
    private let endless: HTTPClient

    /// How long the kernel may take for a connection on this host.
    private static let connectTimeout: TimeAmount = .seconds(5)
    /// More than there will ever be calls at once.
    private static let mostConnections = 10_000
    /// The longest message of an error that is read, in bytes.
    private static let longestRefusal = 64 * 1024

    init(address: EngineAddress, limits: EngineLimits) {
        self.address = address
        self.limits = limits
        calls = Self.client(silence: nil)
        bounded = Self.client(silence: limits.query)
        pulls = Self.client(silence: limits.pullSilence)
        endless = Self.client(silence: nil)
    }

    deinit {
        let clients = [calls, bounded, pulls, endless]
        // Nobody awaits it: no call is left, or it would hold the transport, and no connection outlives its call.
        Task {
            for client in clients { try? await client.shutdown() }
        }
    }

    private static func client(silence: Duration?) -> HTTPClient {
        var configuration = HTTPClient.Configuration()
        configuration.redirectConfiguration = .disallow
        configuration.httpVersion = .http1Only
        configuration.timeout.connect = connectTimeout
        configuration.timeout.read = silence.map { TimeAmount($0) }
        configuration.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = mostConnections
        configuration.connectionPool.retryConnectionEstablishment = false
        return HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
    }

    /// The whole of an answer, whatever its status, within the call's limits of time and size.
    func exchange(_ call: EngineCall) async throws(EngineError) -> EngineReply {
        try await within(call.timeout, call.name) { () async throws(EngineError) -> EngineReply in
            do {
                let response = try await self.calls.execute(
                    self.request(call), deadline: .now() + TimeAmount(call.timeout))
                let body = try await response.body.collect(upTo: call.largestReply)
                return EngineReply(status: Int(response.status.code), headers: response.headers, body: body)
            } catch {
                throw self.failure(of: call).error(error)
            }
        }
    }

    /// An answer whose head is good; an error of the engine is thrown.
    func stream(_ call: EngineCall, _ kind: StreamKind) async throws(EngineError) -> EngineBody {
        let client: HTTPClient
        var failure = failure(of: call)
        switch kind {
        case .bounded:
            client = bounded
            failure.silence = limits.query
        case .pull:
            client = pulls
            failure.silence = limits.pullSilence
        case .endless:
            client = endless
        }
        let response: HTTPClientResponse
        do {
            response = try await client.execute(request(call), deadline: .now() + TimeAmount(call.timeout))
        } catch {
            throw failure.error(error)
        }
        let status = Int(response.status.code)
        guard (200..<300).contains(status) else {
            let body = try await within(limits.query, call.name) {
                [failure] () async throws(EngineError) -> ByteBuffer in
                do {
                    return try await response.body.collect(upTo: Self.longestRefusal)
                } catch {
                    throw failure.error(error)
                }
            }
            throw EngineRefusal.error(status: status, body: body)
        }
        return EngineBody(
            transport: self, contentType: response.headers.first(name: "Content-Type") ?? "", body: response.body,
            failure: failure)
    }

    private func failure(of call: EngineCall) -> TransportFailure {
        TransportFailure(address: address, call: call.name, limit: call.timeout)
    }

    private func request(_ call: EngineCall) -> HTTPClientRequest {
        var request = HTTPClientRequest(url: "http+unix://\(percentEncoded(address.socket))\(call.target)")
        request.method = call.method
        // The socket's path is none that a server would accept as a host.
        request.headers.add(name: "Host", value: "localhost")
        request.headers.add(name: "User-Agent", value: "modelet")
        request.headers.add(name: "Connection", value: "close")
        for (name, value) in call.headers { request.headers.add(name: name, value: value) }
        if let body = call.body {
            request.headers.add(name: "Content-Type", value: "application/json")
            request.body = .bytes(body)
        } else if call.method == .POST {
            request.body = .bytes(ByteBuffer())
        }
        return request
    }
}

/// An answer that comes bit by bit. Hangs up when it is dropped.
struct EngineBody: AsyncSequence, Sendable {
    /// Holds the client for as long as it is read.
    let transport: EngineTransport
    let contentType: String
    let body: HTTPClientResponse.Body
    let failure: TransportFailure

    func makeAsyncIterator() -> Iterator {
        Iterator(transport: transport, body: body.makeAsyncIterator(), failure: failure)
    }

    struct Iterator: AsyncIteratorProtocol {
        let transport: EngineTransport
        var body: HTTPClientResponse.Body.AsyncIterator
        let failure: TransportFailure

        mutating func next() async throws(EngineError) -> ByteBuffer? {
            do {
                return try await body.next(isolation: #isolation)
            } catch {
                throw failure.error(error)
            }
        }
    }
}
