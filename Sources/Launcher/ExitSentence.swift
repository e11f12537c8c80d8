internal import CLinux
internal import Glibc
internal import ModelCore
internal import ProcFS

extension ExitReport {
    /// - Parameter tail: the last lines of the server's log.
    func record(logTail tail: [String]) -> ExitRecord {
        ExitRecord(
            kind: recordKind, at: Timestamp(milliseconds: endedAt), message: sentence, logTail: tail)
    }

    private var recordKind: ExitRecord.Kind {
        switch kind {
        case "exited": .exited(code: code ?? 0)
        case "signaled": .signaled(signal: signal ?? 0)
        case "not_executed": .notExecuted(errno: errno ?? 0)
        case "never_started": .neverStarted
        default: .lost
        }
    }

    private var sentence: String {
        switch recordKind {
        case .exited(let code): exitedSentence(code)
        case .signaled(let signal): signaledSentence(signal)
        case .notExecuted(let code): notExecutedSentence(code)
        case .neverStarted: error.map { "could not be started: \($0)" } ?? "the launch was given up before it began"
        case .lost: "ended in a way that this version does not know (\(kind))"
        }
    }

    private var wasStopped: Bool { stop == "term" || stop == "kill" }

    private func exitedSentence(_ code: Int32) -> String {
        if wasStopped { return "stopped (exited with code \(code))" }
        if let leftovers, leftovers > 0, code == 0 {
            return "exited with code 0 and left \(processes(leftovers)) behind, which had to be killed: a model server "
                + "must stay in the foreground (start it without its daemon or background option)"
        }
        let left = leftovers.flatMap {
            $0 > 0 ? "; \(processes(leftovers ?? 0)) that it left behind had to be killed" : nil
        }
        return "exited with code \(code)\(codeHint(code))\(left ?? "")"
    }

    private func codeHint(_ code: Int32) -> String {
        switch code {
        case 126: " (by custom: a command that it ran could not be executed)"
        case 127: " (by custom: a command that it ran was not found)"
        case 129...159: " (by custom: a command that it ran was killed by \(signalName(code - 128)))"
        default: ""
        }
    }

    private func signaledSentence(_ signal: Int32) -> String {
        switch stop {
        case "kill" where signal == SIGKILL: return "killed, because it did not end when asked to"
        case "term" where signal == SIGTERM, "kill" where signal == SIGTERM: return "stopped"
        default: break
        }
        let dumped = core == true ? ", core dumped" : ""
        let hint = signal == SIGKILL ? ", maybe because the host ran out of memory (see `dmesg`)" : ""
        return "killed by \(signalName(signal))\(hint)\(dumped)"
    }

    private func notExecutedSentence(_ code: Int32) -> String {
        let reason = systemMessage(code)
        switch clinux_step(UInt32(max(step ?? 0, 0))) {
        case clinux_step_limits: return "could not be started: its limit of open files cannot be set: \(reason)"
        case clinux_step_user: return "could not be started: modelet may not start programs as that `user`: \(reason)"
        case clinux_step_directory: return "could not be started: its `path` cannot be entered: \(reason)"
        case clinux_step_execute: return "could not be executed: \(executionHint(code) ?? reason)"
        default: return "could not be started: \(reason)"
        }
    }

    private func executionHint(_ code: Int32) -> String? {
        switch code {
        case ENOENT: "the program, or the interpreter that its first line (#!) names, does not exist"
        case ENOEXEC: "it is no program for this machine, nor a script whose first line (#!) names its interpreter"
        case EACCES: "permission denied; it needs the execute permission (chmod +x), as do the folders above it"
        case E2BIG: "its arguments and environment are too long"
        default: nil
        }
    }

    private func processes(_ count: Int) -> String { count == 1 ? "1 process" : "\(count) processes" }
}
