import ArgumentParser
import ControlPlane
import ModelCore
import Reconciler

struct Load: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Load a model now, and lift a hold.")

    @OptionGroup var model: ModelArgument
    @OptionGroup var waiting: WaitOptions
    @OptionGroup var state: StateOptions

    func run() async throws {
        let key = try model.key(in: state)
        try await asking(state) { client throws(ClientError) in try await client.load(key, by: operatorName) }
        if !waiting.wait { Console.print("\(key) is to be loaded") }
        try await waiting.run(.ready, of: key, in: state)
    }
}
