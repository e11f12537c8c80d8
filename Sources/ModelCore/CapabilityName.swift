/// The capabilities of Linux, as `man 7 capabilities` has them, without `CAP_`.
package enum CapabilityName {
    /// `ALL` is every one of them, as container engines have it.
    package static let all = [
        "ALL", "AUDIT_CONTROL", "AUDIT_READ", "AUDIT_WRITE", "BLOCK_SUSPEND", "BPF", "CHECKPOINT_RESTORE", "CHOWN",
        "DAC_OVERRIDE", "DAC_READ_SEARCH", "FOWNER", "FSETID", "IPC_LOCK", "IPC_OWNER", "KILL", "LEASE",
        "LINUX_IMMUTABLE", "MAC_ADMIN", "MAC_OVERRIDE", "MKNOD", "NET_ADMIN", "NET_BIND_SERVICE", "NET_BROADCAST",
        "NET_RAW", "PERFMON", "SETFCAP", "SETGID", "SETPCAP", "SETUID", "SYS_ADMIN", "SYS_BOOT", "SYS_CHROOT",
        "SYS_MODULE", "SYS_NICE", "SYS_PACCT", "SYS_PTRACE", "SYS_RAWIO", "SYS_RESOURCE", "SYS_TIME",
        "SYS_TTY_CONFIG", "SYSLOG", "WAKE_ALARM",
    ]

    /// The name in capitals and without `CAP_`; `nil` where there is no such capability.
    package static func normalized(_ text: String) -> String? {
        let upper = text.uppercased()
        let prefix = "CAP_"
        let name = upper.hasPrefix(prefix) ? String(upper.dropFirst(prefix.count)) : upper
        return all.contains(name) ? name : nil
    }
}
