internal import Glibc
internal import ProcFS

/// Whether a container's processes and ports are those of this host.
package enum NamespaceVerdict: Hashable, Sendable {
    case shared
    /// A sentence that says why not, and what to do.
    case foreign(String)
    /// It ended before it could be told, or `/proc` cannot be read: a sentence.
    case unprovable(String)
}

extension Engine {
    /// Whether what `container` runs and publishes is on this host, and not in a virtual machine or behind a socket that was
    /// forwarded from elsewhere. To be asked once the container has been started.
    ///
    /// Proved at the container itself: its first process must be one that we see, and bear the container's id. What looks
    /// foreign is looked at again for a while: the container may have ended, and the engine not have noticed.
    package func sharesNamespaces(with container: ContainerDetails) async throws(EngineError) -> NamespaceVerdict {
        let proof = SharedNamespaces(engine: address)
        let verdict = proof.verdict(of: container)
        guard verdict != .shared else { return .shared }
        let deadline = ContinuousClock.now + noticingOfAnEnd
        while true {
            guard let now = try await inspect(container.id), now.state == .running else {
                return .unprovable("the container ended before it could be told whether it ran on this host")
            }
            let verdict = proof.verdict(of: now)
            guard verdict != .shared, ContinuousClock.now < deadline else { return verdict }
            // When cancelled, what has been seen so far has to do.
            guard (try? await Task.sleep(for: .milliseconds(20))) != nil else { return verdict }
        }
    }
}

/// How long an engine may call a container running whose process has gone: milliseconds, on a busy host seconds. Only a
/// foreign engine is found out later by it, and what is waited for then is an error message.
private let noticingOfAnEnd = Duration.seconds(10)

/// What `/proc` tells of a container.
struct SharedNamespaces {
    let engine: EngineAddress
    /// Where `/proc` is mounted.
    var root = "/proc"
    /// Whether somebody listens on a port of our network namespace; `nil` where that cannot be told.
    var listens: (Int) -> Bool? = { port in (try? ProcFS.listeners(onPort: port)).map { !$0.isEmpty } }

    /// In bytes; some KiB are usual.
    private static let largestFile = 1024 * 1024

    func verdict(of container: ContainerDetails) -> NamespaceVerdict {
        guard let pid = container.pid else { return .unprovable("the container has no process") }
        // With `hidepid` we see our own processes only.
        guard exists("\(root)/1/stat") else {
            return .unprovable("\(root) does not show us the processes of others (is it mounted with hidepid?)")
        }
        switch bears(pid, id: container.id) {
        case true?: return networkVerdict(of: container, pid: pid)
        case false?:
            return foreign(
                "process \(pid), which it says runs container \(container.id.prefix(12)), is none of this host")
        case nil: return .unprovable("what \(root) shows of process \(pid) cannot be read")
        }
    }

    /// Whether a process bears the container's id: in the path of its control group, which anybody may read, or among its
    /// mounts, since engines mount files of the container's own folder into it. `nil` where neither can be read.
    private func bears(_ pid: Int32, id: String) -> Bool? {
        guard exists("\(root)/\(pid)/stat") else { return false }
        var couldRead = false
        for file in ["cgroup", "mountinfo"] {
            guard let bytes = try? SmallFile.read("\(root)/\(pid)/\(file)", limit: Self.largestFile) else { continue }
            if String(decoding: bytes, as: UTF8.self).contains(id) { return true }
            couldRead = file == "mountinfo"
        }
        return couldRead ? false : nil
    }

    /// Its processes are ours; its ports may still be those of another network, as when the controller runs in a container
    /// that was given the engine's socket. Then nobody listens on them here, and who keeps the container (the parent of its
    /// first process) is in another network namespace than we are. The latter alone says nothing: a rootless engine
    /// has a network of its own, and publishes on the host's.
    private func networkVerdict(of container: ContainerDetails, pid: Int32) -> NamespaceVerdict {
        let ports = container.publishedPorts.filter { $0.transport == "tcp" }.map(\.hostPort)
        guard !ports.isEmpty, !ports.allSatisfy({ listens($0) != false }), let keeper = parent(of: pid),
            let theirs = link("\(root)/\(keeper)/ns/net"), let ours = link("\(root)/self/ns/net"), theirs != ours
        else { return .shared }
        return foreign("it publishes ports in another network namespace than modelet's")
    }

    private func foreign(_ what: String) -> NamespaceVerdict {
        .foreign(
            "the engine at \(engine) does not run its containers on this host: \(what). It may run in a virtual machine, as "
                + "Docker Desktop does, or its socket be forwarded from elsewhere. modelet needs an engine of its own host: "
                + "install Docker Engine here, and choose it with `docker context use default`, or with DOCKER_HOST")
    }

    /// The fourth field of `stat`; the second, a name, is in parentheses and may hold anything.
    private func parent(of pid: Int32) -> Int32? {
        guard let bytes = try? SmallFile.read("\(root)/\(pid)/stat", limit: Self.largestFile) else { return nil }
        let text = String(decoding: bytes, as: UTF8.self)
        guard let name = text.lastIndex(of: ")") else { return nil }
        let fields = text[text.index(after: name)...].split(separator: " ")
        return fields.count > 1 ? Int32(fields[1]) : nil
    }

    private func link(_ path: String) -> String? {
        var target = [CChar](repeating: 0, count: 128)
        let length = readlink(path, &target, target.count)
        return length > 0 ? String(decoding: target[..<length].map { UInt8(bitPattern: $0) }, as: UTF8.self) : nil
    }

    private func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }
}
