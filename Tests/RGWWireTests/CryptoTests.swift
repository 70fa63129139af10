import RGWCrypto
import Testing

@Suite struct CryptoTests {
    /// RFC 1321, appendix A.5.
    @Test(arguments: [
        ("", "d41d8cd98f00b204e9800998ecf8427e"), ("a", "0cc175b9c0f1b6a831c399e269772661"),
        ("message digest", "f96b697d7cb7938d525a2f31aaf161d0"),
    ])
    func md5IsThatOfRFC1321(text: String, digest: String) {
        #expect(Hexadecimal.encode(Hash.md5(Array(text.utf8))) == digest)
    }

    /// FIPS 180-2, appendix B.
    @Test(arguments: [
        ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
    ])
    func sha256IsThatOfFIPS180(text: String, digest: String) {
        #expect(Hexadecimal.encode(Hash.sha256(Array(text.utf8))) == digest)
    }

    /// RFC 4231 case 2 and RFC 2202 case 2.
    @Test func hmacIsThatOfTheRFCs() {
        let key = Array("Jefe".utf8)
        let message = Array("what do ya want for nothing?".utf8)
        #expect(
            Hexadecimal.encode(Hash.hmacSHA256(key: key, message))
                == "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843")
        #expect(
            Hexadecimal.encode(Hash.hmacSHA1(key: key, message))
                == "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79")
    }

    @Test func hmacTakesAnEmptyKeyAndMessage() {
        #expect(
            Hexadecimal.encode(Hash.hmacSHA256(key: [], []))
                == "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad")
    }

    @Test(arguments: [0, 1, 63, 64, 65, 1000, 100_000])
    func digestInPiecesEqualsDigestAtOnce(length: Int) {
        let bytes = (0..<length).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        var md5 = MD5Digest()
        var sha = SHA256Digest()
        for start in stride(from: 0, to: length, by: 77) {
            let piece = Array(bytes[start..<min(length, start + 77)])
            md5.update(piece.span)
            sha.update(piece.span)
        }
        #expect(md5.finalize() == Hash.md5(bytes))
        #expect(sha.finalize() == Hash.sha256(bytes))
    }

    /// RFC 4648, section 10.
    @Test(arguments: [
        ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="),
        ("fooba", "Zm9vYmE="), ("foobar", "Zm9vYmFy"),
    ])
    func base64IsThatOfRFC4648(text: String, encoded: String) {
        #expect(Base64.encode(Array(text.utf8)) == encoded)
        #expect(Base64.decode(encoded) == Array(text.utf8))
    }

    @Test(arguments: ["Z", "Zg", "Zg=", "Z===", "====", "Zh==", "Zm9=", "Z*==", "=Zg=", "Zg==Zg=="])
    func malformedBase64IsRefused(text: String) {
        #expect(Base64.decode(text) == nil)
    }

    @Test func hexadecimalRoundTripsEveryByte() {
        let bytes = (0...255).map { UInt8($0) }
        #expect(Hexadecimal.decode(Hexadecimal.encode(bytes)) == bytes)
        #expect(Hexadecimal.decode("fF") == [0xFF])
        #expect(Hexadecimal.decode("f") == nil)
        #expect(Hexadecimal.decode("0g") == nil)
    }
}
