import NIOCore

/// Requests to a model's own API, and who may ask anything at all.
extension ClientConnection {
    /// Forwards the request to the model's own API.
    /// - Parameter path: where the path there lies in the bytes of the head.
    func forward(toOwnAPIOf entry: RouteEntry, path: Range<Int>?) {
        exchange.passage.path = path
        let (upgrades, isHTTP2) = exchange.bytes.withUnsafeReadableBytes { bytes in
            let head = parser.head
            // With a body of its own, a request cannot tell where the other protocol begins: then it is ignored, as
            // any server may.
            guard head.isHTTP11, head.framing == .none, head.section.asksForUpgrade(bytes) else {
                return (false, false)
            }
            return (true, head.section.namesHTTP2(bytes))
        }
        if isHTTP2 {
            exchange.entry = entry
            return reply(LocalReply(Refusal.http2))
        }
        exchange.passage.upgrades = upgrades
        forward(to: entry)
    }

    /// Whether the request bears a token that opens the gateway, where one is asked for.
    func mayPass() -> Bool {
        guard let tokens = worker.tokens else { return true }
        let credential = exchange.bytes.withUnsafeReadableBytes { bytes in
            parser.head.section.fields.first { field in
                field.name == .authorization && tokens.accept(UnsafeRawBufferPointer(rebasing: bytes[field.value]))
            }
        }
        exchange.passage.credential = credential?.start
        return credential != nil
    }
}

extension FieldSection {
    /// Whether `Upgrade` asks for HTTP/2: relayed, it would carry requests past everything that is checked here.
    fileprivate func namesHTTP2(_ bytes: UnsafeRawBufferPointer) -> Bool {
        fields.contains { field in
            guard field.name == .upgrade else { return false }
            let value = String(decoding: UnsafeRawBufferPointer(rebasing: bytes[field.value]), as: UTF8.self)
            return value.lowercased().split(separator: ",").contains { protocolName in
                let name = protocolName.drop { $0 == " " || $0 == "\t" }
                return name.hasPrefix("h2") || name.hasPrefix("http/2")
            }
        }
    }
}
