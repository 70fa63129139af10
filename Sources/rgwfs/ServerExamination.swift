import RGWBase
import RGWClient
import RGWControl
import RGWHost
import RGWMount
import RGWObject
import RGWVFS
import RGWWire

/// What the server has to do: name, connection, clock, keys, bucket, names of keys.
struct ServerExamination {
    private let plan: MountPlan
    private let connection: ServerConnection
    private let keysMax: Int

    init(_ plan: MountPlan, keysMax: Int) throws {
        self.plan = plan
        self.keysMax = keysMax
        connection = try ServerConnection(plan)
    }

    func run(_ tell: (Finding) -> Void) throws {
        defer { connection.shutDown() }
        guard resolves(tell), connects(tell), lists(tell) else { return }
        abilities(tell)
        names(tell)
    }

    private func resolves(_ tell: (Finding) -> Void) -> Bool {
        let host = plan.server.host
        if plan.server.isNumeric { return true }
        do throws(HostError) {
            let count = try HostResolver.addressCount(of: host)
            tell(
                Finding("DNS", .ok, "\(host) has \(count) \(count == 1 ? "address" : "addresses")"))
            return true
        } catch {
            if plan.mayUseProxy {
                tell(Finding("DNS", .ok, "\(host) is no name here; the proxy may know it"))
                return true
            }
            let text =
                error.isNotFound
                ? "no such name: correct url=" : "no name server answers: see /etc/resolv.conf"
            tell(Finding("DNS", .fail, "\(host): \(text)"))
            return false
        }
    }

    /// Any answer will do; its Date is the server's clock.
    private func connects(_ tell: (Finding) -> Void) -> Bool {
        let isTLS = plan.server.scheme == .https
        switch connection.knock() {
        case .failure(let error):
            if OtherScheme.answers(plan, connection.clock) {
                var context = plan.preflight
                context.otherSchemeAnswers = true
                let failure = PreflightFailure(
                    ObjectStoreError(.unreachable, operation: "GET /"), context)
                tell(Finding(isTLS ? "TLS" : "endpoint", .fail, "\(failure)"))
                return false
            }
            let advice =
                isTLS
                ? "see url=, cacert= and the server's certificate" : "see url= and the server"
            tell(Finding(isTLS ? "TLS" : "endpoint", .fail, "\(error.text): \(advice)"))
            return false
        case .success(let answer):
            tell(
                Finding(
                    "endpoint", .ok,
                    "\(plan.server) answers in "
                        + "\(answer.time.inNanoseconds / 1_000_000) ms"))
            if isTLS, plan.settings.verifiesCertificate {
                tell(Finding("TLS", .ok, "the certificate is trusted"))
            } else if isTLS {
                tell(
                    Finding("TLS", .warn, "the certificate is not checked (no_check_certificate)"))
            } else if plan.credentials.source.owner != nil {
                tell(
                    Finding(
                        "TLS", .warn,
                        "none: data travels unencrypted; use https:// outside of "
                            + "trusted networks"))
            }
            if let date = answer.date {
                tell(.clock(aheadSeconds: HostClock().wallTime().seconds - date.seconds))
            }
            return true
        }
    }

    private func lists(_ tell: (Finding) -> Void) -> Bool {
        do throws(MountFailure) {
            try connection.begin()
            try Composition.preflight(plan, store: connection.store, connection.clock)
            tell(Finding("bucket", .ok, "\(plan.source) can be listed"))
            return true
        } catch {
            tell(Finding("bucket", .fail, "\(error)"))
            return false
        }
    }

    private func abilities(_ tell: (Finding) -> Void) {
        guard let bucket = plan.source.bucket, !plan.volume.readOnly else { return }
        switch connection.probe(bucket) {
        case .success(let found): Finding.abilities(found).forEach(tell)
        case .failure(let error):
            tell(Finding("permissions", .warn, "\(error): the test object may still be there"))
        }
    }

    /// Keys that no path means are not shown by a mount, so they are named here.
    private func names(_ tell: (Finding) -> Void) {
        guard let bucket = plan.source.bucket else { return }
        var (seen, hidden, kept) = (0, 0, 0)
        var after: ObjectKey?
        while seen < keysMax {
            let limit = min(1000, keysMax - seen)
            switch connection.list(bucket, plan.source.prefix, after: after, limit: limit) {
            case .failure(let error):
                return tell(Finding("key names", .warn, "they could not all be read: \(error)"))
            case .success(let page):
                for entry in page.objects {
                    seen += 1
                    if entry.key.isMarker, entry.size > 0 {
                        kept += 1
                        if kept <= 20 { tell(.content(entry)) }
                    }
                    guard !KeyName.isPath(entry.key, below: plan.source.prefix) else { continue }
                    hidden += 1
                    if hidden <= 20 {
                        tell(
                            Finding(
                                "key name", .warn,
                                "\(entry.key.text) cannot be a path and is not "
                                    + "shown; rename it with an S3 client"))
                    }
                }
                after = page.next
            }
            guard after != nil else { break }
        }
        let all = after == nil ? "all \(seen)" : "the first \(seen)"
        tell(
            hidden == 0
                ? Finding("key names", .ok, "\(all) keys can be paths")
                : Finding("key names", .warn, "\(hidden) of \(all) keys cannot be paths"))
    }
}

extension Finding {
    /// A directory's own key with something in it.
    fileprivate static func content(_ entry: ListedObject) -> Finding {
        Finding(
            "key name", .warn,
            "\(entry.key.text) is a directory and holds \(entry.size) B, which are kept but not shown; rmdir "
                + "refuses it until an S3 client has removed them")
    }
}

extension TransportError {
    /// What happened, in libcurl's words where there are any.
    var text: String {
        switch self {
        case .unreachable(let text), .broken(_, let text), .timedOut(_, let text),
            .malformed(_, let text), .bodyUnreadable(let text):
            text
        case .cancelled: "it was interrupted"
        }
    }
}
