/// One operation of an exhaustive sequence, with what the program does to make it durable.
package struct CrashStep: Hashable, Sendable, CustomStringConvertible {
    package enum Action: Hashable, Sendable {
        /// create or O_TRUNC, write, close.
        case save(String)
        /// As `save`, and the program never closes.
        case hold(String)
        /// Two bytes in the middle, close.
        case patch(String)
        case append(String)
        /// truncate(2) to two bytes.
        case cut(String)
        case empty(String)
        case chmod(String)
        case symlink(String)
        case mkdir(String)
        case rmdir(String)
        case unlink(String)
        case rename(String, String)
    }

    package enum Sync: String, CaseIterable, Sendable {
        case nothing
        case fsync
        /// Of the directory that the name is in, afterwards.
        case fsyncdir
    }

    package var action: Action
    package var sync: Sync

    package init(_ action: Action, _ sync: Sync = .nothing) {
        self.action = action
        self.sync = sync
    }

    package var description: String {
        sync == .nothing ? "\(action)" : "\(action) + \(sync.rawValue)"
    }

    /// Where the result is.
    var path: String {
        switch action {
        case .save(let path), .hold(let path), .patch(let path), .append(let path), .cut(let path),
            .empty(let path), .chmod(let path), .symlink(let path), .mkdir(let path),
            .rmdir(let path), .unlink(let path), .rename(_, let path):
            path
        }
    }

    /// Does it write through a descriptor, on which fsync(2) can be called?
    private var hasDescriptor: Bool {
        switch action {
        case .save, .hold, .patch, .append: true
        default: false
        }
    }

    // MARK: All of them

    static let directories = ["d", "e"]
    static let paths = ["d/a", "d/b", "e/a", "e/b"]

    /// Every step: 12 operations on 2 names in 2 directories, and renames of the directories.
    package static let all: [CrashStep] = {
        var actions: [Action] = []
        for path in paths {
            actions += [
                .save(path), .hold(path), .patch(path), .append(path), .cut(path), .empty(path),
                .chmod(path), .symlink(path), .mkdir(path), .rmdir(path), .unlink(path),
            ]
            actions += paths.filter { $0 != path }.map { .rename(path, $0) }
        }
        actions += [.rename("d", "f"), .rename("d", "e"), .rename("e", "d"), .rmdir("e")]
        return actions.flatMap { action in
            Sync.allCases.map { CrashStep(action, $0) }.filter {
                $0.sync != .fsync || $0.hasDescriptor
            }
        }
    }()
}
