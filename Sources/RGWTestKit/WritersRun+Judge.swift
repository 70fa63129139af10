import RGWBase
import RGWVFS

/// The laws.
extension WritersRun {
    /// A read is one version.
    func judge(_ bytes: [UInt8], _ client: Int, _ name: String) throws {
        if !history.explains(bytes) {
            try fail("mount \(client) shows \(name) as \(shownRuns(bytes)), which nobody made")
        }
    }

    /// What was replaced in the bucket longer ago than the cache time is not shown any more.
    func judgeAge(_ bytes: [UInt8]?, _ client: Int, _ name: String, _ start: Instant) throws {
        // What its own programs are writing is what a mount shows.
        let isWritten = clients[client].slots.contains { $0?.name == name && $0?.session != nil }
        if isWritten { return }
        let sightings = history.bucket[name] ?? []
        let limit = plan.cacheMax + .seconds(1)
        guard let latest = sightings.lastIndex(where: { $0.time + limit <= start }),
            sightings[latest].content != bytes,
            !sightings[latest...].contains(where: { $0.content == bytes })
        else { return }
        let before = sightings[..<latest].last { $0.content == bytes }
        let isFirst = bytes == nil && before == nil
        guard before != nil || isFirst else { return }
        let (index, time) = before.map { ($0.index, $0.time) } ?? (0, sightings[latest].time)
        if history.returns(name, isAbsence: bytes == nil, since: index, at: time) { return }
        try fail(
            "mount \(client) shows \(name) as \(shownRuns(bytes)), and the bucket has had "
                + "\(shownRuns(sightings[latest].content)) for longer than the cache time")
    }

    /// Nothing acknowledged is lost, and every object is a version that somebody made.
    func judgeEnd() throws {
        let contents = store.keys(Volume.bucket).compactMap { name in
            name.hasSuffix("/") ? nil : (name, content(name) ?? [])
        }
        for (name, bytes) in contents where !history.explains(bytes) {
            try fail("the object \(name) is \(shownRuns(bytes)), which nobody made")
        }
        let alive = Set(contents.flatMap(\.1))
        for session in history.sessions where !session.isTold {
            for tag in session.acknowledged where !alive.contains(tag) {
                if history.excuse(session, tag: tag, localWins: plan.conflict == .local) == nil {
                    try fail(
                        "lost: change \(tag) of \(session.name) by \(session.writer), at "
                            + "\(session.start - 1)")
                }
            }
        }
        try judgeMarks(contents.map(\.0))
    }

    /// What the mounts say of changes that were taken back.
    func hear(_ client: Int) {
        let overview = clients[client].kernel.volume.fileSystem.overview()
        history.told.formUnion(overview.refusals.map(\.path))
    }

    private func judgeMarks(_ names: [String]) throws {
        history.landings = watch.landings
        let kernel = clients[0].kernel
        let found = Set(names.compactMap { (try? kernel.extended($0, "user.mark")) ?? nil })
        for mark in history.marks where !found.contains("\(mark.tag)") {
            let isExcused =
                history.excuse(mark, localWins: plan.conflict == .local) != nil
            if !isExcused {
                try fail("lost: attribute \(mark.tag) of \(mark.name) by \(mark.writer)")
            }
        }
    }
}
