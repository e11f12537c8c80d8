/// Where a volume appears in a container, as a spec writes it: `/path` or `/path:ro`.
package struct VolumeTarget: Hashable, Sendable {
    package let path: String
    package let isReadOnly: Bool

    private static let readOnlyMark = ":ro"

    package init(_ text: String) {
        isReadOnly = text.hasSuffix(Self.readOnlyMark)
        path = isReadOnly ? String(text.dropLast(Self.readOnlyMark.count)) : text
    }
}
