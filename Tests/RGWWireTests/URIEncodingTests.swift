import RGWWire
import Testing

@Suite struct URIEncodingTests {
    @Test func onlyUnreservedBytesStay() {
        let unreserved = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"
        for byte in UInt8.min...UInt8.max {
            let encoded = URIEncoding.encodePath([byte])
            if unreserved.utf8.contains(byte) || byte == UInt8(ascii: "/") {
                #expect(encoded.utf8.elementsEqual([byte]))
            } else {
                let digits = Array("0123456789ABCDEF")
                #expect(encoded == "%\(digits[Int(byte >> 4)])\(digits[Int(byte & 15)])")
            }
            #expect(URIEncoding.decode(Array(encoded.utf8)) == [byte])
        }
    }

    @Test func aQueryEncodesItsSlashes() {
        #expect(URIEncoding.encodeQuery("a/b c+d") == "a%2Fb%20c%2Bd")
    }

    @Test func aTenantsColonIsEncoded() {
        #expect(URIEncoding.encodePath("ten1:bucket".utf8) == "ten1%3Abucket")
    }

    @Test func plusIsNotABlank() {
        #expect(URIEncoding.decode(Array("a+b%2B%20".utf8)) == Array("a+b+ ".utf8))
    }

    @Test(arguments: ["%", "%1", "a%", "%zz", "%2", "%%41", "%4g"])
    func malformedEscapesAreRefused(text: String) {
        #expect(URIEncoding.decode(Array(text.utf8)) == nil)
    }
}
