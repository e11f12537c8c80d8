import ModelCore
import StateStore

/// What of the manifests is not acted on, as `status` tells it.
extension StateSnapshot {
    /// A paragraph for people: each file that is not accepted, and each line to run; empty where there is nothing.
    var notAccepted: [String] { faultLines + removalLines }

    /// What keeps the file that defines a model from being accepted.
    func fault(of model: ModelRecord) -> ManifestFault? {
        guard !model.isRemoved, let root = roots.first(where: { $0.path == model.root }) else { return nil }
        let folder = model.file.split(separator: "/").first.map(String.init)
        return root.faults.lazy.map(\.fault).first { [".", folder, model.file].contains($0.file) }
    }

    private var faultLines: [String] {
        let lines = roots.flatMap { root in
            root.faults.map { recorded -> String in
                let fault = recorded.fault
                let place = fault.file == "." ? root.path : "\(root.path)/\(fault.place)"
                return "  \(place): \(fault.message)" + (fault.hint.map { " (\($0))" } ?? "")
            }
        }
        if lines.isEmpty { return [] }
        let title =
            "Not accepted (`modelet validate DIR` tells all that is wrong); what these last defined stays enforced:"
        return ["", title] + lines
    }

    private var removalLines: [String] {
        let held = models.compactMap { entry in entry.model.heldRemoval.map { (entry.model.key, $0.remedy) } }
        return Dictionary(grouping: held, by: \.1).sorted { $0.key < $1.key }.flatMap { remedy, models in
            let keys = models.map(\.0.description).joined(separator: ", ")
            return [
                "", "! removal of \(models.count) held (\(HeldRemoval.name)): \(keys)", "  `\(remedy)` removes them",
            ]
        }
    }
}

/// A root as programs read it.
struct RootReport: Encodable {
    struct Fault: Encodable {
        var fault: ManifestFault
        var since: Timestamp

        private enum CodingKeys: String, CodingKey { case since }

        func encode(to encoder: any Encoder) throws {
            try fault.encode(to: encoder)
            var container = encoder.container(keyedBy: CodingKeys.self)
            try container.encode(since, forKey: .since)
        }
    }

    var path: String
    var revision: Int
    /// Its files that are not accepted.
    var faults: [Fault]
    /// The revision that it is held at, whatever its manifests say.
    var pinned: RootPin?

    init(_ root: RootSnapshot) {
        path = root.path
        revision = root.revision
        pinned = root.pin
        faults = root.faults.map { Fault(fault: $0.fault, since: $0.since) }
    }
}
