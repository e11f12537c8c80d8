import Foundation
import Glibc
import TestSupport

/// Stands between an engine and a registry, and holds the requests that name one thing until they are let go.
final class HoldingProxy: Sendable {
    let port: Int
    private let listener: Int32
    private let gate: Gate

    /// A condition is what threads can wait on; it guards the flag.
    private final class Gate: @unchecked Sendable {
        private let condition = NSCondition()
        private var isOpen = false

        func open() {
            condition.withLock {
                isOpen = true
                condition.broadcast()
            }
        }

        func wait() { condition.withLock { while !isOpen { condition.wait() } } }
    }

    /// - Parameters:
    ///   - upstream: the registry's port.
    ///   - text: what the requests that are held have in their first line.
    init(to upstream: Int, holding text: String) throws {
        (listener, port) = try listeningSocket()
        gate = Gate()
        let (listener, gate) = (listener, gate)
        Thread.detachNewThread { Self.serve(listener, upstream: upstream, holding: text, gate) }
    }

    func letGo() { gate.open() }

    deinit {
        gate.open()
        // Wakes the thread that waits for connections; that closes it.
        shutdown(listener, Int32(SHUT_RDWR))
    }

    private static func serve(_ listener: Int32, upstream: Int, holding text: String, _ gate: Gate) {
        while true {
            let client = accept(listener, nil, nil)
            guard client >= 0 else { break }
            Thread.detachNewThread {
                defer { close(client) }
                guard let server = try? connectedSocket(to: upstream) else { return }
                defer { close(server) }
                let isOver = DispatchSemaphore(value: 0)
                Thread.detachNewThread {
                    carry(from: server, to: client) { _ in }
                    isOver.signal()
                }
                carry(from: client, to: server) { request in
                    if request.prefix(while: { $0 != "\r\n" }).contains(text) { gate.wait() }
                }
                isOver.wait()
            }
        }
        close(listener)
    }

    /// Carries bytes until one of the two ends, and tells both then.
    private static func carry(from source: Int32, to target: Int32, _ look: (String) -> Void) {
        var buffer = [UInt8](repeating: 0, count: 65536)
        while true {
            let count = recv(source, &buffer, buffer.count, 0)
            guard count > 0 else { break }
            look(String(decoding: buffer[..<count], as: UTF8.self))
            var sent = 0
            while sent < count {
                let more = buffer[sent..<count].withUnsafeBytes {
                    send(target, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
                }
                guard more > 0 else { break }
                sent += more
            }
        }
        shutdown(source, Int32(SHUT_RDWR))
        shutdown(target, Int32(SHUT_RDWR))
    }
}
