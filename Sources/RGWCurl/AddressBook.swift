import CRGWCurl
import RGWBase

/// What the transport has learnt of the addresses behind host names: which do not answer, and which answer late.
///
/// libcurl gives each address of a name half of the time that is left to connect, 5 s of 10 s for the first. A server
/// that is dead on one of several addresses is to cost a second. Used on the transport's thread only.
final class AddressBook {
    /// Longer than the first answer of any address takes that has a better one beside it. Before the kernel's
    /// second SYN: whoever is cut is tried again with patience. Source: RFC 6298, section 2.1.
    static let haste = Duration.seconds(1)
    private static let deadFor = Duration.seconds(30)
    private static let slowFor = Duration.seconds(600)
    /// Bounds the memory.
    private static let countMax = 256

    private var dead: [String: Instant] = [:]
    private var slow: [String: Instant] = [:]

    func isDead(_ address: String, now: Instant) -> Bool { dead[address].map { now < $0 } ?? false }

    func isSlow(_ address: String, now: Instant) -> Bool { slow[address].map { now < $0 } ?? false }

    func noteSilent(_ address: String, now: Instant) {
        if dead.count >= Self.countMax { dead = [:] }
        dead[address] = now + Self.deadFor
    }

    /// `isPatient`: it was given up in haste before.
    func noteAnswer(_ address: String, isPatient: Bool, now: Instant) {
        let wasDead = dead.removeValue(forKey: address) != nil
        guard wasDead, isPatient else { return }
        if slow.count >= Self.countMax { slow = [:] }
        slow[address] = now + Self.slowFor
    }
}

/// How one transfer's connection comes about: the addresses that libcurl tries for it, one after another.
struct Connecting {
    private struct Attempt {
        let socket: Int32
        let identity: UInt64
        let address: String
        let since: Instant
    }

    private let book: AddressBook
    /// Nobody is cut short or left out: hurrying found no address that answers.
    let isPatient: Bool
    private var attempts: [Attempt] = []
    /// Addresses that were given up or left out.
    private(set) var hurried = 0
    /// When to look at the attempts.
    private(set) var nextLook: Instant

    /// How often to look once a second has passed.
    private static let step = Duration.milliseconds(250)

    init(_ book: AddressBook, isPatient: Bool, now: Instant) {
        self.book = book
        self.isPatient = isPatient
        nextLook = isPatient ? .distantFuture : now + AddressBook.haste
    }

    /// Before libcurl connects to an address: false leaves it out.
    mutating func mayTry(_ address: String, now: Instant) -> Bool {
        guard !isPatient, book.isDead(address, now: now) else { return true }
        hurried += 1
        return false
    }

    mutating func tries(_ address: String, _ socket: Int32, now: Instant) {
        attempts.append(
            Attempt(
                socket: socket, identity: CRGWCurl_socket_identity(socket), address: address,
                since: now))
    }

    /// The connection stands.
    mutating func stands(localPort: Int32, now: Instant) {
        nextLook = .distantFuture
        for attempt in attempts
        where CRGWCurl_socket_identity(attempt.socket) == attempt.identity
            && CRGWCurl_local_port(attempt.socket) == localPort
        {
            book.noteAnswer(attempt.address, isPatient: isPatient, now: now)
        }
        attempts = []
    }

    /// Gives up addresses that have not answered for a second, so that libcurl goes on with the next.
    mutating func look(now: Instant) {
        guard now >= nextLook else { return }
        nextLook = now + Self.step
        attempts.removeAll { attempt in
            guard now >= attempt.since + AddressBook.haste,
                !book.isSlow(attempt.address, now: now)
            else { return false }
            guard CRGWCurl_give_up_connecting(attempt.socket, attempt.identity) != 0 else {
                return false
            }
            book.noteSilent(attempt.address, now: now)
            hurried += 1
            return true
        }
    }
}
