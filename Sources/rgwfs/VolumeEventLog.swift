import Logging
import RGWControl
import RGWVFS

/// What the volume tells, as log lines.
enum VolumeEventLog {
    static func write(_ event: VolumeEvent, to log: Logger) {
        switch event {
        case .blocked(let path, let error):
            log.error(
                "a change cannot be uploaded and waits in the spool",
                metadata: ["object.key": "\(path)", "reason": "\(error)"])
        case .takenBack(let path, let want, let reason):
            log.error(
                "a change is taken back: the bucket's version is shown again",
                metadata: [
                    "object.key": "\(path)", "change": "\(QueueItem.word(want))",
                    "reason": "\(reason)",
                ])
        case .unblocked(let path):
            log.info("a change that had failed is uploaded", metadata: ["object.key": "\(path)"])
        case .paused(let error):
            log.error(
                "the server refuses this mount; changes wait in the spool",
                metadata: ["reason": "\(error)"])
        case .resumed: log.info("the server serves this mount again")
        case .conflict(let path, let keptAs):
            log.error(
                "another client changed an object that has local changes",
                metadata: ["object.key": "\(path)", "kept_as": "\(keptAs)"])
        case .readFailed(let path, let error, let others):
            var metadata: Logger.Metadata = ["object.key": "\(path)", "reason": "\(error)"]
            if others > 0 { metadata["others_like_it"] = "\(others)" }
            log.error("the bucket could not be read", metadata: metadata)
        case .recovered(let files, let lost):
            log.info(
                "an earlier mount left changes in the spool",
                metadata: ["files": "\(files)", "lost": "\(lost)"])
        case .spoolFailed(let failure):
            log.error(
                "the spool failed: no more changes are accepted",
                metadata: ["reason": "\(failure.detail)"])
        }
    }
}
