import RGWObject
import Testing

@Suite struct ObjectStoreErrorTests {
    /// What Swift calls it is nothing for a user.
    @Test func everyKindIsToldInWords() {
        let all = ObjectStoreError.Kind.allCases
        #expect(Set(all.map(\.words)).count == all.count)
        for kind in all {
            let text = ObjectStoreError(kind, operation: "PUT photos/a", status: 500).description
            #expect(text == "PUT photos/a: \(kind.words), HTTP 500")
            #expect(kind.words.contains(" "), "a sentence has more than one word")
            #expect(!text.contains("\(kind)") || kind == .cancelled)
        }
    }

    @Test func aConflictSaysWhatToDo() throws {
        let address = ObjectAddress(bucket: "photos", key: try ObjectKey(Array("d/k".utf8)))
        let error = ObjectStoreError.conflict(
            at: address, operation: "put photos/d/k", advice: "choose a version with rgwfs resolve")
        #expect(error.kind == .preconditionFailed)
        #expect(
            error.description
                == "d/k was changed by another client; choose a version with rgwfs resolve")
    }
}
