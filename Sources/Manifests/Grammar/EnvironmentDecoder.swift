import ModelCore

/// Reads `environment` and checks every reference in it.
///
/// Values are text or numbers; a number is taken as it is written. A bare `true` or nothing is refused, because tools
/// disagree about what text it becomes.
struct EnvironmentDecoder {
    let place: ManifestPlace
    let findings: Findings
    /// What the launch provides to values.
    var provided = LaunchVariable.allCases

    struct Result {
        var values: [String: String] = [:]
        /// Also the names whose values are wrong: a use of one is no second mistake.
        var names: Set<String> = []
        /// Whether a value uses `${PORT}`.
        var usesPort = false
    }

    /// Modelet's own variables: an instance is recognised by them.
    private static let reservedPrefix = "MODELET_"

    func read(_ fields: inout Fields, into model: inout DecodedModel) -> Result? {
        guard let entry = fields.entry("environment") else { return nil }
        // An empty one says what none says.
        if case .mapping(let entries) = entry.value.content, entries.isEmpty { return nil }
        guard case .mapping(let entries) = entry.value.content else {
            let hint: String? =
                if case .sequence = entry.value.content { "write `NAME: value`, not `- NAME=value`" } else { nil }
            findings.report(
                Problem("`environment`: expected a mapping of names to values, found \(entry.value.found)", hint: hint),
                at: entry.value.start)
            return nil
        }
        var result = Result()
        for entry in entries {
            result.names.insert(entry.key)
            do {
                try check(name: entry)
                let value = try value(of: entry.value, &result, &model)
                result.values[entry.key] = value
            } catch {
                var problem = error
                problem.message = "`environment`: \(quoted(entry.key)): \(problem.message)"
                findings.report(problem, at: entry.value.start)
            }
        }
        return result
    }

    private func check(name entry: Node.Entry) throws(Problem) {
        guard EnvironmentName.isValid(entry.key) else {
            throw Problem(
                "is not the name of a variable", hint: "letters, digits and `_`, not beginning with a digit",
                at: entry.keyPosition)
        }
        guard !entry.key.hasPrefix(Self.reservedPrefix) else {
            throw Problem("names that begin with \(Self.reservedPrefix) belong to modelet", at: entry.keyPosition)
        }
    }

    private func value(
        of node: Node, _ result: inout Result, _ model: inout DecodedModel
    ) throws(Problem) -> String {
        let text = try node.environmentText()
        let value: EnvironmentValue
        do {
            value = try EnvironmentValue(text)
        } catch {
            throw Problem(error.message, hint: error.hint, at: position(of: error.offset, in: node))
        }
        for (reference, offset) in value.references {
            switch reference {
            case .name(let name):
                guard provided.contains(where: { $0.rawValue == name }) else {
                    throw Problem(
                        "`${\(name)}` is not provided to values",
                        hint: "only \(provided.map(\.rawValue).joined(separator: ", ")) are; "
                            + "write ${env:\(name)} for a variable of modelet's own environment",
                        at: position(of: offset, in: node))
                }
                if name == LaunchVariable.port.rawValue { result.usesPort = true }
            case .file(let path):
                let path = absolutePath(path, in: place.folder)
                model.diskClaims.append(DiskClaim(kind: .referencedFile, path: path, position: node.start))
            case .environment:
                break
            }
        }
        return value.withAbsoluteFiles(text, in: place.folder)
    }

    private func position(of offset: Int?, in node: Node) -> Position {
        offset.flatMap { findings.text?.position(ofOffset: $0, in: node) } ?? node.start
    }
}

extension EnvironmentValue {
    /// `text` as it is, unless it refers to a file by a relative path: the spec is read far from its manifest.
    func withAbsoluteFiles(_ text: String, in folder: String) -> String {
        let isRelative = references.contains { found in
            if case .file(let path) = found.reference { !path.hasPrefix("/") } else { false }
        }
        return isRelative ? self.text { absolutePath($0, in: folder) } : text
    }
}

extension Node {
    /// The value of a variable. Messages about it never show it: it may be a secret.
    fileprivate func environmentText() throws(Problem) -> String {
        guard case .scalar(let scalar) = content else {
            throw Problem("expected text or a number, found \(found)")
        }
        switch scalar.kind {
        case .text, .number: return scalar.text
        case .boolean, .looseBoolean:
            throw Problem(
                "a bare boolean means different text to different tools", hint: "put it in quotes: \"\(scalar.text)\"")
        case .null:
            throw Problem("has no value", hint: #"write "" for an empty one"#)
        }
    }

    /// `true`, `false`, or a list of names.
    func inheritedEnvironment() throws(Problem) -> InheritedEnvironment {
        guard case .sequence(let items) = content else {
            guard case .scalar(let scalar) = content, case .boolean(let all) = scalar.kind else {
                throw expected("true, false or a list of names")
            }
            return all ? .all : .none
        }
        var names: [String] = []
        for item in items {
            let name = try item.string()
            guard EnvironmentName.isValid(name) else {
                throw Problem("\(quoted(name)) is not the name of a variable", at: item.start)
            }
            names.append(name)
        }
        return .only(names)
    }
}
