import ArgumentParser
import ControlPlane
import ModelCore
import Reconciler

struct Unload: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Stop a model's instance.",
        discussion: """
            An on-demand model is loaded again by the next request, unless it is held. An eager model is always held: it \
            stays unloaded until `modelet load`, or until its run fields change.
            """)

    @OptionGroup var model: ModelArgument
    @Flag(help: "Keep it unloaded until `modelet load`.")
    var hold = false
    @OptionGroup var waiting: WaitOptions
    @OptionGroup var state: StateOptions

    func run() async throws {
        let key = try model.key(in: state)
        try await asking(state) { client throws(ClientError) in
            try await client.unload(key, hold: hold, by: operatorName)
        }
        if !waiting.wait { Console.print("\(key) is to be unloaded") }
        try await waiting.run(.standby, of: key, in: state)
    }
}
