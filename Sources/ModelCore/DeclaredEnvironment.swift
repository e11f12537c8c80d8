/// Resolves all values of an `environment`, for one launch. What a value yields is never read for references again.
/// - Parameters:
///   - provided: what the launch provides, by name.
///   - env: a variable of the daemon; `nil` where it is not set.
///   - file: the contents of a file, at most ``EnvironmentValue/longestFile`` bytes.
package func resolveEnvironment(
    _ declared: [String: String], provided: [String: String], env: (String) -> String?,
    file: (String) throws(UnreadableFile) -> String
) throws(DeclaredEnvironmentError) -> [String: String] {
    var values: [String: String] = [:]
    // In order, so that of several faults always the same is told.
    for (name, text) in declared.sorted(by: { $0.key < $1.key }) {
        do throws(EnvironmentValueError) {
            values[name] = try EnvironmentValue(text).resolve(values: provided, env: env, file: file)
        } catch {
            throw DeclaredEnvironmentError(name: name, error: error)
        }
    }
    return values
}

/// Which variable cannot be resolved, and why.
package struct DeclaredEnvironmentError: Error, Hashable, Sendable {
    package let name: String
    package let error: EnvironmentValueError

    /// A sentence without the value itself, which may be a secret.
    package var message: String { "environment: \(name): \(error.message)" }
}

extension EnvironmentValue {
    /// The longest file that `${file:…}` may name, in bytes: it holds a secret, not a model.
    package static let longestFile = 128 * 1024
}
