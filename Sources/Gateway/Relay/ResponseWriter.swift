import NIOCore

/// How the body of a response reaches the client.
enum ResponseMode {
    /// As it came.
    case asItCame
    /// The upstream ends it by closing; the client is sent chunks.
    case chunked
    /// The client speaks HTTP/1.0: it is sent the content alone, and the end of the connection ends it.
    case untilClose

    init(_ framing: MessageBody.Framing, isHTTP11: Bool) {
        switch framing {
        case .none, .length: self = .asItCame
        case .chunked: self = isHTTP11 ? .asItCame : .untilClose
        case .untilClose: self = isHTTP11 ? .chunked : .untilClose
        }
    }
}

/// Writes the head of a response for the client: the upstream's, with what must change changed and the rest as it came.
struct ResponseWriter {
    let head: ResponseHead
    let framing: MessageBody.Framing
    let mode: ResponseMode
    /// The request's id, and the bytes in which a given one lies.
    let requestID: RequestID
    let requestBytes: ByteBuffer
    /// Milliseconds that the request was held for a load.
    let coldStart: Int64?
    let isHTTP11: Bool
    let keepsAlive: Bool

    func write(to out: inout ByteBuffer, _ bytes: UnsafeRawBufferPointer, for upstream: PreparedUpstream) {
        out.writeStaticString("HTTP/1.1 ")
        out.writeBytes(UnsafeRawBufferPointer(rebasing: bytes[head.statusLine]))
        out.writeStaticString("\r\n")
        copyFields(to: &out, bytes)
        out.writeBytes(upstream.replyLines)
        if let coldStart { out.writeString("X-Modelet-Cold-Start-Ms: \(coldStart)\r\n") }
        out.writeStaticString("X-Request-Id: ")
        requestBytes.withUnsafeReadableBytes { out.write(requestID, head: $0) }
        if mode == .chunked || (mode == .asItCame && framing == .chunked) {
            out.writeStaticString("\r\nTransfer-Encoding: chunked")
        }
        if head.status == 101 {
            out.writeStaticString("\r\nConnection: Upgrade")
        } else if !keepsAlive {
            out.writeStaticString("\r\nConnection: close")
        } else if !isHTTP11 {
            out.writeStaticString("\r\nConnection: keep-alive")
        }
        out.writeStaticString("\r\n\r\n")
    }

    private func copyFields(to out: inout ByteBuffer, _ bytes: UnsafeRawBufferPointer) {
        var run = 0..<0
        for field in head.section.fields where passes(field, bytes) {
            let start = Int(field.start)
            if start == run.upperBound {
                run = run.lowerBound..<Int(field.end)
            } else {
                if !run.isEmpty { out.writeBytes(UnsafeRawBufferPointer(rebasing: bytes[run])) }
                run = start..<Int(field.end)
            }
        }
        if !run.isEmpty { out.writeBytes(UnsafeRawBufferPointer(rebasing: bytes[run])) }
    }

    @inline(__always)
    private func passes(_ field: HeaderField, _ bytes: UnsafeRawBufferPointer) -> Bool {
        switch field.name {
        case .contentLength:
            return head.status != 204 && head.status != 101
        case .upgrade:
            return head.status == 101
        case .transferEncoding, .connection, .hopByHop, .modelet, .requestID:
            return false
        default:
            return !head.section.isNamedByConnection(field, in: bytes)
        }
    }
}
