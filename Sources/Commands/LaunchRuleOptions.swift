import ArgumentParser
import ModelCore

/// What may be launched. Each flag may be given in the environment instead.
struct LaunchRuleOptions: ParsableArguments {
    @Option(
        name: .customLong("artifact-root"),
        help: ArgumentHelp(
            "A folder that artifacts and volumes may lie in, besides the directory of manifests; repeatable [environment: MODELET_ARTIFACT_ROOTS, parted by colons].",
            valueName: "dir"))
    var artifactRoots: [String] = []
    @Option(
        name: .customLong("allow-image"),
        help: ArgumentHelp(
            "Where images may come from: a registry, REGISTRY/PREFIX or a repository; repeatable [default: anywhere; environment: MODELET_ALLOW_IMAGES, parted by commas].",
            valueName: "prefix"))
    var allowedImages: [String] = []
    @Flag(help: "Launch only images that are named by their digest [environment: MODELET_REQUIRE_DIGEST].")
    var requireDigest = false
    @Flag(
        help:
            "Launch no container for which a manifest opens what is closed by default: capabilities, privileged, new_privileges, pids_limit: unlimited, docker_socket [environment: MODELET_FORBID_PRIVILEGES]."
    )
    var forbidPrivileges = false

    func rules() throws -> LaunchRules {
        let roots = artifactRoots.isEmpty ? list("MODELET_ARTIFACT_ROOTS", partedBy: ":") : artifactRoots
        let policy = LaunchPolicy(
            allowedImages: try imagePrefixes(),
            requiresDigest: try requireDigest || isSet("MODELET_REQUIRE_DIGEST"),
            forbidsPrivileges: try forbidPrivileges || isSet("MODELET_FORBID_PRIVILEGES"))
        return LaunchRules(policy: policy, artifactRoots: roots.map { absolutePath($0) })
    }

    private func imagePrefixes() throws -> [ImagePrefix] {
        let texts = allowedImages.isEmpty ? list("MODELET_ALLOW_IMAGES", partedBy: ",") : allowedImages
        return try texts.map { text in
            guard let prefix = ImagePrefix(text) else {
                throw CommandFailure(
                    "'\(text)' is no value for --allow-image (MODELET_ALLOW_IMAGES): give a registry, REGISTRY/PREFIX or a "
                        + "repository, without tag and digest",
                    status: ExitStatus.usage)
            }
            return prefix
        }
    }

    private func list(_ variable: String, partedBy separator: Character) -> [String] {
        environment(variable)?.split(separator: separator).map(String.init) ?? []
    }

    private func isSet(_ variable: String) throws -> Bool { try truth(of: variable) ?? false }
}

/// The value of an environment variable that is true or false; `nil` where it is not set.
func truth(of variable: String) throws -> Bool? {
    guard let text = environment(variable) else { return nil }
    switch text.lowercased() {
    case "1", "true", "yes": return true
    case "0", "false", "no": return false
    default:
        throw CommandFailure("'\(text)' is no value for \(variable): say true or false", status: ExitStatus.usage)
    }
}
