extension Migration6 {
    static let views = """
        DROP VIEW models;

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
                WHEN m.next_attempt_at > \(Migration1.now)
                    THEN CASE m.failure_class WHEN 'terminal' THEN 'failed' ELSE 'backoff' END
                WHEN m.is_removed THEN 'standby'
                WHEN m.spec ->> '$.load' = 'eager'
                    OR m.demand_since > coalesce(m.last_exit_at, m.demand_since - 1)
                    THEN CASE WHEN m.pull IS NULL THEN 'pending' ELSE 'pulling' END
                ELSE 'standby'
            END AS state,
            CASE
                WHEN u.id IS NOT NULL THEN u.unknown_reason || '; `modelet forget ' || u.id || '` gives it up'
                WHEN i.phase IN ('intent', 'gated', 'starting', 'ready') AND m.failures IS NOT NULL
                    AND CASE WHEN i.phase = 'ready' THEN i.generation <> m.generation ELSE i.instead_of IS m.generation END
                    THEN 'BlockedByFailedLoad: generation ' || m.generation || ' has failed: ' || m.failure_message
                        || '; generation ' || i.generation
                        || CASE WHEN i.phase = 'ready' THEN ' serves' ELSE ' is started again' END
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
                WHEN m.next_attempt_at > \(Migration1.now) THEN m.failure_message
                WHEN NOT m.is_removed AND (m.spec ->> '$.load' = 'eager'
                    OR m.demand_since > coalesce(m.last_exit_at, m.demand_since - 1))
                    THEN coalesce(m.pull_message, m.waiting)
                ELSE 'last load failed: ' || m.failure_message
            END AS reason,
            coalesce(m.spec ->> '$.source.type', 'http') AS type,
            coalesce(m.spec ->> '$.load', 'on_demand') AS load,
            m.generation,
            i.id AS instance,
            i.server_pid AS pid,
            i.host, i.port, i.address, i.container_id, i.image,
            m.drift,
            \(Migration1.utc("m.demand_since")) AS demanded_since, m.demand_by AS demanded_by,
            \(Migration1.utc("m.hold_since")) AS held_since, m.hold_by AS held_by,
            m.failures, m.failure_class, m.failure_message,
            \(Migration1.utc("m.failure_at")) AS failure_at,
            \(Migration1.utc("m.next_attempt_at")) AS next_attempt_at,
            \(Migration1.utc("m.last_exit_at")) AS last_exit_at,
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
        ORDER BY m.domain, m.source, m.model;

        DROP VIEW instances;

        CREATE VIEW instances AS
        SELECT
            i.id, i.key, m.domain, m.source, m.model, i.generation, i.instead_of, i.replica, i.attempt,
            i.phase,
            \(Migration1.utc("i.phase_since")) AS phase_since,
            i.server_pid AS pid, i.shim_pid, i.container_id, i.image, i.engine, i.engine_address,
            i.host, i.port, i.address,
            r.instance_id IS NOT NULL AS routed,
            i.adopted,
            \(Migration1.utc("i.created_at")) AS created_at,
            \(Migration1.utc("i.started_at")) AS started_at,
            \(Migration1.utc("i.ready_at")) AS ready_at,
            i.stop_cause, i.unknown_reason,
            \(Migration1.utc("i.exit_at")) AS exited_at,
            i.exit_code, i.exit_signal, i.exit_oom AS out_of_memory, i.exit_message
        FROM instance i
        JOIN model m ON m.key = i.key
        LEFT JOIN route r ON r.instance_id = i.id
        ORDER BY i.seq;
        """
}
