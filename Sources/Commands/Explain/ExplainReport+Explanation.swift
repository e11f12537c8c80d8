import ModelCore
import Reconciler
import StateStore

extension ExplainReport {
    init(_ explanation: Explanation) {
        let condition = explanation.condition
        model = explanation.model.key
        at = explanation.now.rfc3339
        state = condition.state
        reason = condition.reason
        daemon = Daemon(explanation.daemon)
        desired = Desired(explanation.entry, explanation.fault)
        instances = explanation.entry.instances.map { Instance($0, in: explanation) }
        transition = explanation.transition.map {
            Transition(
                state: $0.state, from: $0.from, to: $0.to, reason: $0.reason, nextAttemptAt: $0.nextAttempt?.rfc3339,
                isFinal: $0.isFinal)
        }
        decision = Decision(explanation.decision)
        inputs = Inputs(explanation.model, explanation.view)
        waits = explanation.waits.map {
            Wait(reason: $0.reason, since: $0.since?.rfc3339, until: $0.until?.rfc3339)
        }
        operations = explanation.operations.map(Operation.init)
        loads = explanation.model.loads.map {
            Loads(count: $0.count, lastSeconds: $0.last, usualSeconds: $0.usual)
        }
        lastFailure = explanation.failure.map(Failure.init)
        drift = explanation.entry.drift.map { DriftReport(explanation.model.key, $0) }
        next = explanation.advice
    }
}

extension ExplainReport.Daemon {
    fileprivate init(_ daemon: Explanation.Daemon) {
        switch daemon {
        case .answered(let pid, _): self.init(state: "answered", pid: pid)
        case .silent(let pid, let why): self.init(state: "silent", pid: pid, reason: why)
        case .absent: self.init(state: "absent")
        }
    }
}

extension ExplainReport.Desired {
    fileprivate init(_ entry: ModelSnapshot, _ fault: ManifestFault?) {
        let model = entry.model
        let spec = model.spec.effective
        self.init(
            root: model.root, file: model.file, line: entry.line, revision: entry.revision,
            generation: model.generation, isRemoved: model.isRemoved, type: model.spec.source?.type ?? "http",
            runs: model.spec.whatRuns, baseUrl: model.spec.baseURL, load: spec.load, update: spec.update,
            startTimeoutSeconds: spec.startTimeout, loadTimeoutSeconds: spec.loadTimeout,
            idleTimeoutSeconds: spec.idleTimeout.span, drainTimeoutSeconds: spec.drainTimeout, isPinned: spec.pinned,
            hold: model.hold.map { Word(since: $0.since.rfc3339, by: $0.by) },
            removalHeld: model.heldRemoval.map { .init(since: $0.since.rfc3339, remedy: $0.remedy) },
            manifestFault: fault)
        if case .loaded(let since, let by) = model.demand { demand = Word(since: since.rfc3339, by: by) }
    }
}

extension ExplainReport.Instance {
    fileprivate init(_ instance: InstanceRecord, in explanation: Explanation) {
        let view = explanation.view?.instances.first { $0.id == instance.id }
        self.init(
            id: instance.id, phase: instance.phase, since: instance.phaseSince.rfc3339,
            generation: instance.generation, insteadOf: instance.insteadOf, isRouted: instance.isRouted,
            isAdopted: instance.adopted,
            pid: instance.server?.pid, shimPid: instance.shim?.pid, containerId: instance.containerID,
            image: instance.image, host: instance.host, address: instance.address, port: instance.port,
            startedAt: instance.startedAt?.rfc3339, readyAt: instance.readyAt?.rfc3339,
            memoryBytes: instance.phase.isCurrent ? explanation.model.memory : nil, inFlight: view?.inFlight,
            lastAnswerAt: view?.lastAnswer?.rfc3339, lastProbe: view?.lastProbe, stopCause: instance.stopCause,
            unknownReason: instance.unknownReason, isRunning: explanation.isRunning[instance.id])
    }
}

extension ExplainReport.Decision {
    fileprivate init(_ decision: DecisionReport) {
        self.init(
            kind: decision.kind, step: decision.step, instance: decision.instance, reason: decision.reason,
            until: decision.until?.rfc3339)
    }
}

extension ExplainReport.Inputs {
    fileprivate init(_ model: ModelRecord, _ view: ControllerView?) {
        self.init(
            isDemanded: model.isDemanded, isHeld: model.hold != nil, isRemoved: model.isRemoved,
            failures: model.backoff?.failures ?? 0, nextAttemptAt: model.backoff?.nextAttempt.rfc3339,
            isShuttingDown: view?.isShuttingDown, idleSince: view?.idleSince?.rfc3339, eviction: view?.eviction,
            isSupplied: view?.isSupplied, inLineSince: view?.inLineSince?.rfc3339,
            calledSince: view?.calledSince?.rfc3339, nextLookAt: view?.nextLook?.rfc3339)
    }
}

extension ExplainReport.Operation {
    fileprivate init(_ operation: OperationRecord) {
        self.init(
            id: operation.id, kind: operation.kind, cause: operation.cause, instance: operation.instance,
            openedAt: operation.openedAt.rfc3339, closedAt: operation.closedAt?.rfc3339,
            tookSeconds: operation.closedAt.map { $0 - operation.openedAt }, outcome: operation.outcome.rawValue,
            message: operation.message)
    }
}

extension ExplainReport.Failure {
    fileprivate init(_ failure: Explanation.Failure) {
        self.init(
            at: failure.at.rfc3339, message: failure.message,
            isFinal: failure.backoff?.lastFailure.classification == .terminal, failures: failure.backoff?.failures ?? 0,
            nextAttemptAt: failure.backoff?.nextAttempt.rfc3339, isOutOfMemory: failure.exit?.isOutOfMemory ?? false,
            log: failure.exit?.logTail ?? [])
        switch failure.exit?.kind {
        case .exited(let code): exitCode = code
        case .signaled(let signal): exitSignal = signal
        case .notExecuted, .neverStarted, .lost, nil: break
        }
    }
}

extension ModelSpec {
    /// The command, the image, or the URL.
    var whatRuns: String {
        switch source {
        case nil: (baseURL ?? "") + effective.endpoint
        case .localArtifact(let spec): spec.startupCommand
        case .docker(let spec): spec.image
        case .ecr(let spec): spec.label
        }
    }
}

extension IdleTimeout {
    /// `nil`: never.
    var span: Seconds? {
        if case .after(let span) = self { span } else { nil }
    }
}
