extension Migration1 {
    /// `INSERT OR REPLACE` deletes what is in its way without asking the triggers of deletion: where a row must not be
    /// replaced, a trigger before the insertion says so.
    static let rules = """
        CREATE TRIGGER meta_epoch_only_grows BEFORE UPDATE OF epoch ON meta
        WHEN NEW.epoch <= OLD.epoch
        BEGIN SELECT RAISE(ABORT, 'the epoch only grows'); END;

        CREATE TRIGGER meta_is_kept BEFORE DELETE ON meta
        BEGIN SELECT RAISE(ABORT, 'the name and the epoch of the state are kept'); END;

        CREATE TRIGGER meta_is_single BEFORE INSERT ON meta
        WHEN EXISTS (SELECT 1 FROM meta)
        BEGIN SELECT RAISE(ABORT, 'the state has a name and an epoch already'); END;

        CREATE TRIGGER model_generation_only_grows BEFORE UPDATE OF generation ON model
        WHEN NEW.generation < OLD.generation
        BEGIN SELECT RAISE(ABORT, 'the generation of a model only grows'); END;

        CREATE TRIGGER model_is_not_replaced BEFORE INSERT ON model
        WHEN EXISTS (SELECT 1 FROM model WHERE key = NEW.key)
        BEGIN SELECT RAISE(ABORT, 'the model exists'); END;

        CREATE TRIGGER instance_begins_as_intent BEFORE INSERT ON instance
        WHEN NEW.phase <> 'intent'
        BEGIN SELECT RAISE(ABORT, 'an instance begins as intent'); END;

        CREATE TRIGGER instance_id_is_never_reused BEFORE INSERT ON instance
        WHEN EXISTS (SELECT 1 FROM instance WHERE id = NEW.id OR seq = NEW.seq)
        BEGIN SELECT RAISE(ABORT, 'the id of an instance is never reused'); END;

        CREATE TRIGGER instance_has_no_twin BEFORE INSERT ON instance
        WHEN EXISTS (
            SELECT 1 FROM instance
            WHERE key = NEW.key AND generation = NEW.generation AND replica = NEW.replica
                AND phase IN ('intent', 'gated', 'starting', 'ready', 'unready'))
        BEGIN SELECT RAISE(ABORT, 'the generation has a current instance already'); END;

        CREATE TRIGGER instance_attempt_is_new BEFORE INSERT ON instance
        WHEN EXISTS (
            SELECT 1 FROM instance
            WHERE key = NEW.key AND generation = NEW.generation AND replica = NEW.replica AND attempt = NEW.attempt)
        BEGIN SELECT RAISE(ABORT, 'the attempt has been made already'); END;

        CREATE TRIGGER instance_is_fixed
        BEFORE UPDATE OF seq, id, key, generation, replica, attempt, source, host, port, created_at ON instance
        WHEN NEW.seq <> OLD.seq OR NEW.id <> OLD.id OR NEW.key <> OLD.key OR NEW.generation <> OLD.generation
            OR NEW.replica <> OLD.replica OR NEW.attempt <> OLD.attempt OR NEW.source <> OLD.source
            OR NEW.host <> OLD.host OR NEW.port <> OLD.port OR NEW.created_at <> OLD.created_at
        BEGIN SELECT RAISE(ABORT, 'what an instance was launched as never changes'); END;

        CREATE TRIGGER instance_identity_is_fixed
        BEFORE UPDATE OF shim_boot_id, shim_pid, shim_start_ticks, shim_pid_namespace, shim_pidfd_inode, container_id
        ON instance
        WHEN (OLD.shim_pid IS NOT NULL AND (NEW.shim_pid IS NOT OLD.shim_pid
                OR NEW.shim_boot_id IS NOT OLD.shim_boot_id OR NEW.shim_start_ticks IS NOT OLD.shim_start_ticks
                OR NEW.shim_pid_namespace IS NOT OLD.shim_pid_namespace
                OR NEW.shim_pidfd_inode IS NOT OLD.shim_pidfd_inode))
            OR (OLD.container_id IS NOT NULL AND NEW.container_id IS NOT OLD.container_id)
        BEGIN SELECT RAISE(ABORT, 'the identity of an instance never changes'); END;

        CREATE TRIGGER instance_phase_follows_the_arrows BEFORE UPDATE OF phase ON instance
        WHEN NEW.phase <> OLD.phase AND OLD.phase || ' → ' || NEW.phase NOT IN (
            'intent → gated', 'intent → exited', 'intent → lost',
            'gated → starting', 'gated → stopping', 'gated → exited', 'gated → lost',
            'starting → ready', 'starting → stopping', 'starting → exited', 'starting → lost',
            'ready → unready', 'ready → draining', 'ready → stopping', 'ready → exited', 'ready → lost',
            'unready → ready', 'unready → draining', 'unready → stopping', 'unready → exited', 'unready → lost',
            'draining → stopping', 'draining → exited', 'draining → lost',
            'stopping → exited', 'stopping → lost')
        BEGIN SELECT RAISE(ABORT, 'the phase of an instance moves only forward'); END;

        CREATE TRIGGER instance_holds_its_port BEFORE UPDATE OF phase ON instance
        WHEN OLD.phase = 'intent' AND NEW.phase = 'gated'
            AND NOT EXISTS (SELECT 1 FROM port_lease WHERE instance_id = NEW.id)
        BEGIN SELECT RAISE(ABORT, 'an instance without a port lease is not launched'); END;

        CREATE TRIGGER instance_leaves_its_route_first BEFORE UPDATE OF phase ON instance
        WHEN NEW.phase NOT IN ('ready', 'unready') AND EXISTS (SELECT 1 FROM route WHERE instance_id = NEW.id)
        BEGIN SELECT RAISE(ABORT, 'predictions are still routed to the instance'); END;

        CREATE TRIGGER instance_closes_its_operation_first BEFORE UPDATE OF phase ON instance
        WHEN NEW.phase IN ('exited', 'lost')
            AND EXISTS (SELECT 1 FROM operation WHERE instance_id = NEW.id AND closed_at IS NULL)
        BEGIN SELECT RAISE(ABORT, 'an operation of the instance is still open'); END;

        CREATE TRIGGER instance_gives_back_its_port AFTER UPDATE OF phase ON instance
        WHEN NEW.phase IN ('exited', 'lost')
        BEGIN DELETE FROM port_lease WHERE instance_id = NEW.id; END;

        CREATE TRIGGER instance_live_is_kept BEFORE DELETE ON instance
        WHEN OLD.phase NOT IN ('exited', 'lost')
        BEGIN SELECT RAISE(ABORT, 'something of the instance may still run'); END;

        CREATE TRIGGER port_lease_is_free BEFORE INSERT ON port_lease
        WHEN EXISTS (SELECT 1 FROM port_lease WHERE port = NEW.port OR instance_id = NEW.instance_id)
        BEGIN SELECT RAISE(ABORT, 'the port is leased already'); END;

        CREATE TRIGGER port_lease_is_of_a_live_instance BEFORE INSERT ON port_lease
        WHEN EXISTS (SELECT 1 FROM instance WHERE id = NEW.instance_id AND phase IN ('exited', 'lost'))
        BEGIN SELECT RAISE(ABORT, 'an instance that has ended leases no port'); END;

        CREATE TRIGGER port_lease_is_fixed BEFORE UPDATE ON port_lease
        BEGIN SELECT RAISE(ABORT, 'a port lease never changes'); END;

        CREATE TRIGGER port_lease_lasts BEFORE DELETE ON port_lease
        WHEN EXISTS (SELECT 1 FROM instance WHERE id = OLD.instance_id AND phase NOT IN ('exited', 'lost'))
        BEGIN SELECT RAISE(ABORT, 'a live instance keeps its port'); END;

        CREATE TRIGGER route_is_to_a_ready_instance BEFORE INSERT ON route
        WHEN NOT EXISTS (SELECT 1 FROM instance WHERE id = NEW.instance_id AND phase = 'ready')
        BEGIN SELECT RAISE(ABORT, 'only a ready instance may be routed'); END;

        CREATE TRIGGER route_is_single BEFORE INSERT ON route
        WHEN EXISTS (SELECT 1 FROM route WHERE key = NEW.key OR instance_id = NEW.instance_id)
        BEGIN SELECT RAISE(ABORT, 'the model is routed already'); END;

        CREATE TRIGGER route_is_fixed BEFORE UPDATE ON route
        BEGIN SELECT RAISE(ABORT, 'a route is removed and made anew'); END;

        CREATE TRIGGER operation_is_of_a_live_instance BEFORE INSERT ON operation
        WHEN NEW.closed_at IS NULL AND NEW.instance_id IS NOT NULL AND NOT EXISTS (
            SELECT 1 FROM instance WHERE id = NEW.instance_id AND phase NOT IN ('exited', 'lost'))
        BEGIN SELECT RAISE(ABORT, 'nothing is done about an instance that has ended'); END;

        CREATE TRIGGER operation_is_the_only_open_one BEFORE INSERT ON operation
        WHEN NEW.closed_at IS NULL
            AND EXISTS (SELECT 1 FROM operation WHERE instance_id = NEW.instance_id AND closed_at IS NULL)
        BEGIN SELECT RAISE(ABORT, 'an operation of the instance is still open'); END;

        CREATE TRIGGER operation_is_not_reopened BEFORE UPDATE ON operation
        WHEN OLD.closed_at IS NOT NULL
        BEGIN SELECT RAISE(ABORT, 'a closed operation never changes'); END;

        CREATE TRIGGER operation_open_is_kept BEFORE DELETE ON operation
        WHEN OLD.closed_at IS NULL
        BEGIN SELECT RAISE(ABORT, 'an open operation is kept'); END;
        """
}
