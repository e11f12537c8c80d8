import Glibc

/// The names in a folder, sorted, without `.` and `..`.
struct FolderNames {
    /// A name that is no text: nothing can be asked of it as one.
    struct NonText {
        /// With its bytes that are no UTF-8 written as `\\xFF`: no two names are shown alike.
        let shown: String
        let isFolder: Bool
    }

    private(set) var names: [String] = []
    /// Those that are not UTF-8.
    private(set) var nonTexts: [NonText] = []

    /// - Parameter limit: more names than these are an error, ``tooManyNames``.
    init(of folder: String, limit: Int) throws(SystemError) {
        guard let stream = opendir(folder) else { throw .current }
        defer { closedir(stream) }
        while true {
            // The end of the folder and an error differ only in `errno`.
            errno = 0
            guard let entry = readdir(stream) else {
                guard errno == 0 else { throw .current }
                break
            }
            let bytes = withUnsafeBytes(of: entry.pointee.d_name) { Array($0.prefix { $0 != 0 }) }
            guard bytes != Array(".".utf8), bytes != Array("..".utf8) else { continue }
            guard names.count + nonTexts.count < limit else { throw SystemError(code: tooManyNames) }
            if let name = String(validating: bytes, as: UTF8.self) {
                names.append(name)
            } else {
                nonTexts.append(
                    NonText(shown: shownName(bytes), isFolder: isFolder(bytes, in: dirfd(stream))))
            }
        }
        names.sort { $0.utf8.lexicographicallyPrecedes($1.utf8) }
        nonTexts.sort { $0.shown.utf8.lexicographicallyPrecedes($1.shown.utf8) }
    }
}

private func isFolder(_ name: [UInt8], in folder: Int32) -> Bool {
    var info = stat()
    let path = name.map(CChar.init(bitPattern:)) + [0]
    return fstatat(folder, path, &info, 0) == 0 && info.st_mode & S_IFMT == S_IFDIR
}

private func shownName(_ bytes: [UInt8]) -> String {
    var shown = ""
    var rest = bytes[...]
    while let first = rest.first {
        // The shortest text at its beginning is one character.
        if let scalar = (1...4).lazy.compactMap({ String(validating: rest.prefix($0), as: UTF8.self) }).first {
            shown += scalar
            rest = rest.dropFirst(scalar.utf8.count)
        } else {
            let code = String(first, radix: 16, uppercase: true)
            shown += "\\x" + (code.count == 1 ? "0" : "") + code
            rest = rest.dropFirst()
        }
    }
    return shown
}
