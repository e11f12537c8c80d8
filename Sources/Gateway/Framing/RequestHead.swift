/// Where the parts of a request head lie in its bytes, and what they mean.
struct RequestHead {
    enum Method: Equatable {
        case get, head, post, put, delete, connect, options, trace, patch
        /// Of WebDAV and the like: only a model's own API knows what it means.
        case extended

        /// Whether doing it twice is the same as doing it once (RFC 9110 §9.2.2).
        var isIdempotent: Bool {
            switch self {
            case .get, .head, .put, .delete, .options, .trace: true
            case .post, .patch, .connect, .extended: false
            }
        }

        /// Whether a request without a body says so with `Content-Length: 0` (RFC 9110 §8.6).
        var expectsBody: Bool {
            switch self {
            case .post, .put, .patch: true
            default: false
            }
        }
    }

    var method = Method.get
    /// The method as sent.
    var methodName: Range<Int> = 0..<0
    /// The request target, as sent.
    var target: Range<Int> = 0..<0
    /// HTTP/1.1; otherwise HTTP/1.0.
    var isHTTP11 = true
    var section = FieldSection()
    var framing = MessageBody.Framing.none
    /// The client waits for `100 Continue` before it sends the body.
    var expectsContinue = false

    /// Whether the client wants to send another request on the connection.
    var keepsAlive: Bool { isHTTP11 ? !section.closes : section.keepsAlive && !section.closes }

    mutating func reset() {
        method = .get
        isHTTP11 = true
        section.reset()
        framing = .none
        expectsContinue = false
    }
}

/// Why a request head was not understood. The connection is of no further use.
enum Refusal: Equatable {
    case badRequestLine, badTarget, badVersion, http2, unknownVersion, unknownMethod
    case bareLineFeed, malformedField, tooManyFields, headTooLong, targetTooLong
    case badContentLength, repeatedContentLength, bothLengths
    case repeatedTransferEncoding, unsupportedTransferEncoding, transferEncodingInHTTP10
    case missingHost, repeatedHost, badHost, unknownExpectation

    init(_ fault: FieldSection.Fault) {
        switch fault {
        case .malformedField: self = .malformedField
        case .tooManyFields: self = .tooManyFields
        case .badContentLength: self = .badContentLength
        case .repeatedContentLength: self = .repeatedContentLength
        case .repeatedTransferEncoding: self = .repeatedTransferEncoding
        case .repeatedHost: self = .repeatedHost
        }
    }

    var status: Int {
        switch self {
        case .targetTooLong: 414
        case .unknownExpectation: 417
        case .headTooLong, .tooManyFields: 431
        case .unknownMethod, .unsupportedTransferEncoding: 501
        case .http2, .unknownVersion: 505
        default: 400
        }
    }

    var code: String {
        switch self {
        case .targetTooLong: "uri_too_long"
        case .unknownExpectation: "expectation_failed"
        case .headTooLong, .tooManyFields: "header_too_large"
        case .unknownMethod, .unsupportedTransferEncoding: "not_implemented"
        case .http2, .unknownVersion: "http_version_not_supported"
        default: "bad_request"
        }
    }

    var message: String {
        switch self {
        case .badRequestLine: "the request line is not `METHOD TARGET HTTP/1.1`"
        case .badTarget: "the request target is not a path"
        case .badVersion: "the HTTP version is malformed"
        case .http2: "HTTP/2 is not spoken here; use HTTP/1.1"
        case .unknownVersion: "only HTTP/1.1 and HTTP/1.0 are spoken here"
        case .unknownMethod: "the request method is not known"
        case .bareLineFeed: "a line of the request head does not end with CRLF"
        case .malformedField: "a header field is malformed"
        case .tooManyFields: "the request has more than \(Limits.mostFields) header fields"
        case .headTooLong: "the request head is longer than \(Limits.longestHead) bytes"
        case .targetTooLong: "the request target is longer than \(Limits.longestTarget) bytes"
        case .badContentLength: "Content-Length is not a number"
        case .repeatedContentLength: "Content-Length is given more than once"
        case .bothLengths: "Content-Length and Transfer-Encoding exclude each other"
        case .repeatedTransferEncoding: "Transfer-Encoding is given more than once"
        case .unsupportedTransferEncoding: "the only Transfer-Encoding understood is `chunked`"
        case .transferEncodingInHTTP10: "Transfer-Encoding is not part of HTTP/1.0"
        case .missingHost: "the Host header is missing"
        case .repeatedHost: "the Host header is given more than once"
        case .badHost: "the Host header is malformed"
        case .unknownExpectation: "the only expectation that can be met is `100-continue`"
        }
    }
}
