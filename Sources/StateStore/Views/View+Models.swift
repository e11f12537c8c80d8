internal import ModelCore

extension View {
    /// Every model, its state and why. The same as `condition(of:instances:now:)` says.
    static let models = View(
        "models",
        """
        SELECT
            m.key, m.domain, m.source, m.model,
            CASE
                WHEN u.id IS NOT NULL THEN 'unknown'
                WHEN i.phase IN ('intent', 'gated', 'starting') THEN 'starting'
                WHEN i.phase = 'unready' THEN 'unhealthy'
                WHEN i.phase IS NOT NULL THEN i.phase
                WHEN m.spec ->> '$.source' IS NULL THEN 'remote'
                WHEN m.hold_since IS NOT NULL THEN 'held'
                WHEN m.pull IS NOT NULL AND \(isDemanded) AND \(isTried) THEN 'pulling'
                WHEN m.next_attempt_at > \(now)
                    THEN CASE m.failure_class WHEN 'terminal' THEN 'failed' ELSE 'backoff' END
                WHEN \(isDemanded) THEN 'pending'
                ELSE 'standby'
            END AS state,
            CASE
                WHEN u.id IS NOT NULL THEN u.unknown_reason || '; `modelet forget ' || u.id || '` gives it up'
                WHEN i.phase IN ('intent', 'gated', 'starting', 'ready', 'unready') AND m.failures IS NOT NULL
                    AND CASE WHEN i.phase IN ('ready', 'unready') THEN i.generation <> m.generation
                        ELSE i.instead_of IS m.generation END
                    THEN 'BlockedByFailedLoad: generation ' || m.generation || ' has failed: ' || m.failure_message
                        || '; generation ' || i.generation
                        || CASE i.phase WHEN 'ready' THEN ' serves' WHEN 'unready' THEN ' is unhealthy'
                            ELSE ' is started again' END
                WHEN i.phase IN ('intent', 'gated', 'starting') THEN m.waiting
                WHEN i.phase = 'ready' AND i.generation <> m.generation THEN
                    CASE WHEN EXISTS (
                            SELECT 1 FROM instance n WHERE n.key = m.key AND n.generation = m.generation
                                AND n.phase IN ('intent', 'gated', 'starting', 'ready', 'unready'))
                        THEN 'generation ' || i.generation || ' serves until generation ' || m.generation || ' is ready'
                            || coalesce(': ' || m.waiting, '')
                        ELSE 'generation ' || i.generation || ' serves: ' || coalesce(m.pull_message, m.waiting) END
                WHEN i.phase = 'ready' THEN m.pull_message
                WHEN i.phase = 'unready' THEN coalesce(m.waiting, 'readiness probe fails')
                WHEN i.phase IS NOT NULL THEN i.stop_cause
                WHEN m.spec ->> '$.source' IS NULL THEN NULL
                WHEN m.hold_since IS NOT NULL THEN 'unloaded by ' || m.hold_by || '; `modelet load` lifts it'
                WHEN m.pull IS NOT NULL AND \(isDemanded) AND \(isTried) THEN m.pull_message
                WHEN m.next_attempt_at > \(now) THEN m.failure_message
                WHEN \(isDemanded) THEN m.waiting
                ELSE 'last load failed: ' || m.failure_message
            END AS reason,
            coalesce(m.spec ->> '$.source.type', 'http') AS type,
            coalesce(m.spec ->> '$.load', 'on_demand') AS load,
            m.generation,
            i.id AS instance, i.generation AS instance_generation,
            i.server_pid AS pid,
            i.host, i.port, i.address, i.container_id, i.image,
            m.drift,
            \(utc("m.demand_since")) AS demanded_since, m.demand_by AS demanded_by,
            \(utc("m.hold_since")) AS held_since, m.hold_by AS held_by,
            m.failures, m.failure_class, m.failure_message,
            \(utc("m.failure_at")) AS failure_at,
            \(utc("m.next_attempt_at")) AS next_attempt_at,
            \(utc("m.last_exit_at")) AS last_exit_at,
            m.load_count AS loads,
            m.last_load_ms / 1000.0 AS last_load_seconds,
            m.usual_load_ms / 1000.0 AS usual_load_seconds,
            m.memory_bytes,
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
            ORDER BY EXISTS (SELECT 1 FROM route WHERE instance_id = instance.id) DESC,
                phase IN ('draining', 'stopping'), seq DESC LIMIT 1)
        ORDER BY m.domain, m.source, m.model
        """)

    /// Where it is of another kind than HTTP and not held.
    private static let isDemanded = """
        (NOT m.is_removed AND (m.spec ->> '$.load' = 'eager'
            OR m.demand_since > coalesce(m.last_exit_at, m.demand_since - 1)))
        """

    /// Whether it is being started, or what was ready before it.
    private static let isTried = """
        (m.failures IS NULL OR m.failure_class = 'terminal' OR m.failures >= \(Backoff.rejectedAfter)
            OR m.next_attempt_at <= \(now))
        """
}
