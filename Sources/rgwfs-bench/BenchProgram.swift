import Glibc
import RGWBase
import RGWClient
import RGWCurl
import RGWHost
import RGWObject
import RGWWire

/// The client as rgwfs uses it, without file system: what scripts/bench-client sets beside the same
/// requests of a libcurl program in C (scripts/tools/rawclient.c).
///
///     rgwfs-bench URL BUCKET head|get KEY COUNT IN_FLIGHT
///     rgwfs-bench URL BUCKET put FILE COUNT IN_FLIGHT
///     rgwfs-bench URL BUCKET list PREFIX
///
/// Prints the seconds from the first request to the last answer. Keys come from the variables of
/// AWS; without them requests are not signed.
enum BenchProgram {
    private static let usage =
        "usage: rgwfs-bench URL BUCKET head|get|put|list KEY|FILE|PREFIX [COUNT IN_FLIGHT]"

    /// The exit status.
    static func run(_ words: [String]) -> Int32 {
        guard words.count == 4 || words.count == 6,
            let count = words.count == 6 ? Int(words[4]) : 1,
            let inFlight = words.count == 6 ? Int(words[5]) : 1, count > 0, inFlight > 0
        else {
            StandardError.print(usage)
            return 2
        }
        do {
            let client = try BenchClient(url: words[0], bucket: words[1])
            let seconds: Double
            switch words[2] {
            case "head": seconds = try client.head(words[3], count, inFlight)
            case "get": seconds = try client.get(words[3], count, inFlight)
            case "put": seconds = try client.put(words[3], count, inFlight)
            case "list": seconds = try client.list(words[3])
            default:
                StandardError.print(usage)
                return 2
            }
            print(seconds)
            client.shutDown()
            return 0
        } catch {
            StandardError.print("rgwfs-bench: \(error)")
            return 1
        }
    }
}
