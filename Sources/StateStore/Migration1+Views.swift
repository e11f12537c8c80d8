extension Migration1 {
    static let views = """
        -- The same as `condition(of:instances:now:)` says.
        CREATE VIEW models AS
        SELECT
            m.key, m.domain, m.source, m.model,
            CASE
                WHEN u.id IS NOT NULL THEN 'unknown'
                WHEN i.phase IN ('intent', 'gated', 'starting') THEN 'starting'
                WHEN i.phase = 'unready' THEN 'unhealthy'
                WHEN i.phase IS NOT NULL THEN i.phase
                WHEN m.spec ->> '$.source' IS NULL THEN 'remote'
                WHEN m.hold_since IS NOT NULL THEN 'held'
                WHEN m.next_attempt_at > \(now)
                    THEN CASE m.failure_class WHEN 'terminal' THEN 'failed' ELSE 'backoff' END
                WHEN m.is_removed THEN 'standby'
                WHEN m.spec ->> '$.load' = 'eager' THEN 'pending'
                WHEN m.demand_since > coalesce(m.last_exit_at, m.demand_since - 1) THEN 'pending'
                ELSE 'standby'
            END AS state,
            CASE
                WHEN u.id IS NOT NULL THEN u.unknown_reason
                WHEN i.phase IN ('intent', 'gated', 'starting') THEN m.waiting
                WHEN i.phase = 'ready' THEN NULL
                WHEN i.phase = 'unready' THEN coalesce(m.waiting, 'readiness probe fails')
                WHEN i.phase IS NOT NULL THEN i.stop_cause
                WHEN m.spec ->> '$.source' IS NULL THEN NULL
                WHEN m.hold_since IS NOT NULL THEN 'unloaded by ' || m.hold_by || '; `modelet load` lifts it'
                WHEN m.next_attempt_at > \(now) THEN m.failure_message
                WHEN NOT m.is_removed AND (m.spec ->> '$.load' = 'eager'
                    OR m.demand_since > coalesce(m.last_exit_at, m.demand_since - 1)) THEN m.waiting
                ELSE 'last load failed: ' || m.failure_message
            END AS reason,
            coalesce(m.spec ->> '$.source.type', 'http') AS type,
            coalesce(m.spec ->> '$.load', 'on_demand') AS load,
            m.generation,
            i.id AS instance,
            i.server_pid AS pid,
            i.host, i.port, i.address, i.container_id,
            \(utc("m.demand_since")) AS demanded_since, m.demand_by AS demanded_by,
            \(utc("m.hold_since")) AS held_since, m.hold_by AS held_by,
            m.failures, m.failure_class, m.failure_message,
            \(utc("m.failure_at")) AS failure_at,
            \(utc("m.next_attempt_at")) AS next_attempt_at,
            \(utc("m.last_exit_at")) AS last_exit_at,
            m.last_load_ms / 1000.0 AS last_load_seconds,
            r.path AS root, m.file, m.line, m.revision,
            m.is_removed AS removed
        FROM model m
        JOIN root r ON r.id = m.root_id
        LEFT JOIN instance u ON u.seq = (
            SELECT seq FROM instance
            WHERE key = m.key AND unknown_reason IS NOT NULL AND phase NOT IN ('exited', 'lost')
            ORDER BY seq LIMIT 1)
        LEFT JOIN instance i ON i.seq = (
            SELECT seq FROM instance
            WHERE key = m.key AND phase NOT IN ('exited', 'lost')
            ORDER BY phase IN ('draining', 'stopping'), seq LIMIT 1)
        ORDER BY m.domain, m.source, m.model;

        CREATE VIEW instances AS
        SELECT
            i.id, i.key, m.domain, m.source, m.model, i.generation, i.replica, i.attempt,
            i.phase,
            \(utc("i.phase_since")) AS phase_since,
            i.server_pid AS pid, i.shim_pid, i.container_id,
            i.host, i.port, i.address,
            r.instance_id IS NOT NULL AS routed,
            i.adopted,
            \(utc("i.created_at")) AS created_at,
            \(utc("i.started_at")) AS started_at,
            \(utc("i.ready_at")) AS ready_at,
            i.stop_cause, i.unknown_reason,
            \(utc("i.exit_at")) AS exited_at,
            i.exit_code, i.exit_signal, i.exit_message
        FROM instance i
        JOIN model m ON m.key = i.key
        LEFT JOIN route r ON r.instance_id = i.id
        ORDER BY i.seq;

        CREATE VIEW operations AS
        SELECT
            id, key, instance_id AS instance, kind, cause,
            \(utc("opened_at")) AS opened_at,
            \(utc("closed_at")) AS closed_at,
            coalesce(outcome, 'open') AS outcome, message
        FROM operation
        ORDER BY id;

        CREATE VIEW events AS
        SELECT id, \(utc("at")) AS at, key, instance_id AS instance, kind, message
        FROM event
        ORDER BY id;

        CREATE VIEW routes AS
        SELECT
            r.key, m.domain, m.source, m.model, r.instance_id AS instance, i.address, i.port,
            \(utc("r.since")) AS since
        FROM route r
        JOIN instance i ON i.id = r.instance_id
        JOIN model m ON m.key = r.key
        ORDER BY m.domain, m.source, m.model;
        """

    /// A time in milliseconds as RFC 3339 text in UTC. Put together from whole numbers: `%f` would round.
    static func utc(_ column: String) -> String {
        "strftime('%Y-%m-%dT%H:%M:%S', \(column) / 1000, 'unixepoch') || printf('.%03dZ', \(column) % 1000)"
    }

    /// The time of the query in milliseconds.
    static let now = "CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)"
}
