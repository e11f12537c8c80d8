internal import FoundationEssentials
internal import Glibc
internal import Synchronization

/// A Docker engine of the tests' own, beside whatever engine this machine has: its own directory, socket, bridge, and
/// namespace in containerd. One for the whole run, and a second one for tests that need two, each started when it is first
/// asked for; it, its containers and its images go with the test process, even where that is killed.
///
/// It leaves the machine's packet filter alone: what containers publish on the loopback goes through the engine's port
/// proxy, as it does with a filter.
package final class PrivateEngine: Sendable {
    /// For files of whoever uses it; deleted with it.
    package let scratch: String
    private let bridge: String
    private let keeper: GuardedProgram
    private let state = Mutex(State(pid: nil, starts: 0))

    private struct State {
        var pid: Int32?
        var starts: Int
    }

    /// How long it may take to start or to end; mostly it is one or two seconds.
    private static let patience = Duration.seconds(90)

    /// The Unix socket on which it is asked.
    package var socket: String { scratch + "/docker.sock" }
    /// As `DOCKER_HOST` has it.
    package var address: String { "unix://" + socket }
    /// `dockerd` itself; `nil` while it is stopped.
    package var pid: Int32? { state.withLock(\.pid) }

    /// The tests' engine, which runs on return.
    package static func shared() async throws -> PrivateEngine { try await running(.first) }

    /// Another one, which has none of the containers and images of the first; runs on return.
    package static func second() async throws -> PrivateEngine { try await running(.second) }

    private enum Place {
        case first, second
    }

    private static func running(_ place: Place) async throws -> PrivateEngine {
        let starting = engines.withLock { engines in
            let running = engines[place] ?? Task { try await PrivateEngine(place) }
            engines[place] = running
            return running
        }
        let engine = try await starting.value
        if engine.pid == nil { try await engine.start() }
        return engine
    }

    private static let engines = Mutex<[Place: Task<PrivateEngine, any Error>]>([:])

    /// Why there is no engine for the tests on this host, and what to do; `nil` where there is one. Starts it to find out.
    package static func obstacle() async -> String? {
        if let missing { return missing }
        do {
            _ = try await shared()
            return nil
        } catch {
            return "\(error)"
        }
    }

    private static var missing: String? {
        guard geteuid() == 0 else { return "an engine of the tests' own is started by root" }
        for program in ["dockerd", "docker"] where installedProgram(program) == nil {
            return "`\(program)` is missing: apt-get install docker.io"
        }
        return installedProgram("ip") == nil ? "`ip` is missing: apt-get install iproute2" : nil
    }

    private init(_ place: Place) async throws {
        if let missing = Self.missing { throw ProgramError(missing) }
        // Short: a Unix socket's path may have no more than 107 bytes, and containerd puts its own below it.
        let unique = getpid()
        let suffix = place == .first ? "" : "b"
        scratch = "/tmp/modelet-dk\(unique)\(suffix)"
        bridge = "mdk\(unique)\(suffix)"
        try FileManager.default.createDirectory(atPath: scratch, withIntermediateDirectories: false)
        try Data("{}".utf8).write(to: URL(fileURLWithPath: scratch + "/daemon.json"))
        keeper = try GuardedProgram(
            ["/bin/sh", "-c", Self.keeping, "sh", scratch, bridge], output: scratch + "/keeper.log")
        // Whatever comes from here on is taken away by it.
        try await wait(for: "its keeper does not start", log: scratch + "/keeper.log") {
            keeper.output.hasPrefix(Self.isKeeping)
        }
        let block = Int(unique) / 250 % 100 + (place == .first ? 128 : 28)
        let network = "10.\(block).\(unique % 250).1/24"
        for arguments in [
            ["link", "add", bridge, "type", "bridge"], ["address", "add", network, "dev", bridge],
            ["link", "set", bridge, "up"],
        ] { try await runToEnd(["ip"] + arguments, scratch: scratch + "/ip.log") }
        try await start()
    }

    /// What the keeper says first of all.
    private static let isKeeping = "keeping"

    /// Waits for the end of the tests, and takes away all that the engine has left on this machine. One that was stopped
    /// (SIGSTOP) answers nobody, and containers outlive an engine that restores them, so both are seen to.
    ///
    /// The tests may be killed while the engine is being started. Its pid is noted before it is `dockerd`, and that needs its
    /// configuration to start: once the configuration is gone, either the pid is there, or nothing will come of it.
    private static let keeping = """
        trap : TERM
        echo \(isKeeping)
        sleep infinity & wait $!
        kill $!
        engine="docker --host unix://$1/docker.sock"
        rm -f "$1/daemon.json"
        pid=$(cat "$1/dockerd.pid" 2>/dev/null)
        if [ "$pid" ] && grep -qF "$1/" "/proc/$pid/cmdline" && kill -CONT "$pid"; then
            containers=$(timeout 20 $engine ps --all --quiet)
            [ ! "$containers" ] || timeout 60 $engine rm --force --volumes $containers
            kill -TERM "$pid"
            tries=300
            while kill -0 "$pid" 2>/dev/null && [ $tries -gt 0 ]; do sleep 0.1; tries=$((tries - 1)); done
            kill -KILL "$pid"
        fi
        ip link delete "$2"
        cut -d ' ' -f 2 /proc/mounts | grep "^$1/" | sort -r | xargs -r umount
        rm -rf "$1"
        """

    /// Starts it after ``stop()``. It has the containers and images that it had.
    /// - Parameter liveRestore: whether containers go on while the engine is stopped.
    package func start(liveRestore: Bool = false) async throws {
        let number = state.withLock { state in
            state.starts += 1
            return state.starts
        }
        let log = scratch + "/dockerd-\(number).log"
        let flags = [
            "--host", address, "--config-file", scratch + "/daemon.json", "--pidfile", scratch + "/pid",
            "--data-root", scratch + "/data", "--exec-root", scratch + "/exec", "--bridge", bridge,
            "--iptables=false", "--ip6tables=false", "--ip-masq=false", "--ip-forward=false",
            // Where the machine's containerd runs, engines share it.
            "--containerd-namespace", bridge, "--containerd-plugins-namespace", bridge + "-plugins",
            // What does not end by then is killed with it, in seconds.
            "--shutdown-timeout", "2", "--live-restore=\(liveRestore)",
        ]
        let inBackground = #"""
            log=$1; note=$2; shift 2
            setsid /bin/sh -c 'echo $$ >"$0"; exec "$@"' "$note" "$@" </dev/null >"$log" 2>&1 &
            """#
        // Nothing listens there: what is asked for is on this host, or an error at once.
        let proxies = ["HTTP_PROXY": "http://127.0.0.1:9", "HTTPS_PROXY": "http://127.0.0.1:9"]
        try await runToEnd(
            ["/bin/sh", "-c", inBackground, "sh", log, scratch + "/dockerd.pid", "dockerd"] + flags,
            environment: proxies.merging(["NO_PROXY": "127.0.0.0/8,localhost"]) { $1 }, scratch: scratch + "/start.log")
        try await wait(for: "the engine does not start", log: log) {
            let text = Self.text(of: log)
            guard !text.contains("failed to start daemon") else {
                throw ProgramError("the engine does not start: \(text.suffix(2000))")
            }
            return text.contains("API listen on")
        }
        let pid = Int32(Self.text(of: scratch + "/pid").filter(\.isNumber))
        state.withLock { $0.pid = pid }
    }

    /// Ends it as a service manager does: SIGTERM. Containers end with it, except where they are to be restored.
    package func stop() async throws {
        try await end(SIGTERM)
    }

    /// Ends it as a crash would: SIGKILL. Its containers go on by themselves until it is started again.
    package func crash() async throws {
        try await end(SIGKILL)
    }

    private func end(_ signal: Int32) async throws {
        guard let pid else { return }
        kill(pid, signal)
        try await wait(for: "the engine does not end", log: scratch + "/pid") { !Self.runs(pid) }
        state.withLock { $0.pid = nil }
        // One that was killed leaves them, and the next takes whoever has the pid by then, be it a zombie, for its own.
        for file in ["/dockerd.pid", "/pid", "/exec/containerd/containerd.pid"] { unlink(scratch + file) }
    }

    /// Has it answer nobody any more, while all connections stay: SIGSTOP.
    package func freeze() { pid.map { _ = kill($0, SIGSTOP) } }

    package func thaw() { pid.map { _ = kill($0, SIGCONT) } }

    private func wait(for what: String, log: String, _ condition: () throws -> Bool) async throws {
        let deadline = ContinuousClock.now + Self.patience
        while try !condition() {
            guard ContinuousClock.now < deadline else {
                throw ProgramError("\(what) within \(Self.patience): \(Self.text(of: log).suffix(2000))")
            }
            try await Task.sleep(for: .milliseconds(10))
        }
    }

    /// A zombie does not run: nobody may be there to reap it.
    private static func runs(_ pid: Int32) -> Bool {
        let stat = text(of: "/proc/\(pid)/stat")
        guard let end = stat.lastIndex(of: ")") else { return false }
        return !stat[end...].hasPrefix(") Z")
    }

    private static func text(of path: String) -> String {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return "" }
        defer { close(file) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65536)
        while true {
            let count = read(file, &chunk, chunk.count)
            if count <= 0 { return String(decoding: bytes, as: UTF8.self) }
            bytes += chunk[..<count]
        }
    }
}
