/// `path` from `folder`, an absolute path: without `.`, `..` and doubled slashes. The disk is not asked: symbolic links
/// stay as they are.
package func absolutePath(_ path: String, in folder: String) -> String {
    let slash = UInt8(ascii: "/")
    var parts: [Substring.UTF8View] = []
    let text = path.utf8.first == slash ? path : "\(folder)/\(path)"
    for part in text.utf8.split(separator: slash) {
        if part.elementsEqual(".".utf8) { continue }
        if part.elementsEqual("..".utf8) {
            _ = parts.popLast()
        } else {
            parts.append(part)
        }
    }
    return "/" + parts.map { String(Substring($0)) }.joined(separator: "/")
}
