import RGWHost
import RGWSpool

/// A spool's failure as a sentence for the user.
enum SpoolSentence {
    static func text(_ error: SpoolError, spool: String) -> String {
        switch error {
        case .full: "the file system of the spool \(spool) is full"
        case .tooLarge: "the file system of the spool \(spool) cannot hold files of that size"
        case .tooManyFiles:
            "the spool \(spool) has more files than this process may have open: raise the limit (ulimit -n)"
        case .failed(let operation, let errno):
            "cannot use the spool \(spool): \(HostError(operation, errno: errno))"
        case .unusable(let sentence), .busy(let sentence): sentence
        }
    }
}
