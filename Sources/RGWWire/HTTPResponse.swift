/// One HTTP answer. `body` is empty when its blocks were delivered elsewhere.
package struct HTTPResponse: Equatable, Sendable {
    package var status: Int
    package var headers: HTTPHeaders
    package var body: [UInt8]
    /// MD5 of the request's body as it was sent, when `TransferOptions.digestsBody` asked for it.
    package var sentMD5: [UInt8]?

    package init(
        status: Int, headers: HTTPHeaders = HTTPHeaders(), body: [UInt8] = [],
        sentMD5: [UInt8]? = nil
    ) {
        self.status = status
        self.headers = headers
        self.body = body
        self.sentMD5 = sentMD5
    }

    package var isSuccess: Bool { (200...299).contains(status) }
}
