internal import FoundationEssentials
internal import Glibc

/// Copies of files in a directory that only this user can enter, and that lasts as long as a call.
enum PrivateCopy {
    /// Runs `body` on the copy of the first file; the others lie beside it. Files that do not exist are left out.
    static func with<Value>(_ files: [String], _ body: (String) throws -> Value) throws -> Value {
        var template = Array((temporaryDirectory + "/modelet-XXXXXX").utf8CString)
        guard mkdtemp(&template) != nil else {
            throw StateDirectoryError("create a directory in", temporaryDirectory, errno)
        }
        let directory = template.withUnsafeBufferPointer {
            String(decoding: $0.dropLast().map(UInt8.init), as: UTF8.self)
        }
        let outcome = Result { try body(try copy(files, into: directory)) }
        // What is left behind is a copy that nobody else can read: not worth failing for.
        try? FileManager.default.removeItem(atPath: directory)
        return try outcome.get()
    }

    private static func copy(_ files: [String], into directory: String) throws -> String {
        let copies = files.map { file in (file, directory + "/" + (file.split(separator: "/").last ?? "copy")) }
        for (file, copy) in copies where access(file, F_OK) == 0 {
            try FileManager.default.copyItem(atPath: file, toPath: copy)
        }
        return copies.first?.1 ?? directory
    }

    private static var temporaryDirectory: String {
        getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
    }
}
