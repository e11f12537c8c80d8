import ArgumentParser
import ControlPlane
import ModelCore
import Reconciler

struct Restart: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Replace a model's instance by a new one.")

    @OptionGroup var model: ModelArgument
    @OptionGroup var waiting: WaitOptions
    @OptionGroup var state: StateOptions

    func run() async throws {
        let key = try model.key(in: state)
        try await asking(state) { client throws(ClientError) in try await client.restart(key, by: operatorName) }
        if !waiting.wait { Console.print("\(key) is to be restarted") }
        try await waiting.run(.ready, of: key, in: state)
    }
}
