/// A value that no log, error message or dump shows: it prints as `•`.
package struct Secret: Sendable, Equatable, CustomStringConvertible, CustomDebugStringConvertible,
    CustomReflectable
{
    /// The only way to the bytes; its name makes each use easy to find.
    package let exposed: String
    package init(_ text: String) { exposed = text }
    package var description: String { "•" }
    package var debugDescription: String { "•" }
    package var customMirror: Mirror { Mirror(self, children: []) }
}
