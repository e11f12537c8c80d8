package import ArgumentParser

/// The command line: one subcommand a file.
package struct ModeletCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "modelet",
        abstract: "Runs model servers on this host, as a directory of manifests says.",
        version: Version.current,
        subcommands: [
            Serve.self, Shutdown.self, Validate.self, Plan.self, Diff.self, Apply.self, Rollback.self, Status.self,
            Explain.self, Wait.self, Predict.self, Load.self, Unload.self, Restart.self, Forget.self, Events.self,
            Logs.self, Doctor.self, Version.self,
        ])

    package init() {}

    /// Runs the command that the arguments name and ends the process with its exit code.
    package static func runAndExit() async -> Never {
        do {
            var command = try parseAsRoot()
            if var command = command as? any AsyncParsableCommand {
                try await command.run()
            } else {
                try command.run()
            }
            exit()
        } catch let failure as CommandFailure {
            Console.printError("modelet: \(failure.message.printableLines)")
            exit(withError: failure.status)
        } catch {
            exit(withError: error)
        }
    }
}
