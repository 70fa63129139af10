import RGWBase
import RGWControl
import RGWMount
import RGWObject
import Testing

/// What servers and names say stays in its line.
@Suite struct LineTextTests {
    @Test(arguments: [
        ("plain", "plain"), ("grüße 🐟", "grüße 🐟"), ("two\nlines", "two\\x0alines"),
        ("\u{1B}[31m", "\\x1b[31m"), ("\u{9B}31m", "\\x9b31m"), ("a\u{202E}b", "a\\u{202e}b"),
        ("\u{2028}", "\\u{2028}"), ("tab\t", "tab\\x09"), ("", ""),
    ])
    func controlCharactersAreShownAndNotObeyed(text: String, shown: String) {
        #expect(LineText.escaped(text, max: 100) == shown)
    }

    @Test func longTextsAreCut() {
        #expect(LineText.escaped(String(repeating: "x", count: 10), max: 10).utf8.count == 10)
        #expect(LineText.escaped(String(repeating: "x", count: 11), max: 10) == "xxxxxxxxxx...")
    }

    @Test func anErrorIsOneLineWhateverTheServerSays() {
        let error = ObjectStoreError(
            .invalidRequest, operation: "PUT b/two\nlines", status: 400, code: "C\n\u{1B}[0m",
            requestID: String(repeating: "r", count: 9000),
            message: "m\r\n" + String(repeating: "m", count: 100_000))
        #expect("\(error)".unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x7F })
        #expect("\(error)".utf8.count < 3000)
    }

    @Test func aSentenceThatNamesAKeyIsOneLine() {
        let address = ObjectAddress(bucket: "b", key: "two\nlines\u{1B}[31m\u{202E}")
        let error = ObjectStoreError.conflict(at: address, operation: "PUT", advice: "choose")
        #expect(
            "\(error)" == "two\\x0alines\\x1b[31m\\u{202e} was changed by another client; choose")
    }

    @Test func aPathIsShownWithoutThem() {
        #expect(Shown.text("a\n\u{1B}\u{202E}b\u{200F}ü") == "a???b?ü")
    }

    @Test func jsonHasNoControlCharacters() {
        #expect(
            JSONValue.string("a\n\u{1B}\u{9B}\u{7F}\u{202E}\"\\ü").line
                == "\"a\\n\\u001b\\u009b\\u007f\\u202e\\\"\\\\ü\"")
    }
}
