/// A file of a root that is not accepted: what it last defined stays enforced.
package struct ManifestFault: Codable, Hashable, Sendable {
    /// Relative to the root; `.` is the root itself.
    package var file: String
    /// From 1; 0 where the file as a whole is meant.
    package var line: Int
    package var column: Int
    /// The first thing that is wrong with it, of those with a hint if there are any.
    package var message: String
    package var hint: String?

    package init(file: String, line: Int = 0, column: Int = 0, message: String, hint: String? = nil) {
        self.file = file
        self.line = line
        self.column = column
        self.message = message
        self.hint = hint
    }

    /// `file:line:column`.
    package var place: String { file + [line, column].prefix { $0 > 0 }.map { ":\($0)" }.joined() }
}
