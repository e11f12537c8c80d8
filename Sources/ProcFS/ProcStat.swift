/// What one line of `/proc/PID/stat` says of a process.
package struct ProcStat: Hashable, Sendable {
    package var pid: Int32
    /// The name of the program, cut by the kernel to 15 bytes.
    package var comm: String
    /// `R` running, `S` sleeping, `Z` zombie … as in proc(5).
    package var state: Character
    package var ppid: Int32
    package var session: Int32
    /// Clock ticks from boot to the start of the process; with the pid it names a process for one boot.
    package var startTicks: UInt64

    /// Whether it has ended and only waits to be reaped: it runs nothing and holds nothing any more.
    package var isZombie: Bool { state == "Z" || state == "X" || state == "x" }

    /// Fields counted from the one behind the name, which is the third in proc(5).
    private enum Field {
        static let state = 0
        static let ppid = 1
        static let session = 3
        static let startTicks = 19
    }

    /// Parses `pid (name) state ppid …`. A name may hold blanks and parentheses, so it ends at the *last* `)`.
    init?(line: ArraySlice<UInt8>) {
        guard let open = line.firstIndex(of: UInt8(ascii: "(")), let close = line.lastIndex(of: UInt8(ascii: ")")),
            open < close, let pid = Int32(decimal: line[..<open])
        else { return nil }
        let fields = line[(close + 1)...].split(
            maxSplits: Field.startTicks + 1, whereSeparator: { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\n") })
        guard fields.count > Field.startTicks, let state = fields[Field.state].first,
            let ppid = Int32(decimal: fields[Field.ppid]), let session = Int32(decimal: fields[Field.session]),
            let startTicks = UInt64(decimal: fields[Field.startTicks])
        else { return nil }
        self.pid = pid
        comm = String(decoding: line[(open + 1)..<close], as: UTF8.self)
        self.state = Character(Unicode.Scalar(state))
        self.ppid = ppid
        self.session = session
        self.startTicks = startTicks
    }
}

extension FixedWidthInteger {
    /// A decimal number, blanks around it ignored.
    init?(decimal bytes: ArraySlice<UInt8>) {
        let digits = bytes.drop { $0 == UInt8(ascii: " ") }.prefix { $0 != UInt8(ascii: " ") }
        self.init(String(decoding: digits, as: UTF8.self))
    }
}
