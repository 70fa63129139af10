import Glibc

/// The signals that rgwfs acts on.
package enum HostSignal: Sendable, CaseIterable {
    case terminate
    case interrupt
    case hangUp
    case user1

    package var number: Int32 {
        switch self {
        case .terminate: SIGTERM
        case .interrupt: SIGINT
        case .hangUp: SIGHUP
        case .user1: SIGUSR1
        }
    }

    init?(number: Int32) {
        guard let found = Self.allCases.first(where: { $0.number == number }) else { return nil }
        self = found
    }
}
