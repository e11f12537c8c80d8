internal import Glibc

/// Reads small files of `/proc` into one buffer, which a scan over all processes uses again and again.
struct ProcReader {
    private var buffer: [UInt8]
    private var count = 0

    /// Enough for any `/proc/PID/stat`.
    static let smallBuffer = 1024

    init(capacity: Int = ProcReader.smallBuffer) {
        buffer = [UInt8](repeating: 0, count: capacity)
    }

    /// What was read last.
    var bytes: ArraySlice<UInt8> { buffer[0..<count] }
    var text: String { String(decoding: bytes, as: UTF8.self) }

    /// Reads the whole file, growing the buffer where needed up to `limit` bytes; what lies beyond is left out.
    mutating func read(_ path: String, limit: Int = ProcReader.smallBuffer) throws(ProcFSError) {
        let descriptor = try openForReading(path)
        defer { close(descriptor) }
        count = 0
        while count < limit {
            if count == buffer.count {
                buffer.append(contentsOf: repeatElement(0, count: min(buffer.count, limit - count)))
            }
            let got = try readSome(descriptor, into: &buffer, from: count)
            if got == 0 { return }
            count += got
        }
    }
}

func openForReading(_ path: String) throws(ProcFSError) -> Int32 {
    while true {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        if descriptor >= 0 { return descriptor }
        if errno != EINTR { throw ProcFSError(errno: errno) }
    }
}

/// One `read` into `buffer` behind its first `start` bytes; 0 at the end of the file.
func readSome(_ descriptor: Int32, into buffer: inout [UInt8], from start: Int) throws(ProcFSError) -> Int {
    while true {
        let got = buffer.withUnsafeMutableBytes { bytes in
            Glibc.read(descriptor, bytes.baseAddress.map { $0 + start }, bytes.count - start)
        }
        if got >= 0 { return got }
        if errno != EINTR { throw ProcFSError(errno: errno) }
    }
}

extension ProcFSError {
    init(errno code: Int32) {
        switch code {
        // ENOENT: the folder is gone. ESRCH: it was open, and the process ended.
        case ENOENT, ESRCH: self = .gone
        default: self = .unreadable(errno: code)
        }
    }

    /// The file is there, but is not what the kernel's documentation says.
    static let malformed = ProcFSError.unreadable(errno: EBADMSG)
}
