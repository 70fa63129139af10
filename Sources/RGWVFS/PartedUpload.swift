import RGWBase
import RGWObject
import RGWSpool
import Synchronization

/// The parts of one upload: those that the server has not got are sent, a few at a time.
///
/// Guarded by its mutex; calls `done` once, when nothing is under way any more. A file that is written to
/// meanwhile ends it with badDigest.
final class PartedUpload: Sendable {
    typealias Done = @Sendable (Result<[UploadedPart], ObjectStoreError>) -> Void

    private struct State {
        var next = 1
        var running = 0
        var parts: [Int: UploadedPart] = [:]
        var failure: ObjectStoreError?
        var done: Done?
    }

    private let store: any ObjectStore
    private let progress: RequestProgress
    private let workers: any WorkQueue
    private let upload: MultipartUploadAddress
    private let file: any SpoolFile
    private let record: UploadRecord
    private let atOnce: Int
    private let listed: [Int: ListedPart]
    private let isWanted: @Sendable () -> Bool
    private let state = Mutex(State())

    init(
        store: any ObjectStore, progress: RequestProgress, workers: any WorkQueue,
        upload: MultipartUploadAddress,
        file: any SpoolFile, record: UploadRecord, atOnce: Int, listed: [ListedPart],
        isWanted: @escaping @Sendable () -> Bool
    ) {
        self.store = store
        self.progress = progress
        self.workers = workers
        self.upload = upload
        self.file = file
        self.record = record
        self.atOnce = atOnce
        self.listed = Dictionary(listed.map { ($0.part.number, $0) }) { first, _ in first }
        self.isWanted = isWanted
    }

    func start(then done: @escaping Done) {
        state.withLock { $0.done = done }
        progress.begin(parts: count)
        advance()
    }

    private var count: Int { Int((record.size + record.partSize - 1) / record.partSize) }

    private func range(_ number: Int) -> Range<UInt64> {
        let start = UInt64(number - 1) * record.partSize
        return start..<min(record.size, start + record.partSize)
    }

    private func advance() {
        while true {
            let (number, finished) = state.withLock { state -> (Int?, (@Sendable () -> Void)?) in
                if state.failure == nil, state.next <= count, state.running < atOnce {
                    state.next += 1
                    state.running += 1
                    return (state.next - 1, nil)
                }
                guard state.running == 0, let done = state.done else { return (nil, nil) }
                state.done = nil
                let (failure, parts) = (state.failure, state.parts)
                return (
                    nil,
                    {
                        done(
                            failure.map { .failure($0) }
                                ?? .success(parts.sorted { $0.key < $1.key }.map(\.value)))
                    }
                )
            }
            finished?()
            guard let number else { return }
            workers.submit { [self] in send(number) }
        }
    }

    private func send(_ number: Int) {
        guard isWanted() else {
            return ended(number, .failure(failure(.badDigest, "written to while it was sent")))
        }
        let range = range(number)
        let md5: [UInt8]
        do throws(SpoolError) { md5 = try file.md5(of: range) } catch {
            return ended(number, .failure(failure(.bodyUnreadable, "\(error)")))
        }
        let tag = ETag(Hexadecimal.text(md5))
        if let known = listed[number], known.part.etag == tag,
            known.size == range.upperBound - range.lowerBound
        {
            progress.notePart(bytes: known.size)
            return ended(number, .success(known.part))
        }
        let body = ObjectBody.file(
            file, offset: range.lowerBound, length: range.upperBound - range.lowerBound)
        store.putPart(upload, number: number, body: body, md5: md5) { [self] result in
            if case .success = result { progress.notePart() }
            ended(number, result)
        }
    }

    private func ended(_ number: Int, _ result: Result<UploadedPart, ObjectStoreError>) {
        state.withLock { state in
            state.running -= 1
            switch result {
            case .success(let part): state.parts[number] = part
            case .failure(let error): state.failure = state.failure ?? error
            }
        }
        advance()
    }

    private func failure(_ kind: ObjectStoreError.Kind, _ message: String) -> ObjectStoreError {
        ObjectStoreError(kind, operation: "PUT \(upload.object)", message: message)
    }
}
