import ArgumentParser

/// The exit codes of the command line, each with one meaning.
enum ExitStatus {
    static let failed = ExitCode(1)
    /// Of `plan`, `diff` and dry runs: there is something that would change, or differs.
    static let changes = ExitCode(2)
    static let timedOut = ExitCode(3)
    /// `EX_USAGE` of sysexits.h; what the argument parser itself ends with.
    static let usage = ExitCode(64)
    /// `EX_DATAERR`: the manifests have errors.
    static let invalidManifests = ExitCode(65)
    /// `EX_TEMPFAIL`: another controller holds the state directory.
    static let locked = ExitCode(75)
}

/// An error that is told to the user as a sentence, with the exit code that fits.
struct CommandFailure: Error {
    let message: String
    let status: ExitCode

    init(_ message: String, status: ExitCode = ExitStatus.failed) {
        self.message = message
        self.status = status
    }
}
