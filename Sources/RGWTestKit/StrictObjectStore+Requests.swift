import RGWBase
import RGWCrypto
package import RGWObject
import Synchronization

/// The port's requests, answered as RGW would, or more strictly.
extension StrictObjectStore {
    package func head(
        _ address: ObjectAddress, completion: @escaping Completion<ObjectHead>
    )
        -> any Cancellable
    {
        serve("HEAD", address.key.text, completion: completion) { [clock] state in
            Self.find(state, address).map { object in
                // HEAD tells only how many tags there are.
                var head = object.head
                head.metadata.tagCount = head.metadata.tags?.split(separator: "&").count ?? 0
                head.metadata.tags = nil
                head.answeredAt = WallTime(seconds: clock.wallTime().seconds)
                return head
            }
        }
    }

    package func tags(
        of address: ObjectAddress, completion: @escaping Completion<String>
    )
        -> any Cancellable
    {
        serve("GETTAGS", address.key.text, completion: completion) { state in
            Self.find(state, address).map { $0.head.metadata.tags ?? "" }
        }
    }

    package func setTags(
        _ tags: String, of address: ObjectAddress, completion: @escaping Completion<Void>
    )
        -> any Cancellable
    {
        serve(
            "PUTTAGS", address.key.text, changes: [address], completion: completion
        ) { state in
            Self.find(state, address).map { object in
                var object = object
                object.head.metadata.tags = tags
                state.buckets[address.bucket.description]?[address.key] = object
            }
        }
    }

    static func find(
        _ state: State, _ address: ObjectAddress
    )
        -> Result<Object, ObjectStoreError.Kind>
    {
        guard let bucket = state.buckets[address.bucket.description] else {
            return .failure(.noSuchBucket)
        }
        return bucket[address.key].map { .success($0) } ?? .failure(.noSuchKey)
    }

    package func get(
        _ address: ObjectAddress, range: Range<UInt64>?, matching: ETag?,
        expecting: ExpectedObject, lane: Lane, blockSize: Int,
        onBlock: @escaping @Sendable ([UInt8]) -> Void,
        completion: @escaping Completion<ObjectHead>
    ) -> any Cancellable {
        let isHalf = Mutex(false)
        let deliver: Completion<Object> = { [clock] result in
            if case .success(let object) = result {
                let whole = 0..<UInt64(object.bytes.count)
                var part = (range ?? whole).clamped(to: whole)
                if isHalf.withLock(\.self) {
                    part =
                        part
                        .lowerBound..<(part.lowerBound + (part.upperBound - part.lowerBound) / 2)
                }
                var start = Int(part.lowerBound)
                while start < Int(part.upperBound) {
                    let end = min(Int(part.upperBound), start + blockSize)
                    onBlock(Array(object.bytes[start..<end]))
                    start = end
                }
            }
            completion(
                result.map { object in
                    var head = object.head
                    head.answeredAt = WallTime(seconds: clock.wallTime().seconds)
                    return head
                })
        }
        return serve("GET", address.key.text, completion: deliver) { state in
            let request = Request(method: "GET", key: address.key.text)
            if case .deliverHalf = state.fault?(request) { isHalf.withLock { $0 = true } }
            return Self.find(state, address).flatMap { object in
                if let matching, matching != object.head.etag {
                    return .failure(.preconditionFailed)
                }
                if let range, range.lowerBound >= object.head.size {
                    return .failure(.invalidRange)
                }
                let isCut = range.map { $0.upperBound > object.head.size } ?? false
                if let size = expecting.size, isCut || size != object.head.size {
                    return .failure(.malformedAnswer)
                }
                return .success(object)
            }
        }
    }

    package func put(
        _ address: ObjectAddress, body: ObjectBody, md5: [UInt8], metadata: ObjectMetadata,
        precondition: Precondition, completion: @escaping Completion<Stored>
    ) -> any Cancellable {
        let bytes = Self.bytes(body, SpoolBodyReader())
        let time = clock.wallTime()
        return serve(
            "PUT", address.key.text, changes: [address], completion: completion
        ) { state in
            guard var bucket = state.buckets[address.bucket.description] else {
                return .failure(.noSuchBucket)
            }
            guard let bytes else { return .failure(.bodyUnreadable) }
            guard bytes.count <= state.bodyMax else { return .failure(.tooLarge) }
            guard Hash.md5(bytes) == md5 else { return .failure(.badDigest) }
            guard Self.holds(precondition, at: address, state) else {
                return .failure(.preconditionFailed)
            }
            state.deleted.remove(address)
            let object = Self.make(bytes, metadata, time)
            bucket[address.key] = object
            state.buckets[address.bucket.description] = bucket
            return .success(Stored(etag: object.head.etag, lastModified: object.head.lastModified))
        }
    }

    static func holds(
        _ precondition: Precondition, at address: ObjectAddress, _ state: State
    ) -> Bool {
        let object = state.buckets[address.bucket.description]?[address.key]
        switch precondition {
        case .none: return true
        case .absent:
            if state.habits.ignoresCreateOnly { return true }
            if state.habits.refusesDeletedNames, state.deleted.contains(address) { return false }
            return object == nil
        case .matches(let etag):
            return !state.habits.refusesMatches && object?.head.etag == etag
        }
    }

    package func copy(
        from source: ObjectAddress, to target: ObjectAddress, metadata: ObjectMetadata?,
        storage: StorageTraits, sourceMatching: ETag?, completion: @escaping Completion<Stored>
    ) -> any Cancellable {
        let time = clock.wallTime()
        // What is copied is what is there when the copy begins, however long it takes.
        let found = Mutex<Result<Object, ObjectStoreError.Kind>>(.failure(.noSuchKey))
        return serve(
            "COPY", "\(source.key.text) -> \(target.key.text)", changes: [target],
            completion: completion,
            begin: { state in found.withLock { $0 = Self.find(state, source) } }
        ) { state in
            guard state.buckets[target.bucket.description] != nil else {
                return .failure(.noSuchBucket)
            }
            if source == target && metadata == nil { return .failure(.invalidRequest) }
            return found.withLock(\.self).flatMap { object in
                if let sourceMatching, sourceMatching != object.head.etag {
                    return .failure(.preconditionFailed)
                }
                var copy = object
                copy.head.metadata = metadata ?? object.head.metadata
                // As RGW 20: what is not named is not kept.
                copy.head.metadata.storage = metadata?.storage ?? storage
                copy.head.lastModified = WallTime(seconds: time.seconds)
                state.buckets[target.bucket.description]?[target.key] = copy
                return .success(
                    Stored(etag: copy.head.etag, lastModified: copy.head.lastModified))
            }
        }
    }

    package func delete(
        _ address: ObjectAddress, completion: @escaping Completion<Void>
    )
        -> any Cancellable
    {
        serve("DELETE", address.key.text, changes: [address], completion: completion) { state in
            guard state.buckets[address.bucket.description] != nil else {
                return .failure(.noSuchBucket)
            }
            state.buckets[address.bucket.description]?[address.key] = nil
            state.deleted.insert(address)
            return .success(())
        }
    }

    /// One atomic request, or HEAD and DELETE where the server is said not to know If-Match there.
    package func delete(
        _ address: ObjectAddress, matching: ETag?, isConfirmed: Bool,
        completion: @escaping Completion<Deletion>
    ) -> any Cancellable {
        guard let matching, hasConditionalDeletes || !isConfirmed else {
            return delete(address) { completion($0.map { .deleted }) }
        }
        if !hasConditionalDeletes {
            return deleteAfterHead(address, matching: matching, completion: completion)
        }
        return serve(
            "DELETE", address.key.text, changes: [address], completion: completion
        ) { state in
            switch Self.find(state, address) {
            case .failure(.noSuchKey): return .success(.absent)
            case .failure(let kind): return .failure(kind)
            case .success(let object) where object.head.etag != matching:
                return .failure(.preconditionFailed)
            case .success:
                state.buckets[address.bucket.description]?[address.key] = nil
                state.deleted.insert(address)
                return .success(.deleted)
            }
        }
    }

    package func delete(
        _ keys: [ObjectKey], in bucket: BucketName,
        completion: @escaping Completion<[DeleteFailure]>
    ) -> any Cancellable {
        serve(
            "DELETEMANY", "\(keys.count)",
            changes: keys.map { ObjectAddress(bucket: bucket, key: $0) }, completion: completion
        ) { state in
            guard keys.count <= 1000 else { return .failure(.invalidRequest) }
            let denied = state.denied
            for key in keys where !denied.contains(key) {
                state.buckets[bucket.description]?[key] = nil
                state.deleted.insert(ObjectAddress(bucket: bucket, key: key))
            }
            return .success(
                keys.filter(denied.contains).map { key in
                    let request = Request(method: "DELETEMANY", key: key.text)
                    return DeleteFailure(key: key, error: Self.error(.accessDenied, request))
                })
        }
    }

    package func list(
        _ bucket: BucketName, prefix: ObjectKey?, delimited: Bool, after: ObjectKey?, limit: Int,
        completion: @escaping Completion<ListPage>
    ) -> any Cancellable {
        serve("LIST", prefix?.text ?? "", completion: completion) { state in
            guard let objects = state.buckets[bucket.description] else {
                return .failure(.noSuchBucket)
            }
            guard (1...1000).contains(limit) else { return .failure(.invalidRequest) }
            return .success(
                Self.page(
                    objects, prefix: prefix?.bytes ?? [], delimited: delimited, after: after,
                    limit: limit))
        }
    }

    private static func page(
        _ objects: [ObjectKey: Object], prefix: [UInt8], delimited: Bool, after: ObjectKey?,
        limit: Int
    ) -> ListPage {
        var page = ListPage(objects: [], commonPrefixes: [], next: nil)
        var last: ObjectKey?
        for key in objects.keys.sorted() where key.bytes.starts(with: prefix) {
            guard let object = objects[key] else { continue }
            var entry = key
            var isPrefix = false
            if delimited, let slash = key.bytes[prefix.count...].firstIndex(of: 0x2F),
                let common = try? ObjectKey(Array(key.bytes[...slash])),
                common != key || slash >= prefix.count
            {
                entry = common
                isPrefix = true
            }
            if let after, entry <= after { continue }
            if entry == last { continue }
            if page.objects.count + page.commonPrefixes.count == limit {
                page.next = last
                break
            }
            last = entry
            if isPrefix {
                page.commonPrefixes.append(entry)
            } else {
                page.objects.append(
                    ListedObject(
                        key: key, etag: object.head.etag, size: object.head.size,
                        lastModified: object.head.lastModified))
            }
        }
        return page
    }

    package func headBucket(
        _ bucket: BucketName, completion: @escaping Completion<BucketUsage>
    )
        -> any Cancellable
    {
        serve("HEADBUCKET", bucket.description, completion: completion) { state in
            guard let objects = state.buckets[bucket.description] else {
                return .failure(.noSuchBucket)
            }
            return .success(
                BucketUsage(
                    objects: UInt64(objects.count),
                    bytes: objects.values.reduce(0) { $0 + $1.head.size }))
        }
    }

    package func listBuckets(completion: @escaping Completion<[ListedBucket]>) -> any Cancellable {
        serve("LISTBUCKETS", "", completion: completion) { state in
            .success(
                state.buckets.keys.sorted().map {
                    ListedBucket(
                        name: BucketName(parsing: $0), created: WallTime(seconds: 0))
                })
        }
    }

    package func createBucket(
        _ bucket: BucketName, completion: @escaping Completion<Void>
    )
        -> any Cancellable
    {
        serve("CREATEBUCKET", bucket.description, completion: completion) { state in
            // RGW answers 200 to the owner when the bucket exists.
            if state.buckets[bucket.description] == nil { state.buckets[bucket.description] = [:] }
            return .success(())
        }
    }

    package func deleteBucket(
        _ bucket: BucketName, completion: @escaping Completion<Void>
    )
        -> any Cancellable
    {
        serve("DELETEBUCKET", bucket.description, completion: completion) { state in
            guard let objects = state.buckets[bucket.description] else {
                return .failure(.noSuchBucket)
            }
            guard objects.isEmpty else { return .failure(.bucketNotEmpty) }
            state.buckets[bucket.description] = nil
            return .success(())
        }
    }
}
