/// The command line, version 1 of the protocol.
struct ShimArguments {
    let instance: String
    let folder: String
    /// Read until one byte arrives, or the end.
    let gate: Int32
    /// Holds the launch order.
    let order: Int32
    /// Bound sockets that keep the server's port from others until the server is executed.
    let reserved: [Int32]

    static let protocolVersion = 1
    /// The first descriptor behind standard error; the controller numbers what it passes from here.
    static let firstReserved: Int32 = 5

    init(_ words: [String]) throws(ShimError) {
        var values: [String: String] = [:]
        var rest = words.dropFirst()
        while let name = rest.popFirst() {
            guard name.hasPrefix("--"), let value = rest.popFirst() else {
                throw .usage("started by modelet, not by people; unexpected argument: \(name)")
            }
            values[name] = value
        }
        guard values["--protocol"] == "\(Self.protocolVersion)" else {
            throw .usage("speaks protocol \(Self.protocolVersion) only; asked for \(values["--protocol"] ?? "none")")
        }
        guard let instance = values["--instance"], Self.isPlain(instance), let folder = values["--folder"],
            let gate = values["--gate"].flatMap({ Int32($0) }), let order = values["--order"].flatMap({ Int32($0) }),
            let count = Int32(values["--reserved"] ?? "0"), (0...Self.mostReserved).contains(count)
        else { throw .usage("--instance, --folder, --gate or --order is missing or malformed") }
        self.instance = instance
        self.folder = folder
        self.gate = gate
        self.order = order
        reserved = (0..<count).map { Self.firstReserved + $0 }
    }

    /// More addresses than any host name stands for.
    private static let mostReserved: Int32 = 64

    /// Whether `id` can stand in JSON as it is.
    private static func isPlain(_ id: String) -> Bool {
        !id.isEmpty
            && id.utf8.allSatisfy {
                (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) || $0 == UInt8(ascii: "-")
                    || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0 | 0x20)
            }
    }
}
