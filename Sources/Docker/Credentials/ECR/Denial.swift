/// `User: ARN is not authorized to perform: ACTION on resource: ARN …`: how AWS says that a permission is missing.
struct Denial: Hashable, Sendable {
    /// Who was denied, an ARN.
    var principal: String?
    /// The IAM action: `ecr:BatchGetImage`.
    var action: String
    /// On what, an ARN; `nil` where it is everything.
    var resource: String?
    /// Whether a policy forbids it, so that allowing it elsewhere would change nothing.
    var isExplicit: Bool

    init?(in message: String) {
        guard let action = Self.word(after: "is not authorized to perform: ", in: message), action.contains(":") else {
            return nil
        }
        self.action = action
        principal = Self.word(after: "User: ", in: message).flatMap { $0.hasPrefix("arn:") ? $0 : nil }
        resource = Self.word(after: "on resource: ", in: message).flatMap { $0.hasPrefix("arn:") ? $0 : nil }
        isExplicit = message.contains("explicit deny")
    }

    /// Only what such a word is made of: the rest of the message may be anything.
    private static func word(after prefix: String, in message: String) -> String? {
        guard let start = message.firstRange(of: prefix)?.upperBound else { return nil }
        let word = message[start...].prefix { character in
            character.isASCII && (character.isLetter || character.isNumber || "-_:/.+=,@*".contains(character))
        }
        let text = word.last == "," || word.last == "." ? word.dropLast() : word
        return text.isEmpty || text.count > longestWord ? nil : String(text)
    }

    /// In characters. An ARN has at most 2,048.
    private static let longestWord = 2048

    var sentence: String {
        let who = principal ?? "these AWS credentials"
        let what = resource.map { "\(action) on \($0)" } ?? action
        if isExplicit {
            return "AWS does not let \(who) call \(what): a policy denies it explicitly; it has to be changed"
        }
        return "AWS does not let \(who) call \(what): \(remedy). docs/ecr.md has the minimal policy"
    }

    private var remedy: String {
        var remedy = "allow \(action) in its IAM policy"
        if action == "sts:AssumeRole" || action == "sts:AssumeRoleWithWebIdentity" {
            remedy += " and in the trust policy of the role"
        } else if belongsToAnotherAccount {
            remedy += ", and in the policy of the repository, which belongs to another account"
        } else if action == "ecr:BatchImportUpstreamImage" || action == "ecr:CreateRepository" {
            remedy += " (the repository is a pull-through cache)"
        }
        return remedy
    }

    private var belongsToAnotherAccount: Bool {
        guard let principal, let resource else { return false }
        let accounts = [principal, resource].map { arn in
            arn.split(separator: ":", omittingEmptySubsequences: false).dropFirst(4).first.map(String.init) ?? ""
        }
        return !accounts[0].isEmpty && !accounts[1].isEmpty && accounts[0] != accounts[1]
    }
}
