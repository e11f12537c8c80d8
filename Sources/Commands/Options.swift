import ArgumentParser
import Glibc
import Manifests

/// Where a command finds the state. Each flag may be given in the environment instead.
struct StateOptions: ParsableArguments {
    @Option(help: "The directory that holds the database [default: state; environment: MODELET_STATE].")
    var state: String?

    /// Absolute.
    var directory: String { state.map { absolutePath($0) } ?? Self.usual }

    /// Where it is if no flag says so.
    private static var usual: String { absolutePath(environment("MODELET_STATE") ?? "state") }

    /// What a line to run has to say so that it means the same state: nothing where it does so by itself, here and in
    /// this environment.
    var spelledOut: String { directory == Self.usual ? "" : " --state \(directory)" }
}

/// Who reads what is printed.
enum OutputFormat {
    /// People.
    case table
    /// Programs: as ``OutputOptions/document(_:)`` spells it.
    case json
}

struct OutputOptions: ParsableArguments {
    enum Spelling: String, ExpressibleByArgument, CaseIterable {
        case table, json, yaml
    }

    @Option(name: [.customShort("o"), .customLong("output")], help: "How to print: table, json or yaml.")
    var spelling = Spelling.table

    var format: OutputFormat { spelling == .table ? .table : .json }

    /// `value` as programs read it.
    func document(_ value: some Encodable) -> String { spelling == .yaml ? yaml(value) : json(value) }

    /// `value` as programs read it that take one after the other as they come: a line of JSON, or a document of YAML.
    func record(_ value: some Encodable) -> String {
        spelling == .yaml ? "---\n" + yaml(value) : jsonLine(value)
    }
}

/// The value of an environment variable; an empty one counts as not set.
func environment(_ name: String) -> String? {
    guard let value = getenv(name) else { return nil }
    let text = String(cString: value)
    return text.isEmpty ? nil : text
}

/// All of the environment.
var environmentVariables: [String: String] {
    var variables: [String: String] = [:]
    var next = environ
    while let entry = next.pointee {
        let pair = String(cString: entry).split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        if pair.count == 2 { variables[String(pair[0])] = String(pair[1]) }
        next += 1
    }
    return variables
}

/// The home directory of the user of this process: `HOME`, else as the user database has it.
var homeDirectory: String? {
    if let home = environment("HOME") { return home }
    guard let entry = getpwuid(getuid()), let path = entry.pointee.pw_dir else { return nil }
    return String(cString: path)
}

/// `path` from the root of the file system. Symbolic links are left as they are: a directory is known by the name that
/// people use for it.
func absolutePath(_ path: String) -> String {
    guard let current = getcwd(nil, 0) else { return absolutePath(path, in: "/") }
    defer { free(current) }
    return absolutePath(path, in: String(cString: current))
}

/// `text` as the address of a listener: `host:port`, `[::1]:port`, or a port alone on the loopback interface.
func parseListenAddress(_ text: String) throws -> (host: String, port: Int) {
    let colon = text.lastIndex(of: ":")
    var host = colon.map { String(text[..<$0]) } ?? "127.0.0.1"
    if host.hasPrefix("["), host.hasSuffix("]") { host = String(host.dropFirst().dropLast()) }
    let digits = colon.map { text[text.index(after: $0)...] } ?? text[...]
    guard let port = Int(digits), (0...65535).contains(port), !host.isEmpty else {
        throw CommandFailure(
            "'\(text)' is not an address to listen on; write HOST:PORT, for example 127.0.0.1:8080",
            status: ExitStatus.usage)
    }
    return (host, port)
}
