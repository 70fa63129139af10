import RGWMount
import Testing

@Suite struct ProxyChoiceTests {
    @Test(arguments: [
        ("none", ProxyChoice.none), ("http://proxy:3128", .url("http://proxy:3128")),
        ("proxy.example.org:3128", .url("http://proxy.example.org:3128")),
        ("HTTPS://proxy:443/", .url("https://proxy:443")),
        ("socks5h://[::1]:1080", .url("socks5h://[::1]:1080")),
    ])
    func aProxyIsASchemeAHostAndAPort(text: String, choice: ProxyChoice) throws {
        #expect(try ProxyChoice(option: text) == choice)
    }

    @Test(arguments: [
        "proxy", "http://proxy", "ftp://proxy:21", "http://:80", "http://proxy:0", "http://p:70000",
        "http://proxy:80/path", "http://p x:80", "http://proxy:80?x", "-1/x",
    ])
    func anythingElseIsRefused(text: String) {
        #expect(throws: OptionError.self) { try ProxyChoice(option: text) }
    }

    @Test func aPasswordIsRefusedAndNotRepeated() {
        let error = #expect(throws: OptionError.self) {
            try ProxyChoice(option: "http://user:geheim@proxy:3128")
        }
        #expect(error.map { "\($0)" }?.contains("geheim") == false)
        #expect(error.map { "\($0)" }?.contains("https_proxy") == true)
    }
}
