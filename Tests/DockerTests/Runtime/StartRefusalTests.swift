import ModelCore
import Testing

@testable import Docker

/// What engines say when they do not create or start a container; their words, as they were heard.
@Suite("Refusals of engines") struct StartRefusalTests {
    struct Heard: Sendable {
        var status: Int
        var words: String
        /// What people read, beside the words.
        var advice: [String]
    }

    private static let initPrograms = [
        // Docker 20.10, when the container is started.
        Heard(
            status: 400,
            words: #"failed to create shim task: exec: "docker-init": executable file not found in $PATH: unknown"#,
            advice: ["docker-init", "package tini", "`init: false`"]),
        // Podman 4.3, when it is created.
        Heard(
            status: 500,
            words: "container create: container-init binary not found on the host: "
                + "stat /usr/libexec/podman/catatonit: no such file or directory",
            advice: ["podman lacks", "package catatonit", "`init: false`"]),
    ]

    @Test(
        "an engine without its init program is told how to get it, and not asked again and again",
        arguments: initPrograms)
    func initProgram(_ heard: Heard) {
        for isStart in [false, true] {
            let refusal = StartRefusal(.refused(status: heard.status, message: heard.words), isStart: isStart)
            let failure = refusal.failure(at: Timestamp(milliseconds: 1))
            #expect(failure.classification == .terminal)
            for part in heard.advice + [heard.words] {
                #expect(failure.message.contains(part), "\(failure.message)")
            }
        }
    }
}
