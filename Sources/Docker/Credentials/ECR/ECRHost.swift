/// What the host of an ECR registry tells: `ACCOUNT.dkr.ecr.REGION…`, with the spellings of FIPS (`ecr-fips`) and
/// dual-stack (`dkr-ecr`, `dkr-ecr-fips`) endpoints, in every partition. Only read, never put together.
struct ECRHost: Hashable, Sendable {
    /// Twelve digits; `nil` for the endpoints of a VPC, whose names have no account.
    let account: String?
    let region: String

    /// `nil` for hosts of another form: a proxy or a mirror, which has to be told the region by the manifest.
    init?(_ host: String) {
        let name = host.lowercased().prefix { $0 != ":" }
        let labels = name.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        guard let service = Self.service(in: labels), service.end < labels.count, !labels[service.end].isEmpty else {
            return nil
        }
        region = labels[service.end]
        account = service.start > 0 ? Self.account(labels[service.start - 1]) : nil
    }

    private static func service(in labels: [String]) -> (start: Int, end: Int)? {
        for (place, label) in labels.enumerated() {
            if label == "dkr-ecr" || label == "dkr-ecr-fips" { return (place, place + 1) }
            let next = place + 1 < labels.count ? labels[place + 1] : ""
            if label == "dkr", next == "ecr" || next == "ecr-fips" { return (place, place + 2) }
        }
        return nil
    }

    private static func account(_ label: String) -> String? {
        label.utf8.count == 12 && label.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
            ? label : nil
    }
}
