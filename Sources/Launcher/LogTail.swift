internal import Glibc
internal import ModelCore
internal import ProcFS

extension InstanceFiles {
    /// The last lines that the server wrote, oldest first, at most ``ExitRecord/longestLogTail``.
    ///
    /// Fit to be shown on a terminal: control characters are left out, long lines cut.
    func logTail() -> [String] {
        var lines = LogLines.last(of: Self.end(of: log))
        // Just after a rotation the newest file says little.
        if lines.count < ExitRecord.longestLogTail { lines = LogLines.last(of: Self.end(of: log + ".1")) + lines }
        return lines.suffix(ExitRecord.longestLogTail)
    }

    /// How much is read from the end of a file, in bytes: enough for twenty ordinary lines.
    private static let tailBytes = 64 * 1024

    private static func end(of path: String) -> ArraySlice<UInt8> {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return [] }
        defer { close(file) }
        let start = max(lseek(file, 0, SEEK_END) - off_t(tailBytes), 0)
        guard lseek(file, start, SEEK_SET) == start,
            let bytes = try? readDescriptor(file, path, limit: tailBytes)
        else { return [] }
        // The first line was cut at its beginning.
        guard start > 0, let newline = bytes.firstIndex(of: UInt8(ascii: "\n")) else { return bytes[...] }
        return bytes[(newline + 1)...]
    }
}
