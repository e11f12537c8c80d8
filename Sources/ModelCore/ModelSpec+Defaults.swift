extension ModelSpec {
    /// The spec without what goes without saying: a default that is written out, an empty mapping, another spelling of an
    /// image's name, another order of names in a set. Two specs that say the same are equal so.
    ///
    /// Only for comparing. What is stored is the spec as its manifest has it: a later version that has another default
    /// then finds, by the same comparison, that an explicit value has come to differ.
    package var withoutDefaults: ModelSpec {
        let standard = ModelSpec().effective
        var spec = self
        spec.endpoint = endpoint.unless(standard.endpoint)
        spec.timeout = timeout.unless(standard.timeout)
        spec.headers = headers.unless(standard.headers)
        spec.load = load.unless(standard.load)
        spec.loadTimeout = loadTimeout.unless(standard.loadTimeout)
        spec.startTimeout = startTimeout.unless(standard.startTimeout)
        spec.idleTimeout = idleTimeout.unless(standard.idleTimeout)
        spec.maxConcurrency = maxConcurrency.unless(standard.maxConcurrency)
        spec.maxQueue = maxQueue.unless(standard.maxQueue)
        spec.update = update.unless(standard.update)
        spec.drainTimeout = drainTimeout.unless(standard.drainTimeout)
        spec.stopTimeout = stopTimeout.unless(standard.stopTimeout)
        spec.readiness = readiness.unless(standard.readiness)?.withoutDefaults
        spec.liveness = liveness?.withoutDefaults
        spec.pinned = pinned.unless(standard.pinned)
        spec.retry = retry.unless(standard.retry)
        spec.keepAlive = keepAlive.unless(standard.keepAlive)
        spec.source = source?.withoutDefaults
        return spec
    }
}

extension Optional where Wrapped: Equatable {
    /// The value, unless it is the one that holds where there is none.
    fileprivate func unless(_ standard: Wrapped) -> Wrapped? { self == standard ? nil : self }
}

extension ReadinessSpec {
    fileprivate var withoutDefaults: ReadinessSpec {
        switch self {
        case .none: .none
        case .tcp(let probe): .tcp(probe.withoutDefaults)
        case .http(let probe): .http(probe.withoutDefaults)
        }
    }
}

extension ProbeSpec {
    fileprivate var withoutDefaults: ProbeSpec {
        let standard = ProbeSpec()
        var probe = self
        probe.path = path.unless(standard.effectivePath)
        probe.status = status.unless(standard.effectiveStatus)
        probe.timeout = timeout.unless(standard.effectiveTimeout)
        probe.interval = interval.unless(standard.effectiveInterval)
        probe.failures = failures.unless(standard.effectiveFailures)
        probe.owner = owner.unless(standard.effectiveOwner)
        return probe
    }
}

extension SourceSpec {
    fileprivate var withoutDefaults: SourceSpec {
        switch self {
        case .localArtifact(let spec):
            return .localArtifact(spec.withoutDefaults)
        case .docker(var spec):
            if let name = try? ImageReference(spec.image) { spec.image = name.canonical }
            spec.container = spec.container.withoutDefaults
            return .docker(spec)
        case .ecr(var spec):
            spec.tag = spec.tag.unless(ECRSpec.standardTag)
            spec.container = spec.container.withoutDefaults
            return .ecr(spec)
        }
    }
}

extension LocalArtifactSpec {
    fileprivate var withoutDefaults: LocalArtifactSpec {
        let standard = LocalArtifactSpec(path: path, startupCommand: startupCommand)
        var spec = self
        spec.host = host.unless(standard.effectiveHost)
        spec.startupDelay = startupDelay.unless(.zero)
        spec.environment = environment.unless([:])
        spec.inheritEnvironment = inheritEnvironment.unless(.all)?.inOrder
        return spec
    }
}

extension InheritedEnvironment {
    /// Names are inherited in no order.
    fileprivate var inOrder: InheritedEnvironment {
        if case .only(let names) = self { .only(Set(names).sorted()) } else { self }
    }
}

extension ContainerSpec {
    fileprivate var withoutDefaults: ContainerSpec {
        var spec = self
        spec.pull = pull.unless(.missing)
        spec.environment = environment.unless([:])
        spec.volumes = volumes.unless([:])
        spec.addedCapabilities = addedCapabilities.unless([])?.sorted()
        spec.readOnly = readOnly.unless(false)
        spec.privileged = privileged.unless(false)
        spec.newPrivileges = newPrivileges.unless(false)
        spec.pidsLimit = pidsLimit.unless(.count(Self.standardPIDsLimit))
        spec.dockerSocket = dockerSocket.unless(false)
        spec.startupDelay = startupDelay.unless(.zero)
        return spec
    }
}
