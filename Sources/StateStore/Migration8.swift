/// That one root at most is served; and what it takes to forget old revisions.
enum Migration8 {
    static let tables = """
        CREATE UNIQUE INDEX root_served_is_single ON root (is_served) WHERE is_served;

        -- Asked for each revision that is deleted.
        CREATE INDEX revision_restored ON revision (restored) WHERE restored IS NOT NULL;
        """
}
