internal import ModelCore

extension Wire {
    struct Event: Decodable {
        struct Actor: Decodable {
            var ID: String?
            var Attributes: [String: String]?
        }

        var `Type`: String
        var Action: String
        var Actor: Actor?
        var time: Int64?
        var timeNano: Int64?
    }

    struct PullLine: Decodable {
        struct Detail: Decodable {
            var current: Int64?
            var total: Int64?
        }

        struct Failure: Decodable {
            var code: Int?
            var message: String?
        }

        var id: String?
        var status: String?
        var progressDetail: Detail?
        var error: String?
        var errorDetail: Failure?
    }
}

extension EngineEvent {
    init(_ wire: Wire.Event) {
        type = wire.Type
        let parts = wire.Action.split(separator: ":", maxSplits: 1)
        action = Self.action(parts.first.map(String.init) ?? "", of: wire.Type)
        detail = parts.count > 1 ? String(parts[1].drop { $0 == " " }) : ""
        actor = wire.Actor?.ID ?? ""
        attributes = wire.Actor?.Attributes ?? [:]
        time = (wire.timeNano.map { $0 / 1_000_000 } ?? wire.time.map { $0 * 1000 }).map { Timestamp(milliseconds: $0) }
    }
}

extension EngineEvent {
    /// Podman's words for what Docker calls otherwise.
    private static func action(_ word: String, of type: String) -> String {
        guard type == "container" else { return word }
        return switch word {
        case "died": "die"
        case "remove": "destroy"
        default: word
        }
    }
}
