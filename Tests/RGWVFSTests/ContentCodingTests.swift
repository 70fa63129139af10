import Testing

@testable import RGWVFS

@Suite struct ContentCodingTests {
    @Test(
        arguments: [
            ("gzip", [0x1F, 0x8B, 8, 0], "gzip"), ("gzip", Array("text".utf8), nil),
            ("gzip", [], nil),
            ("GZIP", Array("text".utf8), nil), ("x-gzip", [0x1F], nil),
            ("br, gzip", Array("text".utf8), "br"), ("gzip, br", Array("text".utf8), "gzip, br"),
            ("zstd", [0x28, 0xB5, 0x2F, 0xFD], "zstd"), ("zstd", [0x28, 0xB5, 0x2F, 0xFE], nil),
            ("gzip,gzip", Array("text".utf8), nil), ("identity", [], "identity"),
            ("br", Array("text".utf8), "br"),
        ] as [(String, [UInt8], String?)])
    func aCodingGoesWhenTheContentDoesNotBeginAsItsOwnDoes(
        codings: String, head: [UInt8], kept: String?
    ) {
        #expect(ContentCoding.kept(codings, of: head) == kept)
    }
}
