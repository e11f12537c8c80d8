import ModelCore
import Testing

/// What an edit of each field does, and what is no edit at all. The fields are those that the grammar knows.
@Suite struct FieldClassTests {
    private static let key = ModelKey(domain: "churn", source: "s", model: "m")

    private func accepted(_ text: String, in folder: ManifestFolder) throws -> [ModelRecord] {
        try folder.replace("churn.yaml", by: text)
        return try folder.accepted()
    }

    /// What editing one text into another changes.
    private func edit(_ old: String, to new: String) throws -> Acceptance {
        let folder = try ManifestFolder()
        let known = try accepted(old, in: folder)
        try folder.replace("churn.yaml", by: new)
        // Of the text, not of what this host happens to have.
        let set = folder.load()
        #expect(set.errors == [], "\(new)")
        return folder.judged(known)
    }

    /// The keys that the grammar asks a mapping for, by what it says of one that it does not know.
    private func known(_ kind: SourceKind, at level: Level) throws -> Set<String>? {
        let folder = try ManifestFolder(["churn.yaml": ManifestText(kind).withUnknownKey(at: level).text])
        let hint = folder.load().diagnostics.first { $0.message.contains(ManifestText.unknown) }?.hint
        guard let hint, let list = hint.firstRange(of: "known here: ") else { return nil }
        return Set(hint[list.upperBound...].split(separator: ",").map { $0.filter { $0 != " " } })
    }

    @Test(arguments: SourceKind.allCases)
    func everyFieldThatTheGrammarKnowsHasAClass(_ kind: SourceKind) throws {
        let fields = FieldTable.fields(of: kind)
        for level in Level.allCases {
            // What is only there with a source has no place in a model without one; capabilities are a container's.
            if kind == .remote, [.source, .capabilities, .readiness, .liveness].contains(level) { continue }
            if kind == .local, level == .capabilities { continue }
            let known = try #require(try known(kind, at: level), "\(level)")
            var classed = Set(fields.filter { $0.level == level }.map(\.name))
            // A model without a source may have these, and is warned that they say nothing.
            if kind == .remote, level == .model { classed.formUnion(FieldTable.fields(of: .local).names(at: .model)) }
            #expect(known == classed, "\(kind.rawValue), \(level.rawValue): not classed, or not known")
        }
    }

    @Test(arguments: SourceKind.allCases)
    func anEditOfAFieldAloneIsOfItsClass(_ kind: SourceKind) throws {
        for field in FieldTable.fields(of: kind) where field.kind != .structure {
            let base = ManifestText(kind)
            let (a, b) = (base.with(field, field.values.0).text, base.with(field, field.values.1).text)
            let acceptance = try edit(a, to: b)
            expect(acceptance, isOf: field)
            // Without a source, it is all that there is.
            let isRequired = field.isRequired || kind == .remote && field.name == "base_url"
            guard !isRequired else { continue }
            let absent = base.with(field, nil).text
            if field.kind != .identity { expect(try edit(absent, to: a), isOf: field) }
            if field.kind != .identity { expect(try edit(a, to: absent), isOf: field) }
        }
    }

    private func expect(_ acceptance: Acceptance, isOf field: Field) {
        let what: Comment = "\(field): \(acceptance)"
        switch field.kind {
        case .identity:
            // The new name of the same model: no removal that could be held.
            #expect(acceptance.changes.map(\.isNew) == [true], what)
            #expect(acceptance.removals == [Self.key], what)
        case .run, .inPlace:
            #expect(acceptance.changes.map(\.replacesInstance) == [field.kind == .run], what)
            #expect(acceptance.changes.map(\.generation) == [field.kind == .run ? 2 : 1], what)
            #expect(acceptance.changes.allSatisfy { !$0.fields.isEmpty && !$0.isNew }, what)
            #expect(acceptance.removals.isEmpty && acceptance.heldRemovals.isEmpty, what)
        case .structure: break
        }
    }

    @Test(arguments: SourceKind.allCases)
    func aDefaultThatIsWrittenOutIsNoEdit(_ kind: SourceKind) throws {
        for field in FieldTable.fields(of: kind) {
            let absent = ManifestText(kind).with(field, nil).text
            for value in field.defaults {
                let explicit = ManifestText(kind).with(field, value).text
                #expect(try edit(absent, to: explicit) == Acceptance(), "\(field): \(value)")
                #expect(try edit(explicit, to: absent) == Acceptance(), "\(field): \(value)")
            }
        }
    }

    @Test(arguments: SourceKind.allCases)
    func anotherSpellingIsNoEdit(_ kind: SourceKind) throws {
        for field in FieldTable.fields(of: kind) where field.kind != .structure {
            let first = ManifestText(kind).with(field, field.values.0)
            #expect(try edit(first.text, to: first.otherText) == Acceptance(), "\(field): \(first.otherText)")
            for value in field.spellings {
                let other = ManifestText(kind).with(field, value).text
                #expect(try edit(first.text, to: other) == Acceptance(), "\(field): \(value)")
            }
        }
    }

    /// Anchors, aliases, comments, document markers, line ends.
    @Test func reformattingIsNoEdit() throws {
        let plain = """
            ml:
              sources:
                s:
                  base_url: http://h:1
                  models:
                    a: {endpoint: /p, timeout: 30, source: {type: docker, image: i, container_port: 80, environment: {A: "1"}}}
                    b: {endpoint: /p, timeout: 30, source: {type: docker, image: i, container_port: 80, environment: {A: "1"}}}

            """
        let anchored = """
            # A comment.
            x-source: &source
              container_port: 80
              environment: &env {A: '1'}
              image: "i"
              type: docker
            ml: # another
              sources:
                "s":
                  models:
                    'b': &model
                      source: *source
                      timeout: 0m30s
                      endpoint: '/p'
                    a: *model
                  base_url: 'http://h:1'
            ...

            """
        #expect(try edit(plain, to: anchored) == Acceptance())
        let otherLines = plain.split(separator: "\n").joined(separator: "\r\n") + "\r\n"
        #expect(try edit(plain, to: otherLines) == Acceptance())
        #expect(try edit(plain, to: "\u{FEFF}" + plain) == Acceptance())
    }

    @Test func losingOrGainingASourceOrItsTypeReplaces() throws {
        let texts = SourceKind.allCases.map { ManifestText($0).text }
        for (index, old) in texts.enumerated() {
            for (other, new) in texts.enumerated() where other != index {
                #expect(try edit(old, to: new).changes.map(\.replacesInstance) == [true])
            }
        }
    }

    @Test func aMoveBetweenFilesOrFoldersIsNoChange() throws {
        let text = ManifestText(.docker).text
        let folder = try ManifestFolder(["churn.yaml": text])
        let known = try folder.accepted()
        try folder.remove("churn.yaml")
        try folder.replace("more/models.yaml", by: "domain: churn\n" + text)
        let acceptance = folder.judged(known)
        #expect(acceptance.isEmpty)
        #expect(acceptance.heldRemovals.isEmpty)
        #expect(acceptance.moves.map(\.file) == ["more/models.yaml"])
    }
}

extension [Field] {
    fileprivate func names(at level: Level) -> Set<String> { Set(filter { $0.level == level }.map(\.name)) }
}
