/// The tokens that open the gateway (RFC 6750): `Authorization: Bearer TOKEN`.
package struct BearerTokens: Sendable {
    private let tokens: [[UInt8]]

    /// `nil` where there is no token at all: an empty set would shut everybody out, and never on purpose.
    package init?(_ tokens: [String]) {
        guard !tokens.isEmpty, tokens.allSatisfy(Self.isToken) else { return nil }
        self.tokens = tokens.map { Array($0.utf8) }
    }

    /// Whether `text` can be sent as a token: visible ASCII, at least one character.
    package static func isToken(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.allSatisfy(ByteClass.isVisible)
    }

    /// Whether the value of an `Authorization` field bears one of the tokens. How long that takes says nothing about
    /// any of them but how many there are.
    func accept(_ authorization: UnsafeRawBufferPointer) -> Bool {
        let scheme: StaticString = "bearer"
        var start = scheme.utf8CodeUnitCount
        guard authorization.count > start, authorization[start] == ByteClass.space,
            authorization.token(from: 0, to: start, is: scheme)
        else { return false }
        while start < authorization.count, authorization[start] == ByteClass.space { start += 1 }
        let given = UnsafeRawBufferPointer(rebasing: authorization[start...])
        var isAccepted = false
        for token in tokens {
            let isEqual = Self.areEqual(token, given)
            isAccepted = isEqual || isAccepted
        }
        return isAccepted
    }

    /// Compares in a time that depends on the length of `given` alone, which its sender knows anyway.
    private static func areEqual(_ token: [UInt8], _ given: UnsafeRawBufferPointer) -> Bool {
        var difference = token.count ^ given.count
        for index in given.indices { difference |= Int(token[index % token.count] ^ given[index]) }
        return difference == 0
    }
}
