extension View {
    /// Every directory of manifests.
    static let roots = View(
        "roots",
        """
        SELECT
            r.path AS root,
            \(utc("r.registered_at")) AS registered_at,
            (SELECT max(number) FROM revision WHERE root_id = r.id) AS revision,
            r.pinned_revision,
            \(utc("r.pinned_at")) AS pinned_at, r.pinned_by, r.pending,
            r.is_followed AS followed, r.is_served AND r.is_followed AS served
        FROM root r
        ORDER BY r.id
        """)

    /// What was accepted, and when.
    static let revisions = View(
        "revisions",
        """
        SELECT
            v.number AS revision, r.path AS root,
            \(utc("v.accepted_at")) AS accepted_at, v.cause, v.restored,
            (SELECT count(*) FROM revision_model m WHERE m.revision = v.number) AS models
        FROM revision v
        JOIN root r ON r.id = v.root_id
        ORDER BY v.number
        """)

    /// Files that are not accepted.
    static let manifestFaults = View(
        "manifest_faults",
        """
        SELECT r.path AS root, f.file, f.line, f.column_number AS "column", f.message, f.hint,
            \(utc("f.since")) AS since
        FROM manifest_fault f
        JOIN root r ON r.id = f.root_id
        ORDER BY r.id, f.file
        """)

    /// Models that no manifest defines any more, and that stay.
    static let heldRemovals = View(
        "held_removals",
        """
        SELECT h.key, m.domain, m.source, m.model, h.remedy, \(utc("h.since")) AS since
        FROM removal_held h
        JOIN model m ON m.key = h.key
        ORDER BY m.domain, m.source, m.model
        """)
}
