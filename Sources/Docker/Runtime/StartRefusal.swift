internal import Glibc
internal import ModelCore

/// Why the engine did not create or start a container, and what that means for the model.
struct StartRefusal {
    let error: EngineError
    /// Whether it was to be started; else it was to be created.
    let isStart: Bool

    init(_ error: EngineError, isStart: Bool) {
        self.error = error
        self.isStart = isStart
    }

    /// What the engine said, in one line.
    var words: String {
        guard case .refused(_, let message) = error else { return "\(error)" }
        return LogLines.printable(message.split(whereSeparator: \.isNewline).joined(separator: " "))
    }

    private func says(_ phrases: String...) -> Bool {
        guard case .refused(_, let message) = error else { return false }
        let text = message.lowercased()
        return phrases.contains { text.contains($0) }
    }

    /// Whether the port that is to be published is taken.
    var isAboutPort: Bool { says("port is already allocated", "address already in use") }

    func failure(at time: Timestamp) -> LoadFailure {
        guard case .refused(let status, _) = error else {
            let what = isStart ? "started" : "created"
            return LoadFailure(.retryable, "its container could not be \(what): \(error)", at: time)
        }
        if says("docker-init") {
            let sentence =
                "the engine lacks its init program (docker-init): install it (on Debian the package tini), or "
                + "write `init: false` for the model: \(words)"
            return LoadFailure(.terminal, sentence, at: time)
        }
        if says("container-init binary not found") {
            let sentence =
                "podman lacks its init program (catatonit): install it (on Debian the package catatonit), or write "
                + "`init: false` for the model: \(words)"
            return LoadFailure(.terminal, sentence, at: time)
        }
        if let (sentence, code) = notExecuted {
            let exit = ExitRecord(kind: .notExecuted(errno: code), at: time, message: sentence)
            return LoadFailure(.terminal, sentence, at: time, exit: exit)
        }
        if !isStart, status == 409 {
            return LoadFailure(
                .retryable, "its container's name is taken by one that is not modelet's: \(words)", at: time)
        }
        if !isStart, status == 404 {
            // It was there when it was asked for; the next try fetches it again.
            return LoadFailure(.retryable, "its image is no longer there: \(words)", at: time)
        }
        if status == 404 {
            return LoadFailure(.retryable, "its container was removed before it was started", at: time)
        }
        let what = isStart ? "the engine could not start its container" : "the engine does not accept its container"
        return LoadFailure(needsSomebody(status) ? .terminal : .retryable, "\(what): \(words)", at: time)
    }

    /// Whether it would be refused again and again until something is changed.
    private func needsSomebody(_ status: Int) -> Bool {
        if isPassing { return false }
        if status == 400 || status == 403 { return true }
        return says(
            "oci runtime create failed", "could not select device driver", "unable to find user",
            "unable to find group",
            "unknown or invalid runtime", "error mounting", "invalid mount", "not a directory",
            "no matching entries in passwd")
    }

    /// What the host is short of comes back.
    private var isPassing: Bool {
        says(
            "cannot allocate memory", "no space left on device", "too many open files",
            "resource temporarily unavailable", "device or resource busy", "context deadline exceeded")
    }

    // MARK: The command

    /// That its command cannot be executed: a sentence, and the `errno`.
    private var notExecuted: (sentence: String, errno: Int32)? {
        guard isStart, says("exec: ", "exec format error", "exec user process"), !isPassing else { return nil }
        let program = program.map { "\($0) " } ?? "it "
        if says("exec format error") {
            return ("could not be executed: \(program)is no program for this machine (\(words))", ENOEXEC)
        }
        if says("permission denied") {
            return ("could not be executed: \(program)may not be executed in the image (\(words))", EACCES)
        }
        if says("executable file not found", "no such file or directory") {
            return ("could not be executed: \(program)does not exist in the image (\(words))", ENOENT)
        }
        return nil
    }

    /// The program, out of `exec: "/bin/server": stat …`.
    private var program: String? {
        guard let start = words.firstRange(of: "exec: \"") else { return nil }
        let rest = words[start.upperBound...]
        return rest.firstIndex(of: "\"").map { String(rest[..<$0]) }
    }
}
