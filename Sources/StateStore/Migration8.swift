/// Which roots are followed and served, for people; and what it takes to forget old revisions.
enum Migration8 {
    static let tables = """
        CREATE UNIQUE INDEX root_served_is_single ON root (is_served) WHERE is_served;

        -- Asked for each revision that is deleted.
        CREATE INDEX revision_restored ON revision (restored) WHERE restored IS NOT NULL;
        """

    static let views = """
        DROP VIEW roots;

        CREATE VIEW roots AS
        SELECT
            r.path AS root,
            \(Migration1.utc("r.registered_at")) AS registered_at,
            (SELECT max(number) FROM revision WHERE root_id = r.id) AS revision,
            r.pinned_revision,
            \(Migration1.utc("r.pinned_at")) AS pinned_at, r.pinned_by, r.pending,
            r.is_followed AS followed, r.is_served AND r.is_followed AS served
        FROM root r
        ORDER BY r.id;
        """
}
