import ArgumentParser
import ControlPlane
import Glibc
import ModelCore
import Reconciler

struct Predict: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Send one prediction through the gateway.",
        discussion: "The answer goes to standard output; an answer other than 2xx ends with exit code 1.")

    @OptionGroup var model: ModelArgument
    @Option(
        name: [.customShort("d"), .long],
        help: "The JSON body, @FILE to read it from a file, or - to read it from standard input.")
    var data: String
    @Flag(help: "Print the status and who served it to standard error.")
    var verbose = false
    @Option(
        help: ArgumentHelp(
            "A file of tokens, the first of which is sent [environment: MODELET_TOKEN_FILE, or MODELET_TOKEN itself].",
            valueName: "file"))
    var tokenFile: String?
    @OptionGroup var state: StateOptions

    func run() async throws {
        let key = try model.key(in: state)
        let body = try readBody()
        let token = try readToken()
        let about = try await asking(state) { client throws(ClientError) in try await client.about() }
        let prediction: Prediction
        do throws(ClientError) {
            prediction = try await PredictionClient(gateway: about.gateway, isTLS: about.gatewayIsTLS, token: token)
                .predict(key, body: body)
        } catch {
            throw CommandFailure(error, directory: state.directory)
        }
        if verbose {
            let server = prediction.headers["x-modelet-served-by"] ?? "nobody"
            Console.printError("status \(prediction.status), served by \(server)")
        }
        let text = String(decoding: prediction.body, as: UTF8.self)
        Console.print(text.hasSuffix("\n") ? String(text.dropLast()) : text)
        if prediction.status == 401, prediction.headers["x-modelet-served-by"] == nil {
            Console.printError("give the token with --token-file FILE, or in the environment as MODELET_TOKEN")
        }
        guard (200..<300).contains(prediction.status) else { throw ExitStatus.failed }
    }

    /// The flag, else the token in the environment, else the file that the environment names.
    private func readToken() throws -> String? {
        if tokenFile == nil, let token = environment("MODELET_TOKEN") { return token }
        return try (tokenFile ?? environment("MODELET_TOKEN_FILE")).map { try TokenFile.read($0)[0] }
    }

    private func readBody() throws -> [UInt8] {
        if data == "-" { return try readAll(STDIN_FILENO, name: "standard input") }
        guard data.hasPrefix("@") else { return Array(data.utf8) }
        let path = String(data.dropFirst())
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { throw CommandFailure("cannot read \(path): \(String(cString: strerror(errno)))") }
        defer { close(file) }
        return try readAll(file, name: path)
    }

    /// The largest body that is read, in bytes; larger ones are for a client that streams.
    private static let largestBody = 64 * 1024 * 1024

    private func readAll(_ file: Int32, name: String) throws -> [UInt8] {
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 64 * 1024)
        while true {
            let count = read(file, &chunk, chunk.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw CommandFailure("cannot read \(name): \(String(cString: strerror(errno)))") }
            if count == 0 { return bytes }
            bytes += chunk[..<count]
            guard bytes.count <= Self.largestBody else { throw CommandFailure("\(name) is larger than 64 MiB") }
        }
    }
}
