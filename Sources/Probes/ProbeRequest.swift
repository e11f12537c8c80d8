internal import ModelCore
internal import Reconciler

extension ProbeRound {
    /// `nil` for a probe that only connects.
    var request: String? {
        guard case .http(let probe) = target.readiness else { return nil }
        let host = target.host.contains(":") ? "[\(target.host)]" : target.host
        return """
            GET \(Self.requestTarget(probe.effectivePath)) HTTP/1.1\r
            Host: \(host):\(target.port)\r
            User-Agent: modelet-probe\r
            Accept: */*\r
            Connection: close\r
            \r

            """
    }

    /// The path with everything escaped that must not stand in a request line.
    static func requestTarget(_ path: String) -> String {
        let digits = Array("0123456789ABCDEF")
        let escaped = path.utf8.map { byte in
            (0x21...0x7E).contains(byte)
                ? String(Unicode.Scalar(byte)) : "%\(digits[Int(byte >> 4)])\(digits[Int(byte & 15)])"
        }.joined()
        return escaped.hasPrefix("/") ? escaped : "/\(escaped)"
    }
}
