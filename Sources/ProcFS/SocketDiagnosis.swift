internal import Glibc

/// Asks the kernel for listening sockets over netlink, sock_diag(7), as `ss` does.
///
/// The tables in `/proc/net` hold the same, but to reach their end the kernel walks its whole table of connections:
/// some 10 ms on a host with plenty of memory, too much for a question that every probe asks. This takes 0.1 ms.
struct SocketDiagnosis: ~Copyable {
    private let descriptor: Int32
    private var buffer = [UInt8](repeating: 0, count: 32 * 1024)

    /// Numbers of linux/netlink.h, linux/sock_diag.h and linux/inet_diag.h, which Swift does not see.
    private enum Wire {
        static let netlinkFamily: Int32 = 16
        static let diagnosisProtocol: Int32 = 4
        static let byFamily: UInt16 = 20
        /// NLM_F_REQUEST | NLM_F_ROOT | NLM_F_MATCH
        static let dump: UInt16 = 0x301
        static let error: UInt16 = 2
        static let done: UInt16 = 3
        static let tcp: UInt8 = 6
        static let listenState: UInt32 = 1 << 10
        /// `struct nlmsghdr`
        static let header = 16
        /// `struct inet_diag_req_v2`
        static let request = 56
        /// `struct inet_diag_msg`, and where in it lie its source port, its source address, and its inode.
        static let answer = 72
        static let port = 4
        static let address = 8
        static let inode = 68
    }

    init() throws(ProcFSError) {
        let kind = Int32(SOCK_RAW.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        descriptor = socket(Wire.netlinkFamily, kind, Wire.diagnosisProtocol)
        if descriptor < 0 { throw ProcFSError(errno: errno) }
    }

    deinit { close(descriptor) }

    mutating func listeners(onPort port: UInt16, family: Listener.Family) throws(ProcFSError) -> [Listener] {
        let request = Self.request(port: port, family: family)
        guard send(descriptor, request, request.count, 0) == request.count else { throw ProcFSError(errno: errno) }
        var found: [Listener] = []
        while true {
            // The kernel has written the answer, or its next part, by the time we ask: nothing to wait for.
            let got = recv(descriptor, &buffer, buffer.count, Int32(MSG_DONTWAIT))
            if got < 0 && errno == EINTR { continue }
            guard got > 0 else { throw ProcFSError(errno: got < 0 ? errno : EBADMSG) }
            if try read(buffer[0..<got], port: port, family: family, into: &found) { return found }
        }
    }

    private static func request(port: UInt16, family: Listener.Family) -> [UInt8] {
        var bytes: [UInt8] = []
        func put(_ value: some FixedWidthInteger) { withUnsafeBytes(of: value) { bytes.append(contentsOf: $0) } }
        put(UInt32(Wire.header + Wire.request))
        put(Wire.byFamily)
        put(Wire.dump)
        put(UInt32(0))  // sequence number: one question at a time
        put(UInt32(0))  // sender: the kernel fills it in
        put(UInt8(family == .v4 ? AF_INET : AF_INET6))
        put(Wire.tcp)
        put(UInt16(0))  // no extensions, padding
        put(Wire.listenState)
        put(port.bigEndian)
        return bytes + [UInt8](repeating: 0, count: Wire.header + Wire.request - bytes.count)
    }

    /// - Returns: whether that was the end of the answer.
    private func read(
        _ datagram: ArraySlice<UInt8>, port: UInt16, family: Listener.Family, into found: inout [Listener]
    ) throws(ProcFSError) -> Bool {
        var rest = datagram
        while rest.count >= Wire.header {
            let length = Int(rest.integer(UInt32.self, at: 0))
            guard length >= Wire.header, length <= rest.count else { throw .malformed }
            let body = rest.prefix(length).dropFirst(Wire.header)
            switch rest.integer(UInt16.self, at: 4) {
            case Wire.done: return true
            case Wire.error:
                throw ProcFSError(errno: body.count >= 4 ? -body.integer(Int32.self, at: 0) : EBADMSG)
            case Wire.byFamily where body.count >= Wire.answer:
                guard UInt16(bigEndian: body.integer(UInt16.self, at: Wire.port)) == port else { break }
                let address = body.dropFirst(Wire.address).prefix(family == .v4 ? 4 : 16)
                let inode = UInt64(body.integer(UInt32.self, at: Wire.inode))
                found.append(Listener(family: family, address: Array(address), inode: inode))
            default: break
            }
            // Messages begin at multiples of four.
            rest = rest.dropFirst((length + 3) & ~3)
        }
        return false
    }
}

extension ArraySlice<UInt8> {
    /// The integer, in the host's byte order, `offset` bytes behind the start; so many bytes must be there.
    fileprivate func integer<Integer: FixedWidthInteger>(_ type: Integer.Type, at offset: Int) -> Integer {
        withUnsafeBytes { $0.loadUnaligned(fromByteOffset: offset, as: type) }
    }
}
