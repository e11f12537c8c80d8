import NIOCore

/// Writes the head of a request for an upstream: the client's, with what must change changed and the rest as it came.
struct RequestWriter {
    let head: RequestHead
    /// The bytes of the client's head.
    let bytes: ByteBuffer
    let query: Range<Int>
    let requestID: RequestID
    /// The client's numeric address.
    let client: [UInt8]
    let passage: Passage
    /// What opens the gateway; none of them goes any further.
    let tokens: BearerTokens?
    /// Whether the client's connection is under TLS.
    let isSecure: Bool

    func write(to out: inout ByteBuffer, for upstream: PreparedUpstream, overrides: HeaderOverrides) {
        bytes.withUnsafeReadableBytes { raw in
            if let path = passage.path {
                writeOwn(path, to: &out, raw, prefix: upstream.apiPrefix)
            } else {
                out.writeBytes(upstream.requestStart)
                writeQuery(to: &out, raw, hasQuery: upstream.hasQuery)
            }
            out.writeBytes(upstream.requestLines)
            let hasLength = copyFields(to: &out, raw, overrides)
            writeForwarded(to: &out, raw, overrides)
            writeTracing(to: &out, raw, overrides)
            writeFraming(to: &out, hasLength: hasLength)
        }
    }

    /// Writes the method and the target of a request to the model's own API, as they came.
    private func writeOwn(
        _ path: Range<Int>, to out: inout ByteBuffer, _ raw: UnsafeRawBufferPointer, prefix: [UInt8]
    ) {
        out.writeBytes(UnsafeRawBufferPointer(rebasing: raw[head.methodName]))
        out.writeInteger(ByteClass.space)
        out.writeBytes(prefix)
        if path.isEmpty { out.writeInteger(UInt8(ascii: "/")) }
        out.writeBytes(UnsafeRawBufferPointer(rebasing: raw[path]))
        out.writeBytes(UnsafeRawBufferPointer(rebasing: raw[query]))
    }

    private func writeQuery(to out: inout ByteBuffer, _ raw: UnsafeRawBufferPointer, hasQuery: Bool) {
        guard query.count > 1 else { return }
        if hasQuery {
            out.writeInteger(UInt8(ascii: "&"))
            out.writeBytes(UnsafeRawBufferPointer(rebasing: raw[(query.lowerBound + 1)..<query.upperBound]))
        } else {
            out.writeBytes(UnsafeRawBufferPointer(rebasing: raw[query]))
        }
    }

    /// Copies the fields that pass, in runs as long as they come.
    /// - Returns: whether `Content-Length` was among them.
    private func copyFields(
        to out: inout ByteBuffer, _ raw: UnsafeRawBufferPointer, _ overrides: HeaderOverrides
    ) -> Bool {
        var run = 0..<0
        var hasLength = false
        for field in head.section.fields where passes(field, raw, overrides) {
            if field.name == .contentLength { hasLength = true }
            let start = Int(field.start)
            if start == run.upperBound {
                run = run.lowerBound..<Int(field.end)
            } else {
                if !run.isEmpty { out.writeBytes(UnsafeRawBufferPointer(rebasing: raw[run])) }
                run = start..<Int(field.end)
            }
        }
        if !run.isEmpty { out.writeBytes(UnsafeRawBufferPointer(rebasing: raw[run])) }
        return hasLength
    }

    @inline(__always)
    private func passes(
        _ field: HeaderField, _ raw: UnsafeRawBufferPointer, _ overrides: HeaderOverrides
    ) -> Bool {
        switch field.name {
        case .other, .modelet:
            return !overrides.replaces(field, in: raw) && !head.section.isNamedByConnection(field, in: raw)
        case .contentLength:
            // Written anew where blanks around the value might make another reader see another one.
            return field.valueStart == field.nameEnd + 2 && raw[Int(field.nameEnd) + 1] == ByteClass.space
                && field.end == field.valueEnd + 2
        case .traceparent, .forwardedHost:
            return !overrides.has(field.name)
        case .forwardedProto:
            return !isSecure && !overrides.has(.forwardedProto)
        case .authorization:
            return field.start != passage.credential && !overrides.has(.authorization)
                && !head.section.isNamedByConnection(field, in: raw) && !opensGateway(field, raw)
        case .upgrade:
            return passage.upgrades
        case .host, .transferEncoding, .connection, .expect, .hopByHop, .forwardedFor, .requestID:
            return false
        }
    }

    /// Whether it is a token of this gateway, as a second field may be.
    private func opensGateway(_ field: HeaderField, _ raw: UnsafeRawBufferPointer) -> Bool {
        tokens?.accept(UnsafeRawBufferPointer(rebasing: raw[field.value])) ?? false
    }

    private func writeForwarded(
        to out: inout ByteBuffer, _ raw: UnsafeRawBufferPointer, _ overrides: HeaderOverrides
    ) {
        if !overrides.has(.forwardedFor) {
            out.writeStaticString("X-Forwarded-For: ")
            if head.section.has(.forwardedFor) {
                for field in head.section.fields where field.name == .forwardedFor && !field.value.isEmpty {
                    out.writeBytes(UnsafeRawBufferPointer(rebasing: raw[field.value]))
                    out.writeStaticString(", ")
                }
            }
            out.writeBytes(client)
            out.writeStaticString("\r\n")
        }
        // Another proxy in front may have taken TLS off; where it was taken off here, nobody knows better.
        if !overrides.has(.forwardedProto), isSecure || !head.section.has(.forwardedProto) {
            out.writeStaticString(isSecure ? "X-Forwarded-Proto: https\r\n" : "X-Forwarded-Proto: http\r\n")
        }
        if !overrides.has(.forwardedHost), !head.section.has(.forwardedHost), let host = head.section.first(.host) {
            out.writeStaticString("X-Forwarded-Host: ")
            out.writeBytes(UnsafeRawBufferPointer(rebasing: raw[host.value]))
            out.writeStaticString("\r\n")
        }
    }

    private func writeTracing(
        to out: inout ByteBuffer, _ raw: UnsafeRawBufferPointer, _ overrides: HeaderOverrides
    ) {
        if !overrides.has(.requestID) {
            out.writeStaticString("X-Request-Id: ")
            out.write(requestID, head: raw)
            out.writeStaticString("\r\n")
        }
        // A trace is begun with the id that was made, so that the two can be matched; not sampled, for nothing here
        // records spans. To a request id from outside no trace of ours can be matched, so none is begun.
        if !overrides.has(.traceparent), !head.section.has(.traceparent), case .made(let high, let low) = requestID {
            out.writeStaticString("traceparent: 00-")
            out.write(requestID, head: raw)
            out.writeStaticString("-")
            out.writeHex(high ^ low | 1)
            out.writeStaticString("-00\r\n")
        }
    }

    private func writeFraming(to out: inout ByteBuffer, hasLength: Bool) {
        switch head.framing {
        case .chunked:
            out.writeStaticString("Transfer-Encoding: chunked\r\n")
        case .none, .length, .untilClose:
            if !hasLength, head.section.contentLength != nil || head.method.expectsBody {
                out.writeString("Content-Length: \(head.section.contentLength ?? 0)\r\n")
            }
        }
        if passage.upgrades { out.writeStaticString("Connection: Upgrade\r\n") }
        out.writeStaticString("\r\n")
    }
}
