import ModelCore

/// Reading a node as the name of an image, or a part of one. None of them may begin with a dash: they are arguments of
/// other programs at times.
extension Node {
    /// `[registry/]repository[:tag][@digest]`, as it is written.
    func imageReference() throws(Problem) -> String {
        let text = try nonEmptyString()
        do {
            _ = try ImageReference(text)
            return text
        } catch {
            throw Problem("\(quoted(text)) is not the name of an image: \(error.message)", hint: error.hint)
        }
    }

    func repository() throws(Problem) -> String {
        let rule = "the name alone, in lower case, without registry and tag: ml-models/prediction-service"
        let text = try nonEmptyString()
        guard ImageGrammar.isRepository(text), text.utf8.count <= ImageGrammar.longestName else {
            throw Problem("\(quoted(text)) is not the name of a repository", hint: rule)
        }
        return text
    }

    func imageTag() throws(Problem) -> String {
        let text = try nonEmptyString()
        guard ImageGrammar.isTag(text) else {
            throw Problem(
                "\(quoted(text)) is not a tag",
                hint: "letters, digits, `.`, `_` and `-`, at most \(ImageGrammar.longestTag) of them")
        }
        return text
    }

    func imageDigest() throws(Problem) -> String {
        let text = try nonEmptyString()
        guard ImageGrammar.isDigest(text) else {
            throw Problem("\(quoted(text)) is not a digest", hint: "sha256: and 64 digits from 0 to f")
        }
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
        let text = try nonEmptyString()
        guard ImageGrammar.isRegistry(text), text.utf8.count <= ImageGrammar.longestName else {
            throw Problem(
                "\(quoted(text)) is not a host",
                hint: "the host alone: 123456789012.dkr.ecr.us-east-1.amazonaws.com")
        }
        return text
    }
}
