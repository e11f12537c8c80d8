/// Whether the next generation could be launched if what serves were ended for it now.
package enum SuccessorOutlook: Hashable, Sendable {
    /// Nothing is known that speaks against it.
    case ready
    /// Its image is being fetched.
    case awaitsImage
    /// Another model has the port that it is to have.
    case awaitsPort(Int, holder: ModelKey)

    /// What is waited for; `nil` where nothing is.
    package var reasonToWait: String? {
        switch self {
        case .ready: nil
        case .awaitsImage: "the image of the new generation is being fetched"
        case .awaitsPort(let port, let holder): portIsLeased(port, to: holder)
        }
    }
}

package func portIsLeased(_ port: Int, to holder: ModelKey) -> String { "port \(port) is leased to \(holder)" }
