import ModelCore
import Reconciler
import StateStore
import TestSupport
import Testing

/// One write by hand that must be refused.
struct ForbiddenWrite: Sendable, CustomTestStringConvertible {
    /// How far the one instance has come before.
    var phase: Phase
    var sql: String
    /// Part of the reason that is given.
    var reason: String

    init(_ phase: Phase, _ sql: String, _ reason: String) {
        self.phase = phase
        self.sql = sql
        self.reason = reason
    }

    var testDescription: String { sql }
}

/// The invariants hold against whoever writes, not only against this program.
@Suite struct SchemaRulesTests {
    private static let id = Sample.intent().id.text

    private static func insertInstance(
        or: String = "", id: String = "other", generation: Int = 1, attempt: Int = 7, phase: String = "intent",
        port: Int = 20_001
    ) -> String {
        """
        INSERT \(or) INTO instance (id, key, generation, replica, attempt, phase, phase_since, source, host, port,
            created_at)
        VALUES ('\(id)', '\(Sample.key)', \(generation), 0, \(attempt), '\(phase)', 0, '{}', 'localhost', \(port), 0)
        """
    }

    static let twins: [ForbiddenWrite] = [
        ForbiddenWrite(.ready, insertInstance(), "current instance already"),
        ForbiddenWrite(.ready, insertInstance(or: "OR REPLACE"), "current instance already"),
        ForbiddenWrite(.intent, insertInstance(), "current instance already"),
        ForbiddenWrite(.unready, "DROP TRIGGER instance_has_no_twin; \(insertInstance())", "UNIQUE"),
        ForbiddenWrite(.stopping, insertInstance(attempt: 0), "attempt has been made"),
    ]

    static let ports: [ForbiddenWrite] = [
        ForbiddenWrite(.ready, "INSERT INTO port_lease VALUES (20000, '\(id)')", "leased already"),
        ForbiddenWrite(.ready, "INSERT OR REPLACE INTO port_lease VALUES (20000, 'x')", "leased already"),
        ForbiddenWrite(
            .stopping, "\(insertInstance(port: 20_000)); INSERT INTO port_lease VALUES (20000, 'other')",
            "leased already"),
        ForbiddenWrite(.ready, "INSERT INTO port_lease VALUES (20001, '\(id)')", "leased already"),
        ForbiddenWrite(.ready, "DELETE FROM port_lease", "keeps its port"),
        ForbiddenWrite(.ready, "UPDATE port_lease SET port = 5", "never changes"),
        ForbiddenWrite(.exited, "INSERT INTO port_lease VALUES (20000, '\(id)')", "leases no port"),
        ForbiddenWrite(.exited, "INSERT INTO port_lease VALUES (20000, 'nobody')", "FOREIGN KEY"),
        ForbiddenWrite(
            .exited, "\(insertInstance()); UPDATE instance SET phase = 'gated', container_id = 'c' WHERE id = 'other'",
            "without a port lease"),
    ]

    static let operations: [ForbiddenWrite] = [
        ForbiddenWrite(.starting, openOperation(), "still open"),
        ForbiddenWrite(.starting, openOperation(or: "OR REPLACE"), "still open"),
        ForbiddenWrite(.exited, openOperation(), "has ended"),
        ForbiddenWrite(.starting, "DELETE FROM operation", "open operation is kept"),
        ForbiddenWrite(.ready, "UPDATE operation SET closed_at = NULL, outcome = NULL", "never changes"),
        ForbiddenWrite(.starting, exit, "still open"),
        ForbiddenWrite(.starting, "UPDATE operation SET closed_at = 1", "CHECK"),
    ]

    private static func openOperation(or: String = "") -> String {
        "INSERT \(or) INTO operation (key, instance_id, kind, cause, opened_at) VALUES ('k', '\(id)', 'stop', 'c', 0)"
    }

    private static let exit =
        "UPDATE instance SET phase = 'lost', exit_kind = 'lost', exit_at = 1, exit_message = '', exit_log = '[]'"
    private static let route = "INSERT INTO route VALUES ('\(Sample.key)', '\(id)', 0)"

    static let routes: [ForbiddenWrite] = [
        ForbiddenWrite(.intent, route, "only a ready instance"),
        ForbiddenWrite(.starting, route, "only a ready instance"),
        ForbiddenWrite(.unready, route, "only a ready instance"),
        ForbiddenWrite(.stopping, route, "only a ready instance"),
        ForbiddenWrite(.exited, route, "only a ready instance"),
        ForbiddenWrite(.ready, "INSERT INTO route VALUES ('other', '\(id)', 0)", "FOREIGN KEY"),
        ForbiddenWrite(.ready, "\(route); UPDATE route SET since = 1", "made anew"),
        ForbiddenWrite(.ready, "\(route); \(route)", "routed already"),
        ForbiddenWrite(.ready, "\(route); UPDATE instance SET phase = 'draining'", "still routed"),
        ForbiddenWrite(.ready, "\(route); UPDATE instance SET phase = 'stopping'", "still routed"),
        ForbiddenWrite(.ready, "\(route); \(exit)", "still routed"),
    ]

    static let identities: [ForbiddenWrite] = [
        ForbiddenWrite(.intent, "UPDATE instance SET phase = 'gated'", "identity_is_verified"),
        ForbiddenWrite(.intent, "UPDATE instance SET phase = 'gated', shim_pid = 5", "shim_identity_is_whole"),
        ForbiddenWrite(.ready, "UPDATE instance SET shim_pid = NULL", "never changes"),
        ForbiddenWrite(.ready, "UPDATE instance SET shim_start_ticks = 1", "never changes"),
        ForbiddenWrite(.ready, "UPDATE instance SET shim_pidfd_inode = NULL", "never changes"),
        ForbiddenWrite(
            .stopping,
            "DROP TRIGGER instance_identity_is_fixed; UPDATE instance SET shim_pid = NULL, shim_boot_id = NULL, "
                + "shim_start_ticks = NULL, shim_pid_namespace = NULL, shim_pidfd_inode = NULL",
            "identity_is_verified"),
        ForbiddenWrite(.ready, "UPDATE instance SET server_pid = 5", "server_identity_is_whole"),
        ForbiddenWrite(.starting, "UPDATE instance SET phase = 'ready'", "ready_is_proved"),
        ForbiddenWrite(.gated, "UPDATE instance SET phase = 'starting'", "start_is_dated"),
    ]

    static let lives: [ForbiddenWrite] = [
        ForbiddenWrite(
            .intent,
            "DROP TRIGGER instance_phase_follows_the_arrows; UPDATE instance SET phase = 'running'", "CHECK"),
        ForbiddenWrite(.exited, insertInstance(phase: "ready"), "begins as intent"),
        ForbiddenWrite(.exited, insertInstance(id: id), "never reused"),
        ForbiddenWrite(.exited, insertInstance(or: "OR REPLACE", id: id), "never reused"),
        ForbiddenWrite(.exited, "UPDATE instance SET id = 'other'", "never changes"),
        ForbiddenWrite(.ready, "UPDATE instance SET port = 5", "never changes"),
        ForbiddenWrite(.ready, "UPDATE instance SET generation = 2", "never changes"),
        ForbiddenWrite(.ready, "DELETE FROM instance", "may still run"),
        ForbiddenWrite(.ready, "DELETE FROM model", "may still run"),
        ForbiddenWrite(.ready, "UPDATE instance SET exit_kind = 'lost', exit_at = 1", "CHECK"),
        ForbiddenWrite(
            .stopping,
            "UPDATE operation SET closed_at = 1, outcome = 'failed' WHERE closed_at IS NULL; "
                + "UPDATE instance SET phase = 'exited'", "end_is_explained"),
    ]

    private static let pull =
        "INSERT INTO operation (key, kind, cause, opened_at) VALUES ('\(Sample.key)', 'pull', 'c', 0); "
        + "UPDATE model SET pull = '{}', pull_message = 'pulling'"

    private static let onEngine =
        "DROP TRIGGER instance_is_of_one_kind; UPDATE instance SET container_id = 'c'; "
        + "UPDATE instance SET engine = 'e', engine_address = 'a'"

    static let containers: [ForbiddenWrite] = [
        ForbiddenWrite(.intent, "UPDATE instance SET image = 'x@sha256:1'", "never changes"),
        ForbiddenWrite(.gated, "UPDATE instance SET container_id = 'c'", "process or a container"),
        ForbiddenWrite(
            .exited,
            "\(insertInstance()); DROP TRIGGER instance_image_is_fixed; "
                + "UPDATE instance SET image = 'x@sha256:1' WHERE id = 'other'; "
                + "UPDATE instance SET shim_pid = 5 WHERE id = 'other'", "process or a container"),
        ForbiddenWrite(.exited, "DROP TRIGGER instance_image_is_fixed; UPDATE instance SET image = ''", "CHECK"),
        ForbiddenWrite(.ready, "UPDATE instance SET exit_oom = 1", "CHECK"),
        ForbiddenWrite(.exited, "UPDATE instance SET exit_oom = 2", "CHECK"),
        ForbiddenWrite(.ready, "UPDATE model SET pull = '{}', pull_message = ''", "no pull of the model is open"),
        ForbiddenWrite(.ready, "\(pull); UPDATE model SET pull_message = NULL", "CHECK"),
        ForbiddenWrite(.ready, "\(pull); UPDATE model SET pull = '{'", "CHECK"),
        ForbiddenWrite(.ready, "\(pull); \(pull)", "still open"),
        ForbiddenWrite(
            .ready, "\(pull); UPDATE operation SET closed_at = 1, outcome = 'failed' WHERE closed_at IS NULL",
            "still says that it pulls"),
        ForbiddenWrite(.exited, "\(pull); DELETE FROM model", "being pulled"),
        ForbiddenWrite(
            .exited,
            "INSERT INTO operation (key, instance_id, kind, cause, opened_at) VALUES ('k', '\(id)', 'pull', 'c', 0)",
            "before there is an instance"),
        ForbiddenWrite(.ready, "UPDATE model SET drift_followed = 1", "CHECK"),
        ForbiddenWrite(.ready, "UPDATE instance SET engine = 'e', engine_address = 'a'", "only a container"),
        ForbiddenWrite(.exited, "\(onEngine); UPDATE instance SET engine = 'other'", "never changes"),
        ForbiddenWrite(.exited, "\(onEngine); UPDATE instance SET engine_address = 'other'", "never changes"),
        ForbiddenWrite(
            .exited, "\(onEngine); UPDATE instance SET engine = NULL, engine_address = NULL", "never changes"),
        ForbiddenWrite(
            .exited, "DROP TRIGGER instance_engine_is_of_a_container; UPDATE instance SET engine = 'e'", "CHECK"),
        ForbiddenWrite(
            .exited,
            "DROP TRIGGER instance_engine_is_of_a_container; UPDATE instance SET engine = '', engine_address = 'a'",
            "CHECK"),
    ]

    static let others: [ForbiddenWrite] = [
        ForbiddenWrite(.ready, "UPDATE meta SET epoch = epoch - 1", "only grows"),
        ForbiddenWrite(.ready, "UPDATE meta SET epoch = epoch", "only grows"),
        ForbiddenWrite(.ready, "DELETE FROM meta", "are kept"),
        ForbiddenWrite(.ready, "INSERT OR REPLACE INTO meta VALUES (1, '\(State.uuid)', 0, 0)", "already"),
        ForbiddenWrite(.ready, "UPDATE model SET generation = 0", "only grows"),
        ForbiddenWrite(.ready, "UPDATE model SET spec = '{'", "CHECK"),
        ForbiddenWrite(.ready, "UPDATE model SET domain = 'other'", "CHECK"),
        ForbiddenWrite(.ready, "UPDATE model SET file = 'other.yaml'", "FOREIGN KEY"),
        ForbiddenWrite(.ready, "UPDATE model SET hold_by = 'x'", "CHECK"),
        ForbiddenWrite(
            .ready, "UPDATE model SET load_count = 0, last_load_ms = NULL, usual_load_ms = NULL", "only added"),
        ForbiddenWrite(.ready, "UPDATE model SET load_count = 2, usual_load_ms = NULL", "load times are known"),
        ForbiddenWrite(.starting, "UPDATE model SET last_load_ms = 1", "load times are known"),
        ForbiddenWrite(.ready, "UPDATE model SET memory_bytes = -1", "CHECK"),
        ForbiddenWrite(.ready, "UPDATE model SET generation = 'one'", "cannot store TEXT"),
    ]

    @Test(arguments: twins + ports + operations + routes + identities + lives + containers + others)
    func refuses(_ write: ForbiddenWrite) async throws {
        let state = try State()
        let store = try await state.open(launchedTo: write.phase)
        let result = try state.sql(write.sql)
        #expect(result.status != 0)
        #expect(result.output.contains(write.reason), "\(result.output)")
        try store.close()
    }

    /// Every pair of phases that is no arrow, by a write that is right in all else.
    @Test func onlyTheArrows() async throws {
        let arrows: Set<[Phase]> = [
            [.intent, .gated], [.intent, .exited], [.intent, .lost],
            [.gated, .starting], [.gated, .stopping], [.gated, .exited], [.gated, .lost],
            [.starting, .ready], [.starting, .stopping], [.starting, .exited], [.starting, .lost],
            [.ready, .unready], [.ready, .draining], [.ready, .stopping], [.ready, .exited], [.ready, .lost],
            [.unready, .ready], [.unready, .draining], [.unready, .stopping], [.unready, .exited], [.unready, .lost],
            [.draining, .stopping], [.draining, .exited], [.draining, .lost],
            [.stopping, .exited], [.stopping, .lost],
        ]
        for from in Phase.allCases where from != .lost {
            let state = try State()
            let store = try await state.open(launchedTo: from)
            for to in Phase.allCases where to != from {
                let isEnd = to == .exited || to == .lost
                let kind = to == .lost ? "'lost'" : isEnd ? "'exited'" : "NULL"
                let result = try state.sql(
                    """
                    BEGIN;
                    UPDATE operation SET closed_at = 1, outcome = 'succeeded' WHERE closed_at IS NULL;
                    UPDATE instance SET phase = '\(to)', started_at = 1, ready_at = 1, address = '::1',
                        shim_pid = coalesce(shim_pid, 1), shim_boot_id = coalesce(shim_boot_id, ''),
                        shim_start_ticks = coalesce(shim_start_ticks, 1),
                        shim_pid_namespace = coalesce(shim_pid_namespace, 1), exit_kind = \(kind), exit_code = \(to == .exited ? "1" : "NULL"),
                        exit_at = \(isEnd ? "1" : "NULL"), exit_message = \(isEnd ? "''" : "NULL"),
                        exit_log = \(isEnd ? "'[]'" : "NULL");
                    ROLLBACK;
                    """)
                #expect((result.status == 0) == arrows.contains([from, to]), "\(from) → \(to): \(result.output)")
            }
            try store.close()
        }
    }
}
