package import RGWBase
import RGWSpool

/// lseek's SEEK_DATA and SEEK_HOLE.
extension FileSystem {
    /// The next data, or hole, at or after `offset`. An object has no holes: it is data to its end.
    package func seek(
        _ inode: InodeNumber, _ handle: HandleID, from offset: UInt64, hole: Bool,
        _ reply: consuming Reply<UInt64>
    ) {
        let found: Result<((any SpoolFile)?, size: UInt64), FileSystemError> = withState { state in
            guard state.files[handle] != nil, let known = state.inodes[inode] else {
                return .failure(.badHandle)
            }
            return .success((known.spoolFile, known.attributes.size))
        }
        switch found {
        case .failure(let error): reply.fail(error)
        case .success((_, let size)) where offset >= size: reply.fail(.noSuchOffset)
        case .success((nil, let size)): reply.succeed(hole ? size : offset)
        case .success((.some(let file), let size)):
            do throws(SpoolError) {
                // Reserved space past the end is no hole of the file.
                guard let position = try file.seek(from: offset, hole: hole),
                    hole || position < size
                else { return reply.fail(.noSuchOffset) }
                reply.succeed(min(position, size))
            } catch { reply.fail(FileSystemError(error)) }
        }
    }
}
