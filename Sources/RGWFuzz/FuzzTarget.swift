/// A parser of bytes from outside, and the laws that hold for any input whatsoever.
///
/// The same targets run under a seeded mutator (RGWFuzzTests) and under libFuzzer (scripts/fuzz).
/// An input may be refused; it may never trap, hang or break a law.
package enum FuzzTarget: String, CaseIterable, Sendable {
    /// XMLReader as a tree.
    case xml
    /// A whole HTTP answer: header block and body, through every parser of answers.
    case answer
    /// The client's attempts over answers that a script gives.
    case client
    /// Percent-encoding, dates, tags, endpoints.
    case texts
    /// Credentials and configuration files, mount sources.
    case files

    /// The law that the input broke, or nil.
    package func run(_ bytes: [UInt8]) -> String? {
        switch self {
        case .xml: XMLLaws.broken(by: bytes)
        case .answer: AnswerLaws.broken(by: bytes)
        case .client: ClientLaws.broken(by: bytes)
        case .texts: TextLaws.broken(by: bytes)
        case .files: FileLaws.broken(by: bytes)
        }
    }
}
