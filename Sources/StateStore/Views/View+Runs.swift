extension View {
    /// Every launch that is remembered.
    static let instances = View(
        "instances",
        """
        SELECT
            i.id, i.key, m.domain, m.source, m.model, i.generation, i.instead_of, i.replica, i.attempt,
            i.phase,
            \(utc("i.phase_since")) AS phase_since,
            i.server_pid AS pid, i.shim_pid, i.container_id, i.image, i.engine, i.engine_address,
            i.host, i.port, i.address,
            r.instance_id IS NOT NULL AS routed,
            i.adopted,
            \(utc("i.created_at")) AS created_at,
            \(utc("i.started_at")) AS started_at,
            \(utc("i.ready_at")) AS ready_at,
            i.stop_cause, i.unknown_reason,
            \(utc("i.exit_at")) AS exited_at,
            i.exit_code, i.exit_signal, i.exit_oom AS out_of_memory, i.exit_message
        FROM instance i
        JOIN model m ON m.key = i.key
        LEFT JOIN route r ON r.instance_id = i.id
        ORDER BY i.seq
        """)

    /// Where predictions go.
    static let routes = View(
        "routes",
        """
        SELECT
            r.key, m.domain, m.source, m.model, r.instance_id AS instance, i.address, i.port,
            \(utc("r.since")) AS since
        FROM route r
        JOIN instance i ON i.id = r.instance_id
        JOIN model m ON m.key = r.key
        ORDER BY m.domain, m.source, m.model
        """)

    /// Every step that was taken, and why.
    static let operations = View(
        "operations",
        """
        SELECT
            id, key, instance_id AS instance, kind, cause,
            \(utc("opened_at")) AS opened_at,
            \(utc("closed_at")) AS closed_at,
            coalesce(outcome, 'open') AS outcome, message
        FROM operation
        ORDER BY id
        """)

    /// What has happened.
    static let events = View(
        "events",
        """
        SELECT id, \(utc("at")) AS at, key, instance_id AS instance, kind, message
        FROM event
        ORDER BY id
        """)
}
