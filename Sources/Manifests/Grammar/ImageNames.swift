/// Reading a node as the name of an image, or a part of one. None of them may begin with a dash: they are arguments of
/// other programs at times.
extension Node {
    /// `[registry/]repository[:tag][@digest]`.
    func imageReference() throws(Problem) -> String {
        let text = try name("[registry/]repository[:tag], for example ml-model-service:latest", longest: 512) {
            isASCIIAlphanumeric($0) || "._-/:@".unicodeScalars.contains($0)
        }
        guard let first = text.unicodeScalars.first, isASCIIAlphanumeric(first) else {
            throw Problem("\(quoted(text)) is not the name of an image")
        }
        return text
    }

    func repository() throws(Problem) -> String {
        let rule = "the name alone, in lower case, without registry and tag: ml-models/prediction-service"
        let text = try name(rule, longest: 256) {
            ("a"..."z").contains($0) || ("0"..."9").contains($0) || "._-/".unicodeScalars.contains($0)
        }
        guard let first = text.unicodeScalars.first, isASCIIAlphanumeric(first), !text.hasSuffix("/") else {
            throw Problem("\(quoted(text)) is not the name of a repository", hint: rule)
        }
        return text
    }

    func imageTag() throws(Problem) -> String {
        let text = try name("letters, digits, `.`, `_` and `-`", longest: 128) {
            isASCIIAlphanumeric($0) || "._-".unicodeScalars.contains($0)
        }
        guard text.first != ".", text.first != "-" else { throw Problem("\(quoted(text)) is not a tag") }
        return text
    }

    func imageDigest() throws(Problem) -> String {
        let text = try nonEmptyString()
        let algorithm = "sha256:"
        let digits = text.dropFirst(algorithm.count)
        guard text.hasPrefix(algorithm), digits.utf8.count == 64,
            digits.utf8.allSatisfy({ "0123456789abcdef".utf8.contains($0) })
        else { throw Problem("\(quoted(text)) is not a digest", hint: "sha256: and 64 digits from 0 to f") }
        return text
    }

    func region() throws(Problem) -> String {
        let text = try name("for example us-east-1", longest: 64) {
            ("a"..."z").contains($0) || ("0"..."9").contains($0) || $0 == "-"
        }
        guard text.first != "-" else { throw Problem("\(quoted(text)) is not a region") }
        return text
    }

    /// A host, perhaps with a port.
    func registryHost() throws(Problem) -> String {
        let text = try name("the host alone: 123456789012.dkr.ecr.us-east-1.amazonaws.com") {
            isASCIIAlphanumeric($0) || "._-:".unicodeScalars.contains($0)
        }
        guard let first = text.unicodeScalars.first, isASCIIAlphanumeric(first) else {
            throw Problem("\(quoted(text)) is not a host")
        }
        return text
    }
}
