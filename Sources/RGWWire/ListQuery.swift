package import RGWObject

/// What one LIST asked for; an answer that is about anything else is malformed. Pure.
///
/// Source: S3 API, ListObjectsV2: keys begin with Prefix, come after StartAfter and are in the order of their
/// bytes; a common prefix ends with the first delimiter behind Prefix.
package struct ListQuery: Sendable {
    package let prefix: [UInt8]
    package let delimited: Bool
    package let after: ObjectKey?

    package init(prefix: ObjectKey?, delimited: Bool, after: ObjectKey?) {
        self.prefix = prefix?.bytes ?? []
        self.delimited = delimited
        self.after = after
    }

    /// The page without what it says twice, or why it answers another question. A page that fits comes
    /// after `after`, so whoever goes on from `next` gets to an end.
    func checked(_ page: ListPage) throws(Misfit) -> ListPage {
        var page = page
        page.objects = try inOrder(page.objects, key: \.key)
        page.commonPrefixes = try inOrder(page.commonPrefixes, key: \.self)
        for object in page.objects {
            guard object.key.bytes.starts(with: prefix) else { throw .outsidePrefix }
            if let after, object.key <= after { throw .before }
            if delimited, slash(in: object.key) != nil { throw .notGrouped }
        }
        for common in page.commonPrefixes {
            guard common.bytes.starts(with: prefix) else { throw .outsidePrefix }
            guard delimited, slash(in: common) == common.bytes.count - 1 else { throw .notGrouped }
            // A group that StartAfter is in has keys behind it.
            if let after, common <= after, !after.bytes.starts(with: common.bytes) { throw .before }
        }
        // The group that the page before ended with was shown there.
        page.commonPrefixes.removeAll { $0 == after }
        if let next = page.next, let after, next <= after { throw .standsStill }
        return page
    }

    /// Why a page is no answer to the query.
    enum Misfit: String, Error {
        case outsidePrefix = "a listed key outside the prefix that was asked for"
        case before = "a listed key before the one that the page was to come after"
        case unordered = "listed keys that are not in order"
        case notGrouped = "listed keys that are not grouped as asked for"
        case standsStill = "a truncated page that does not advance"
    }

    /// Where the first delimiter behind the prefix is.
    private func slash(in key: ObjectKey) -> Int? {
        key.bytes.indices.dropFirst(prefix.count).first { key.bytes[$0] == 0x2F }
    }

    private func inOrder<Entry>(
        _ entries: [Entry], key: (Entry) -> ObjectKey
    ) throws(Misfit) -> [Entry] {
        var last: ObjectKey?
        var kept: [Entry] = []
        kept.reserveCapacity(entries.count)
        for entry in entries {
            let key = key(entry)
            if let last, key < last { throw .unordered }
            if key != last { kept.append(entry) }
            last = key
        }
        return kept
    }
}
