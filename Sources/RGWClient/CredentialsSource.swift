package import RGWBase
package import RGWWire

/// How the keys of a mount are come by.
package indirect enum CredentialsSource: Equatable, Sendable {
    /// They are there already.
    case keys(Credentials)
    /// A program prints them; its words, the program first.
    case process([String])
    /// A role that the owner of other keys may take on: STS AssumeRole.
    case role(RoleRequest, from: CredentialsSource)
    /// A role for whoever has the token in a file: STS AssumeRoleWithWebIdentity.
    case webIdentity(RoleRequest, tokenFile: String)

    /// What is there without asking anybody; nil: a session has to be fetched.
    package var keys: Credentials? {
        if case .keys(let credentials) = self { return credentials }
        return nil
    }

    /// Whom they belong to, in a few words without a secret; nil: requests are not signed.
    package var owner: String? {
        switch self {
        case .keys(.anonymous): nil
        case .keys(.keys(let accessKey, _, _)): accessKey
        case .process(let words): words.first.map { "of \($0)" }
        case .role(let role, _), .webIdentity(let role, _): role.arn
        }
    }
}

/// Keys with an end.
package struct CredentialsSession: Equatable, Sendable {
    package var credentials: Credentials
    /// Nil: whoever gave them does not tell.
    package var expires: WallTime?

    package init(_ credentials: Credentials, expires: WallTime?) {
        self.credentials = credentials
        self.expires = expires
    }
}

/// When a session is fetched again: before it ends, and at once when the server refuses it. Pure.
///
/// Law: as long as the source answers, no request is signed with what has ended by this machine's clock; and
/// who is refused for another reason does not make every refusal a request to the source.
package struct SessionRenewal: Sendable {
    /// What a refusal of the server means.
    package enum Refusal: Equatable, Sendable {
        /// There are other keys by now.
        case isOld
        /// Fetch new ones.
        case renew
        /// They were just fetched: the refusal is about something else.
        case isMeant
    }

    package private(set) var session: CredentialsSession?
    private var since = Instant.distantPast
    private var renewAt = Instant.distantFuture
    private var failures = 0

    package init() {}

    /// A third of its life before the end, at most this. Source: the AWS SDKs renew 5 to 15 minutes ahead.
    private static let leadMax = Duration.seconds(300)
    /// After a failure, doubled each time up to a minute.
    private static let pauseMin = Duration.seconds(1)
    private static let pauseMax = Duration.seconds(60)
    /// How old a session must be to be renewed for a refusal: where the keys themselves are refused, and where it may
    /// as well be a policy.
    private static let ageMin = (definite: Duration.seconds(2), vague: Duration.seconds(300))

    package mutating func obtained(_ new: CredentialsSession, now: Instant, wall: WallTime) {
        session = new
        since = now
        failures = 0
        renewAt = .distantFuture
        // One that has ended already comes from a machine whose clock differs: the server will tell.
        guard let expires = new.expires, expires.seconds > wall.seconds else { return }
        let (life, overflow) = expires.seconds.subtractingReportingOverflow(wall.seconds)
        guard !overflow else { return }
        let lead = min(.seconds(life) / 3, Self.leadMax)
        renewAt = now + (.seconds(life) - lead)
    }

    /// The source gave none. True: tell; the same trouble is told once.
    package mutating func failed(now: Instant) -> Bool {
        let pause = min(Self.pauseMin * (1 << min(failures, 6)), Self.pauseMax)
        failures += 1
        renewAt = now + pause
        return failures == 1
    }

    /// When to fetch without being asked.
    package var due: Instant { renewAt }

    /// `isDefinite`: the server named the keys, not only the request.
    package func judge(
        refused: Credentials, isDefinite: Bool, now: Instant, wall: WallTime
    ) -> Refusal {
        guard let session, session.credentials == refused else { return .isOld }
        if let expires = session.expires, expires.seconds <= wall.seconds { return .renew }
        let age = isDefinite ? Self.ageMin.definite : Self.ageMin.vague
        return now - since < age ? .isMeant : .renew
    }
}
