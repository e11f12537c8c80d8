extension ECRSpec {
    /// The image as its manifest names it: by the digest where there is one, else by the tag.
    package var label: String { repository + (digest.map { "@\($0)" } ?? ":\(tag ?? Self.standardTag)") }
}
