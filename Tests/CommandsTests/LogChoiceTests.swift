import ModelCore

import Testing

@testable import Commands
@testable import StateStore

/// Which instance is meant by whoever asks for a log.
struct LogChoiceTests {
    private static let key = ModelKey(domain: "d", source: "s", model: "default")

    private static func model(_ key: ModelKey, isRemote: Bool = false) -> ModelRecord {
        var spec = ModelSpec(endpoint: "/predict")
        spec.source = isRemote ? nil : source
        return ModelRecord(key: key, spec: spec, root: "/r", file: "f.yaml")
    }

    private static let source = SourceSpec.localArtifact(LocalArtifactSpec(path: "/m", startupCommand: "serve"))

    private static func instance(_ id: String, _ phase: Phase = .exited) -> InstanceRecord {
        var instance = InstanceRecord(
            id: InstanceID(id), key: key, generation: 1, attempt: 0, source: source, host: "localhost", port: 1,
            createdAt: Timestamp(milliseconds: 0))
        instance.phase = phase
        return instance
    }

    private static let choice = LogChoice(
        model(key), ModelCondition(.ready), [instance("0195-cc", .ready), instance("0195-ab"), instance("0194-aa")])

    @Test(
        arguments: [
            (nil, false, "0195-cc"), (nil, true, "0195-ab"), ("0195-ab", false, "0195-ab"),
            ("0195-AB", true, "0194-aa"), ("0194", false, "0194-aa"),
        ] as [(String?, Bool, String)])
    func oneIsMeant(id: String?, isPrevious: Bool, meant: String) throws {
        #expect(try Self.choice.instance(id, isPrevious: isPrevious).id.text == meant)
    }

    @Test(
        arguments: [
            ("0194-aa", true, "from before 0194-aa"), ("0195", false, "beginning of 2 instances"),
            ("ff", false, "d/s/default has no instance ff; it has 0195-cc, 0195-ab, 0194-aa"),
        ])
    func noneIsMeant(id: String, isPrevious: Bool, says: String) {
        let failure = #expect(throws: CommandFailure.self) {
            try Self.choice.instance(id, isPrevious: isPrevious)
        }
        #expect(failure?.message.contains(says) == true, "\(failure?.message ?? "")")
    }

    @Test func whereNothingWasLaunchedItSaysWhy() {
        let pending = LogChoice(Self.model(Self.key), ModelCondition(.pending, "waits for a slot"), [])
        let remote = LogChoice(Self.model(Self.key, isRemote: true), ModelCondition(.remote), [])
        for (choice, says) in [(pending, "it is pending: waits for a slot"), (remote, "runs elsewhere")] {
            let failure = #expect(throws: CommandFailure.self) { try choice.instance(nil, isPrevious: false) }
            #expect(failure?.message.contains(says) == true, "\(failure?.message ?? "")")
        }
    }
}
