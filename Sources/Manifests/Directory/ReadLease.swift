import CLinux

/// That nobody writes a file while it is read: the kernel's lease for reading.
///
/// What a program that is not done has written may well be a manifest, of which models are missing.
struct ReadLease {
    enum Answer {
        case held(ReadLease)
        /// Somebody has the file open for writing.
        case beingWritten
        /// The kernel does not say: on this file system, or to this user.
        case unknown
    }

    private let descriptor: Int32

    /// Never blocks. Whoever opens the file for writing waits until the lease is given back: that is to be soon.
    static func take(on descriptor: Int32) -> Answer {
        switch clinux_lease_for_reading(descriptor) {
        case 1: .held(ReadLease(descriptor: descriptor))
        case 0: .beingWritten
        default: .unknown
        }
    }

    func giveBack() { clinux_give_back_lease(descriptor) }
}
