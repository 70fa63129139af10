import RGWObject
import Testing

@Suite struct KeyPrefixTests {
    @Test(arguments: [
        ("a", []), ("a/b", ["a/"]), ("a/b/c", ["a/", "a/b/"]), ("a/b/", ["a/", "a/b/"]),
        ("/", ["/"]), ("a//b", ["a/", "a//"]),
    ])
    func aKeyIsInTheDirectoriesAboveItAndAMarkerInItsOwn(key: String, above: [String]) throws {
        let address = ObjectAddress(bucket: "b", key: try ObjectKey(key))
        let markers = address.directories.map(\.marker)
        #expect(markers == (try above.map { ObjectAddress(bucket: "b", key: try ObjectKey($0)) }))
        #expect(address.directories.allSatisfy { $0.contains(address) })
    }

    @Test func whatIsNoDirectoryHasNoMarker() {
        #expect(KeyPrefix(bucket: "b", bytes: []).marker == nil)
        #expect(KeyPrefix.everything.marker == nil)
    }
}
