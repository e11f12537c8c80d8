import Docker
import ModelCore

/// What was found on a host, before anything is made of it.
struct DoctorSnapshot: Hashable, Sendable {
    var host = Host()
    var state = State()
    var needs = Needs()
    var engine = EnginePresence.absent("")
    var logins = Logins()
    /// `nil` where nobody has asked for it.
    var aws: AWS?

    struct Host: Hashable, Sendable {
        /// Where `modelet-shim` is, or should be.
        var shim = ""
        var hasShim = true
        /// Its release: `6.1.0`.
        var kernel = ""
        var hasPidfd = true
        /// Whether a pidfd has an inode of its own (6.9).
        var hasPidfs = true
        var canBeSubreaper = true
        var portRange = 20000...29999
        var ephemeralPorts = 32768...60999
        /// Ports of ``portRange`` on which something listens, or that an instance has.
        var usedPorts = 0
        var threat: SurvivalThreat?
    }

    struct State: Hashable, Sendable {
        var directory = ""
        /// Why it cannot be written; `nil`: it can.
        var obstacle: String?
        var freeBytes: Int64?
        var database = Database.none
        var daemon = Daemon.notRunning

        enum Database: Hashable, Sendable {
            case none
            case sound(models: Int)
            case unusable(String)
        }

        enum Daemon: Hashable, Sendable {
            case notRunning
            /// `gatewayFault` is `nil` where the gateway answers.
            case running(pid: Int32, version: String, gateway: String, gatewayFault: String?)
            /// It holds the state, and says nothing.
            case silent(pid: Int32, reason: String)
        }
    }

    /// What accepted models want of the host.
    struct Needs: Hashable, Sendable {
        /// Models that run in containers.
        var containers: [ModelKey] = []
        var gpus: [ModelKey] = []
        /// Hosts of registries, and a model whose image comes from there.
        var registries: [String: ModelKey] = [:]
        var ecr: [ECR] = []

        struct ECR: Hashable, Sendable {
            var key: ModelKey
            var registry: String?
            var region: String?
        }
    }

    enum EnginePresence: Hashable, Sendable {
        /// Why, as a sentence that says what to do.
        case absent(String)
        case present(Engine)
    }

    struct Engine: Hashable, Sendable {
        /// `Docker 20.10.24`.
        var name = ""
        var address = ""
        var api = APIVersion.oldest
        var storageDriver = "overlay2"
        var hasLiveRestore = true
        /// Podman runs each container beside its service, not below it.
        var isPodman = false
        /// Containers that are recorded as being on another engine.
        var elsewhere: [Elsewhere] = []
        /// Whether containers can be given GPUs.
        var hasGPURuntime = false
        /// Where a container of ours runs, proved at one; `nil` where there is none.
        var namespaces: NamespaceVerdict?
        /// The kernel that it runs on.
        var kernel = ""
    }

    struct Elsewhere: Hashable, Sendable {
        var key: ModelKey
        /// Where its engine was last known to answer, as `DOCKER_HOST` has it.
        var address: String
    }

    struct Logins: Hashable, Sendable {
        var configuration = CredentialSurvey.Configuration.none
        /// The program that is asked for each registry that is wanted, where one is.
        var helpers: [String: CredentialSurvey.Helper] = [:]
    }

    struct AWS: Hashable, Sendable {
        var hasHelper = false
        /// `aws-cli/2.9.19`; `nil`: not installed.
        var cli: String?
        /// `nil` without the AWS CLI.
        var identity: CredentialSurvey.Identity?
        /// Where none is given.
        var region: String?
    }
}
