internal import ModelCore

extension ContainerOrder {
    /// What the container has of its host.
    struct HostConfig: Encodable, Hashable, Sendable {
        var portBindings: [String: [PortBinding]] = [:]
        var mounts: [Mount]
        var capDrop: [String]
        var capAdd: [String]
        var securityOpt: [String]
        var privileged: Bool
        /// -1: any number.
        var pidsLimit: Int
        var readonlyRootfs: Bool
        /// Bytes.
        var memory: Int64?
        /// Memory and swap together, in bytes.
        var memorySwap: Int64?
        /// Billionths of a processor.
        var nanoCPUs: Int64?
        /// Bytes.
        var shmSize: Int64?
        var deviceRequests: [DeviceRequest]?
        var initProcess: Bool
        /// Of its own, and no other container's or the host's.
        var networkMode = "bridge"
        /// Whoever ends is started again by us, and by nobody else.
        var restartPolicy = RestartPolicy()
        var logConfig = LogConfig()

        init(_ spec: ContainerSpec, mounts: [Mount], hasInit: Bool) throws(ContainerOrderError) {
            self.mounts = mounts
            privileged = spec.privileged ?? false
            // A privileged container has all of them, whatever is dropped.
            capDrop = privileged ? [] : ["ALL"]
            capAdd = spec.addedCapabilities ?? []
            securityOpt = spec.newPrivileges == true ? [] : ["no-new-privileges"]
            pidsLimit =
                switch spec.pidsLimit {
                case .count(let count): count
                case .unlimited: -1
                case nil: ContainerSpec.standardPIDsLimit
                }
            readonlyRootfs = spec.readOnly ?? false
            memory = spec.memory
            // Without this Docker adds as much swap again, and the server crawls where it should end.
            memorySwap = spec.memory
            nanoCPUs = spec.cpus.map { Int64(($0 * 1e9).rounded()) }
            shmSize = spec.shmSize
            if let gpus = spec.gpus { deviceRequests = [try DeviceRequest(gpus)] }
            initProcess = hasInit
        }

        private enum CodingKeys: String, CodingKey {
            case portBindings = "PortBindings"
            case mounts = "Mounts"
            case capDrop = "CapDrop"
            case capAdd = "CapAdd"
            case securityOpt = "SecurityOpt"
            case privileged = "Privileged"
            case pidsLimit = "PidsLimit"
            case readonlyRootfs = "ReadonlyRootfs"
            case memory = "Memory"
            case memorySwap = "MemorySwap"
            case nanoCPUs = "NanoCpus"
            case shmSize = "ShmSize"
            case deviceRequests = "DeviceRequests"
            case initProcess = "Init"
            case networkMode = "NetworkMode"
            case restartPolicy = "RestartPolicy"
            case logConfig = "LogConfig"
        }
    }

    /// Where the engine takes connections for the container: this host only.
    struct PortBinding: Encodable, Hashable, Sendable {
        var hostIP = "127.0.0.1"
        var hostPort: String

        private enum CodingKeys: String, CodingKey {
            case hostIP = "HostIp"
            case hostPort = "HostPort"
        }
    }

    /// A file or folder of the host. Unlike a bind of the old form, it is refused where it is missing, and not created.
    struct Mount: Encodable, Hashable, Sendable {
        var source: String
        var target: String
        var readOnly: Bool
        var type = "bind"

        private enum CodingKeys: String, CodingKey {
            case source = "Source"
            case target = "Target"
            case readOnly = "ReadOnly"
            case type = "Type"
        }
    }

    struct RestartPolicy: Encodable, Hashable, Sendable {
        var name = "no"

        private enum CodingKeys: String, CodingKey { case name = "Name" }
    }

    /// Logs that can be read back, and that never fill a disk: other drivers, or no bound, may be the engine's default.
    struct LogConfig: Encodable, Hashable, Sendable {
        var type = "json-file"
        /// What a container's log takes at most: 3 files of 10 MB.
        var config = ["max-size": "10m", "max-file": "3"]

        private enum CodingKeys: String, CodingKey {
            case type = "Type"
            case config = "Config"
        }
    }

    struct DeviceRequest: Encodable, Hashable, Sendable {
        /// -1: all there are; `nil`: those that are named.
        var count: Int?
        var deviceIDs: [String]?
        var capabilities = [["gpu"]]

        init(_ gpus: String) throws(ContainerOrderError) {
            switch GPURequest(gpus) {
            case .all: count = -1
            case .count(let number): count = number
            case .devices(let ids): deviceIDs = ids
            case nil: throw ContainerOrderError("gpus: `\(gpus)` is neither all, nor a number, nor device=0,1")
            }
        }

        private enum CodingKeys: String, CodingKey {
            case count = "Count"
            case deviceIDs = "DeviceIDs"
            case capabilities = "Capabilities"
        }
    }
}
