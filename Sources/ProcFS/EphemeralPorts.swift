/// The ports that the kernel gives to sockets which ask for none.
package enum EphemeralPorts {
    /// As the host is configured now; the kernel's own default where it does not say.
    package static func current() -> ClosedRange<Int> {
        var reader = ProcReader()
        guard (try? reader.read("/proc/sys/net/ipv4/ip_local_port_range")) != nil else { return usual }
        let bounds = reader.bytes.split { [UInt8(ascii: "\t"), UInt8(ascii: " "), UInt8(ascii: "\n")].contains($0) }
        guard bounds.count == 2, let low = Int(decimal: bounds[0]), let high = Int(decimal: bounds[1]), low <= high
        else { return usual }
        return low...high
    }

    private static let usual = 32768...60999
}
