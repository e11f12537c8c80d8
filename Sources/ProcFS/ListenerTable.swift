/// Finds the listening sockets in a table of TCP sockets, `/proc/PID/net/tcp` or `tcp6`. A pure value: bytes in,
/// listeners out.
///
/// The form is told in Documentation/networking/proc_net_tcp.rst. The kernel lists the sockets that listen first; from
/// the first other one on there are only connections, so that the rest need not be read.
struct ListenerTable: Sendable {
    /// The sockets that listen, by the port on which they do.
    private(set) var listeners: [Int: [Listener]] = [:]
    /// Whether nothing that could still come would matter.
    private(set) var isComplete = false

    private let family: Listener.Family
    /// The beginning of a line whose end has not come yet.
    private var unfinished: [UInt8] = []

    init(_ family: Listener.Family) {
        self.family = family
    }

    /// The columns of a line that matter.
    private enum Column {
        static let local = 1
        static let state = 3
        static let inode = 9
    }
    /// The last digit of 0A, which no other state ends with.
    private static let listening = UInt8(ascii: "A")
    /// Bytes. A line has some 180 at most; what is longer is no such table.
    private static let longestLine = 4096

    /// Takes the next piece of the table, cut wherever it may be.
    mutating func read(_ bytes: ArraySlice<UInt8>) throws(ProcFSError) {
        var rest = unfinished[...] + bytes
        while !isComplete, let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
            read(line: rest[..<end])
            rest = rest[(end + 1)...]
        }
        if !isComplete, rest.count > Self.longestLine { throw .malformed }
        unfinished = Array(rest)
    }

    private mutating func read(line: ArraySlice<UInt8>) {
        let columns = line.split(separator: UInt8(ascii: " "), maxSplits: Column.inode + 1)
        // The first line names the columns.
        guard columns.count > Column.inode, columns[0].last == UInt8(ascii: ":") else { return }
        guard columns[Column.state].last == Self.listening else {
            isComplete = true
            return
        }
        let local = columns[Column.local].split(separator: UInt8(ascii: ":"))
        guard local.count == 2, let port = UInt16(String(decoding: local[1], as: UTF8.self), radix: 16),
            let inode = UInt64(decimal: columns[Column.inode]), let address = address(local[0])
        else { return }
        listeners[Int(port), default: []].append(Listener(family: family, address: address, inode: inode))
    }

    /// The kernel prints an address as words of 32 bits in its own byte order; the bytes in memory are the address.
    private func address(_ hexadecimal: ArraySlice<UInt8>) -> [UInt8]? {
        guard hexadecimal.count == (family == .v4 ? 8 : 32) else { return nil }
        var bytes: [UInt8] = []
        for start in stride(from: hexadecimal.startIndex, to: hexadecimal.endIndex, by: 8) {
            let digits = String(decoding: hexadecimal[start..<(start + 8)], as: UTF8.self)
            guard let word = UInt32(digits, radix: 16) else { return nil }
            withUnsafeBytes(of: word) { bytes.append(contentsOf: $0) }
        }
        return bytes
    }
}
