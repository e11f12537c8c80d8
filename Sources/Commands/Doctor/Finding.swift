/// What one check came to.
struct Finding: Encodable, Hashable {
    enum Verdict: String, Encodable, CaseIterable {
        case ok
        /// It works, but not as well as it could.
        case warn
        /// Something that is wanted cannot work.
        case fail
    }

    var verdict: Verdict
    /// What was looked at, in a word or two.
    var check: String
    var detail: String
    /// What to do; `nil` where there is nothing.
    var advice: String?

    static func ok(_ check: String, _ detail: String) -> Finding {
        Finding(verdict: .ok, check: check, detail: detail, advice: nil)
    }

    static func warn(_ check: String, _ detail: String, _ advice: String? = nil) -> Finding {
        Finding(verdict: .warn, check: check, detail: detail, advice: advice)
    }

    static func fail(_ check: String, _ detail: String, _ advice: String? = nil) -> Finding {
        Finding(verdict: .fail, check: check, detail: detail, advice: advice)
    }
}

/// Findings as people read them: a line each.
struct FindingsText {
    let findings: [Finding]
    let isColoured: Bool

    var lines: [String] {
        let width = findings.map(\.check.count).max() ?? 0
        return findings.map { finding in
            let word = finding.verdict.rawValue
            let mark = isColoured ? "\u{1B}[\(finding.verdict.colour)m\(word)\u{1B}[0m" : word
            let gaps = (String(repeating: " ", count: 6 - word.count), pad(finding.check, to: width))
            let text = [finding.detail, finding.advice].compactMap(\.self).joined(separator: "; ")
            return "\(mark)\(gaps.0)\(gaps.1)  \(text.split(whereSeparator: \.isNewline).joined(separator: " "))"
        }
    }

    private func pad(_ text: String, to width: Int) -> String {
        text + String(repeating: " ", count: max(width - text.count, 0))
    }
}

extension Finding.Verdict {
    /// The colour's number in a terminal's escape sequence.
    fileprivate var colour: Int {
        switch self {
        case .ok: 32
        case .warn: 33
        case .fail: 31
        }
    }
}
