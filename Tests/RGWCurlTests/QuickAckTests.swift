import RGWBase
import RGWCurl
import RGWWire
import Testing

/// RGW's frontend writes header and body separately with Nagle's algorithm on, so the body waits
/// for the client's ACK of the header, which the kernel delays. Sources/RGWCurl/Transfer.swift
/// answers it.
@Suite(.serialized) struct QuickAckTests {
    private func seconds(_ server: LoopbackServer, quickAck: Bool) throws -> Double {
        let client = try TransportClient(server) { $0.setsQuickAck = quickAck }
        let clock = SystemClock()
        let start = clock.now()
        for _ in 0..<30 {
            #expect(client.send(client.request())?.response?.body.count == 4096)
        }
        return (clock.now() - start).inSeconds
    }

    @Test func smallReadsAreManyTimesFasterWithIt() throws {
        let body = [UInt8](repeating: 3, count: 4096)
        let server = try LoopbackServer.answering { _, connection in
            connection.write("HTTP/1.1 200 OK\r\nContent-Length: 4096\r\n\r\n")
            connection.write(body)
        }
        let without = try seconds(server, quickAck: false)
        let with = try seconds(server, quickAck: true)
        #expect(without / with > 3, "without \(without) s, with \(with) s")
    }
}
