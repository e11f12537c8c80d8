import ModelCore

/// Reads `registry_auth`: where the user name and password for a registry are to be found.
///
/// `${env:NAME}` or `${file:PATH}` for `user:password`, or the user written out and the password as a reference:
/// `robot:${file:./password}`, `${env:USER}:${env:PASSWORD}`. The password itself cannot be written: a manifest is no
/// place for it, and specs are stored as they are.
struct RegistryAuthDecoder {
    let place: ManifestPlace
    let findings: Findings

    private static let hint =
        "write ${env:NAME} or ${file:PATH} for `user:password`, or user:${file:PATH} for the password alone"

    func read(_ fields: inout Fields, into model: inout DecodedModel) -> String? {
        let position = fields.entry("registry_auth")?.value.start
        let value = fields.read("registry_auth") { node throws(Problem) in
            let text = try node.nonEmptyString()
            return (text, try parse(text, in: node))
        }
        guard let (text, parsed) = value, let position else { return nil }
        for case (.file(let path), _) in parsed.references {
            let path = absolutePath(path, in: place.folder)
            model.diskClaims.append(DiskClaim(kind: .registryAuth, path: path, position: position))
        }
        return parsed.withAbsoluteFiles(text, in: place.folder)
    }

    private func parse(_ text: String, in node: Node) throws(Problem) -> EnvironmentValue {
        let value: EnvironmentValue
        do {
            value = try EnvironmentValue(text)
        } catch {
            let position = error.offset.flatMap { findings.text?.position(ofOffset: $0, in: node) }
            throw Problem(error.message, hint: Self.hint, at: position ?? node.start)
        }
        guard value.referencedNames.isEmpty else {
            throw Problem("variables of the launch have no place here: the image is fetched before", hint: Self.hint)
        }
        guard hasNoPassword(value) else { throw Problem("the password is not a reference", hint: Self.hint) }
        return value
    }

    /// Whether nothing but the user's name is written out: after the colon there are references alone.
    private func hasNoPassword(_ value: EnvironmentValue) -> Bool {
        var isAfterColon = false
        for (place, segment) in value.segments.enumerated() {
            guard case .literal(let text) = segment else { continue }
            guard !isAfterColon, text.last == ":", !text.dropLast().contains(":"), place + 1 < value.segments.count
            else { return false }
            isAfterColon = true
        }
        return isAfterColon || value.segments.count == 1
    }
}
