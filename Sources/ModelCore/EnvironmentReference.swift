/// The variables that every launch provides, besides those that its manifest declares.
package enum LaunchVariable: String, Hashable, Sendable, CaseIterable {
    case port = "PORT"
    case host = "HOST"
    case modelPath = "MODEL_PATH"
    case modelKey = "MODEL_KEY"
}

/// The names that `environment` may declare and that may stand between `${` and `}`.
package enum EnvironmentName {
    /// Whether `text` is a name as POSIX has it: `[A-Za-z_][A-Za-z0-9_]*`.
    package static func isValid(_ text: String) -> Bool {
        guard let first = text.unicodeScalars.first, isStart(first) else { return false }
        return text.unicodeScalars.allSatisfy(isPart)
    }

    static func isStart(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar {
        case "A"..."Z", "a"..."z", "_": true
        default: false
        }
    }

    static func isPart(_ scalar: Unicode.Scalar) -> Bool {
        isStart(scalar) || ("0"..."9").contains(scalar)
    }
}

/// What a part of an `environment` value stands for.
package enum EnvironmentReference: Hashable, Sendable {
    /// `${PORT}`: a value that the launch provides.
    case name(String)
    /// `${env:NAME}`: a variable of the daemon's own environment.
    case environment(String)
    /// `${file:PATH}`: the contents of a file, less one newline at its end.
    case file(String)
}

/// A value of `environment`: text in which references may stand anywhere. `$$` is a `$`.
///
/// Parsing and resolving do no I/O: the spec stores and hashes the text with its references, and only a launch
/// resolves them.
package struct EnvironmentValue: Hashable, Sendable {
    package enum Segment: Hashable, Sendable {
        case literal(String)
        /// `offset` counts Unicode scalars from the start of the text to the `$`.
        case reference(EnvironmentReference, offset: Int)
    }

    package let segments: [Segment]

    /// Parses a value as a manifest writes it.
    package init(_ text: String) throws(EnvironmentValueError) {
        let scalars = Array(text.unicodeScalars)
        var segments: [Segment] = []
        var literal = String.UnicodeScalarView()
        var offset = 0
        while offset < scalars.count {
            guard scalars[offset] == "$" else {
                literal.append(scalars[offset])
                offset += 1
                continue
            }
            let dollar = try Self.dollar(in: scalars, at: offset)
            switch dollar.meaning {
            case .dollar:
                literal.append("$")
            case .reference(let body):
                if !literal.isEmpty { segments.append(.literal(String(literal))) }
                literal = String.UnicodeScalarView()
                guard let reference = Self.reference(body) else { throw .reference(.malformed(body), offset: offset) }
                segments.append(.reference(reference, offset: offset))
            }
            offset = dollar.end
        }
        if !literal.isEmpty { segments.append(.literal(String(literal))) }
        self.segments = segments
    }

    private static func dollar(
        in scalars: [Unicode.Scalar], at offset: Int
    ) throws(EnvironmentValueError) -> DollarScan {
        do {
            return try DollarScan(scalars, at: offset)
        } catch {
            throw .reference(error, offset: offset)
        }
    }

    private static func reference(_ body: String) -> EnvironmentReference? {
        if body.hasPrefix("env:") {
            let name = String(body.dropFirst("env:".count))
            return EnvironmentName.isValid(name) ? .environment(name) : nil
        }
        if body.hasPrefix("file:") {
            let path = String(body.dropFirst("file:".count))
            return path.isEmpty ? nil : .file(path)
        }
        return EnvironmentName.isValid(body) ? .name(body) : nil
    }

    package var references: [(reference: EnvironmentReference, offset: Int)] {
        segments.compactMap { segment in
            if case .reference(let reference, let offset) = segment { (reference, offset) } else { nil }
        }
    }

    /// The names of the launch that the value uses, in the order of their first use.
    package var referencedNames: [String] {
        references.reduce(into: []) { names, found in
            if case .name(let name) = found.reference, !names.contains(name) { names.append(name) }
        }
    }

    /// The value with every reference replaced. What a reference yields is never read for references again.
    /// - Parameters:
    ///   - values: what the launch provides, by name.
    ///   - env: a variable of the daemon; `nil` where it is not set.
    ///   - file: the contents of a file.
    package func resolve(
        values: [String: String], env: (String) -> String?,
        file: (String) throws(UnreadableFile) -> String
    ) throws(EnvironmentValueError) -> String {
        var result = ""
        for segment in segments {
            switch segment {
            case .literal(let text):
                result += text
            case .reference(.name(let name), let offset):
                guard let value = values[name] else { throw .reference(.undeclared(name), offset: offset) }
                result += value
            case .reference(.environment(let name), _):
                guard let value = env(name) else { throw .notSet(name) }
                result += value
            case .reference(.file(let path), _):
                do {
                    result += Self.withoutFinalNewline(try file(path))
                } catch {
                    throw .unreadable(path: path, reason: error.reason)
                }
            }
        }
        guard !result.utf8.contains(0) else { throw .containsNUL }
        return result
    }

    private static func withoutFinalNewline(_ text: String) -> String {
        var scalars = text.unicodeScalars
        if scalars.last == "\n" { scalars.removeLast() }
        if scalars.last == "\r" { scalars.removeLast() }
        return String(scalars)
    }

    /// The text that parses to this value, with the path of every `${file:…}` replaced.
    package func text(mappingFiles map: (String) -> String) -> String {
        segments.map { segment in
            switch segment {
            case .literal(let text): text.unicodeScalars.map { $0 == "$" ? "$$" : String($0) }.joined()
            case .reference(.name(let name), _): "${\(name)}"
            case .reference(.environment(let name), _): "${env:\(name)}"
            case .reference(.file(let path), _): "${file:\(map(path))}"
            }
        }.joined()
    }
}

/// Why a file that a value refers to has no contents: thrown by whoever reads it.
package struct UnreadableFile: Error, Hashable, Sendable {
    package let reason: String

    package init(reason: String) {
        self.reason = reason
    }
}

package enum EnvironmentValueError: Error, Hashable, Sendable {
    case reference(ReferenceFault, offset: Int)
    /// `${env:NAME}` of a variable that the daemon does not have.
    case notSet(String)
    case unreadable(path: String, reason: String)
    /// A resolved value holds a NUL, which no environment can carry.
    case containsNUL

    /// Where in the text, in Unicode scalars from its start; `nil` for what only a launch can find.
    package var offset: Int? {
        if case .reference(_, let offset) = self { offset } else { nil }
    }

    /// A sentence without the value itself, which may be a secret.
    package var message: String {
        switch self {
        case .reference(let fault, _): fault.message
        case .notSet(let name): "the variable \(name) is not set in the environment of modelet"
        case .unreadable(let path, let reason): "the file \(path) cannot be read: \(reason)"
        case .containsNUL: "the value contains a NUL character"
        }
    }

    package var hint: String? {
        guard case .reference(let fault, _) = self else { return nil }
        if case .malformed = fault { return "write ${NAME}, ${env:NAME} or ${file:PATH}; $$ stands for a $" }
        return fault.hint
    }
}
