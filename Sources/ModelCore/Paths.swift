// Paths are compared by their bytes, as the disk has them, and not by what Unicode holds to be the same. They are taken as
// they are: absolute, or relative to the same folder, and without `.` and `..`.

/// Whether `path` is `folder` or lies below it.
package func isWithin(_ path: String, _ folder: String) -> Bool {
    folder == "/" || path.utf8.elementsEqual(folder.utf8) || relativePath(of: path, below: folder) != nil
}

/// What leads from `folder` to `path`; `nil` where that does not lie below it.
package func relativePath(of path: String, below folder: String) -> String? {
    let start = folder == "/" ? folder : folder + "/"
    guard path.utf8.count > start.utf8.count, path.utf8.starts(with: start.utf8) else { return nil }
    return String(decoding: path.utf8.dropFirst(start.utf8.count), as: UTF8.self)
}
