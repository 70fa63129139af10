import RGWBase
import RGWObject
import RGWTestKit
import RGWVFS
import Testing

/// What reads fetch: no more than is asked for here and there, ahead of who reads from front to back.
@Suite struct ReadTests {
    private static let large = 32 << 20

    private func byte(_ offset: Int) -> UInt8 {
        UInt8(truncatingIfNeeded: offset &* 31 &+ offset >> 9)
    }

    private func volume(_ size: Int = large) throws -> (Volume, (InodeNumber, HandleID)) {
        let volume = try Volume()
        volume.store.plant(Volume.bucket, "large", (0..<size).map(byte))
        let file = try volume.open("large")
        volume.store.clearRequests()
        return (volume, file)
    }

    private func gets(_ volume: Volume) -> Int {
        volume.store.requests.count { $0.method == "GET" }
    }

    private func check(
        _ volume: Volume, _ file: (InodeNumber, HandleID), at offset: Int, count: Int
    ) throws {
        let bytes = try volume.read(file, at: UInt64(offset), count: count)
        #expect(bytes.count == count)
        #expect(bytes.indices.allSatisfy { bytes[$0] == byte(offset + $0) })
    }

    /// Places that follow no pattern, the same in every run.
    private func places(_ count: Int, below limit: Int) -> [Int] {
        var state: UInt64 = 7
        return (0..<count).map { _ in
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33) % limit
        }
    }

    @Test(arguments: [(4096, 200), (65536, 100)])
    func readsHereAndThereFetchWhatTheyAskFor(size: Int, count: Int) throws {
        let (volume, file) = try volume()
        for place in places(count, below: Self.large / size) {
            try check(volume, file, at: place * size, count: size)
        }
        #expect(gets(volume) <= count)
        #expect(volume.fileSystem.cachedBytes <= count * max(2 * size, 24 << 10))
    }

    @Test func theEndAndThenColumnsAreReadAsSuch() throws {
        let (volume, file) = try volume()
        try check(volume, file, at: Self.large - 8, count: 8)
        try check(volume, file, at: Self.large - 60_000, count: 60_000)
        for column in [3, 17, 9] {
            for part in 0..<8 {
                try check(volume, file, at: column << 20 + part << 17, count: 128 << 10)
            }
        }
        #expect(volume.fileSystem.cachedBytes < 3 * (2 << 20))
    }

    @Test func aStreamIsReadAhead() throws {
        let (volume, file) = try volume()
        for offset in stride(from: 0, to: Self.large, by: 128 << 10) {
            try check(volume, file, at: offset, count: 128 << 10)
        }
        #expect(gets(volume) <= 16)
    }

    /// Each handle is a reader of its own.
    @Test func streamsOfOneFileDoNotDisturbEachOther() throws {
        let (volume, first) = try volume()
        let files = try [first] + (1..<8).map { _ in try volume.open("large") }
        let part = Self.large / 8
        for offset in stride(from: 0, to: part, by: 128 << 10) {
            for (index, file) in files.enumerated() {
                try check(volume, file, at: index * part + offset, count: 128 << 10)
            }
        }
        #expect(gets(volume) <= 8 * 8)
    }

    @Test func aStreamThatBeginsInTheMiddleIsReadAhead() throws {
        let (volume, file) = try volume()
        for offset in stride(from: 5 << 20, to: 25 << 20, by: 128 << 10) {
            try check(volume, file, at: offset, count: 128 << 10)
        }
        #expect(gets(volume) <= 20)
    }

    @Test func beginningsOfFilesAreNotTheWholeFiles() throws {
        let volume = try Volume()
        for index in 0..<40 {
            let key = try ObjectKey("d/\(100 + index)")
            volume.store.plant(Volume.bucket, key, (0..<900_000).map(byte))
        }
        for name in try volume.names(in: "d") {
            let file = try volume.open("d/" + name)
            try check(volume, file, at: 0, count: 4096)
            volume.release(file)
        }
        #expect(volume.fileSystem.cachedBytes < 10_000_000)
        // Files that are read to their end are soon fetched whole again.
        volume.world.advance(by: .seconds(10))
        volume.store.clearRequests()
        for name in try volume.names(in: "d").prefix(20) {
            let file = try volume.open("d/" + name)
            for offset in stride(from: 0, to: 900_000, by: 128 << 10) {
                try check(volume, file, at: offset, count: min(128 << 10, 900_000 - offset))
            }
            volume.release(file)
        }
        #expect(gets(volume) <= 20 + 4)
    }

    @Test func noReadMixesVersionsWhateverItCameWith() throws {
        let (volume, file) = try volume(4 << 20)
        try check(volume, file, at: 3 << 20, count: 4096)
        volume.store.plant(Volume.bucket, "large", [UInt8](repeating: 7, count: 4 << 20))
        try check(volume, file, at: 3 << 20, count: 4096)
        #expect(throws: FileSystemError.stale) { try volume.read(file, at: 1 << 20, count: 4096) }
        #expect(throws: FileSystemError.stale) { try volume.read(file, at: 3 << 20, count: 4096) }
    }
}

/// Small files whose bytes come with their attributes, and those that follow them.
@Suite struct SmallFileTests {
    private func requests(_ volume: Volume, _ method: String) -> Int {
        volume.store.requests.count { $0.method == method }
    }

    private func readAll(_ volume: Volume, _ names: [String]) throws {
        for name in names {
            let bytes = Array(try volume.load("d/" + name).utf8)
            let index = try #require(Int(name)) - 10_000
            #expect(bytes.count == 4096 && bytes[0] == UInt8(index % 128))
        }
    }

    private func ascii(
        _ count: Int, _ adjust: (inout VolumeConfiguration) -> Void = { _ in }
    )
        throws -> Volume
    {
        let volume = try Volume(adjust)
        for index in 0..<count {
            let body = [UInt8](repeating: UInt8(index % 128), count: 4096)
            volume.store.plant(Volume.bucket, try ObjectKey("d/\(10_000 + index)"), body)
        }
        return volume
    }

    @Test(arguments: [false, true])
    func aDirectoryIsReadWithOneRequestForEachFile(isShuffled: Bool) throws {
        let volume = try ascii(1000)
        var names = try volume.names(in: "d")
        if isShuffled { names.sort { $0.reversed().lexicographicallyPrecedes($1.reversed()) } }
        volume.store.clearRequests()
        try readAll(volume, names)
        #expect(requests(volume, "GET") == 1000)
        #expect(requests(volume, "HEAD") <= 8)
        #expect(requests(volume, "LIST") <= 1)
    }

    /// How many files a reader waits for, one after another. cp -r goes by inode numbers.
    @Test(arguments: [false, true])
    func whatFollowsIsFetchedAhead(byNumber: Bool) throws {
        let volume = try ascii(500)
        let directory = try volume.inode("d")
        var waits = 0
        var names = try volume.names(in: "d")
        if byNumber {
            let copy = try ascii(500)
            let numbers = try names.map { ($0, try copy.inode("d/" + $0)) }
            names = numbers.sorted { $0.1.value < $1.1.value }.map(\.0)
        }
        volume.store.clearRequests()
        for name in names {
            let entry = try EntryName(Array(name.utf8))
            let box = volume.begin { volume.fileSystem.lookup(directory, entry, $0) }
            if box.result == nil { waits += 1 }
            while box.result == nil, volume.world.step() {}
            #expect(try volume.load("d/" + name).utf8.count == 4096)
            volume.world.run()
        }
        #expect(waits <= 60)
        #expect(requests(volume, "GET") == 500 && requests(volume, "HEAD") <= 4)
    }

    @Test func whoOnlyLooksGetsNoBodies() throws {
        let volume = try ascii(300)
        for name in try volume.names(in: "d") { _ = try volume.attributes("d/" + name) }
        #expect(requests(volume, "GET") == 0)
        #expect(requests(volume, "HEAD") <= 302)
        // Reading ends, looking goes on.
        volume.world.advance(by: .seconds(5))
        try readAll(volume, ["10000", "10001", "10002"])
        volume.store.clearRequests()
        for name in try volume.names(in: "d").dropFirst(3) {
            _ = try volume.attributes("d/" + name)
        }
        #expect(requests(volume, "GET") <= 3 * 8 + 24)
        #expect(requests(volume, "GET") + requests(volume, "HEAD") <= 310)
    }

    @Test func attributesThatAreKnownDoNotKeepFromReadingAhead() throws {
        let volume = try ascii(300)
        for name in try volume.names(in: "d") { _ = try volume.attributes("d/" + name) }
        volume.store.clearRequests()
        try readAll(volume, try volume.names(in: "d"))
        #expect(requests(volume, "GET") == 300)
        #expect(requests(volume, "HEAD") == 0)
    }

    @Test func oneFileThatIsReadAgainAndAgainIsNotADirectory() throws {
        let volume = try ascii(300)
        for _ in 0..<20 {
            #expect(try volume.load("d/10100").utf8.count == 4096)
            volume.world.advance(by: .seconds(5))
        }
        #expect(requests(volume, "GET") <= 20)
    }

    @Test func zeroTurnsItOff() throws {
        let volume = try ascii(100) { $0.smallBytesMax = 0 }
        try readAll(volume, try volume.names(in: "d"))
        #expect(requests(volume, "HEAD") >= 100)
    }

    /// The listing is old when the file is read: neither the old size nor the old bytes are given out.
    @Test func whatWasReplacedMeanwhileIsReadAsItIs() throws {
        let volume = try ascii(60)
        let names = try volume.names(in: "d")
        try readAll(volume, Array(names.prefix(3)))
        // Some of these were fetched ahead, some are known from the listing only.
        for name in ["10010", "10050"] {
            volume.store.plant(Volume.bucket, try ObjectKey("d/" + name), Array("new".utf8))
        }
        volume.store.uproot(Volume.bucket, "d/10055")
        volume.store.plant(Volume.bucket, "d/10056", [])
        volume.world.advance(by: .seconds(5))
        #expect(try volume.load("d/10010") == "new")
        #expect(try volume.attributes("d/10050").size == 3)
        #expect(try volume.load("d/10050") == "new")
        #expect(throws: FileSystemError.notFound) { try volume.load("d/10055") }
        #expect(try volume.load("d/10056").isEmpty)
        try readAll(volume, ["10057", "10058"])
    }

    @Test func ownChangesAreReadAndNotOverwritten() throws {
        let volume = try ascii(60)
        try readAll(volume, ["10000", "10001", "10002"])
        volume.store.setFault { $0.method == "PUT" ? .refuse(.busy) : nil }
        try volume.save("d/10004", "mine")
        try readAll(volume, ["10003", "10005", "10006"])
        #expect(try volume.load("d/10004") == "mine")
        volume.store.setFault(nil)
        volume.world.advance(by: .seconds(100))
        #expect(volume.text("d/10004") == "mine")
        #expect(try volume.load("d/10004") == "mine")
    }

    /// What GET refuses, HEAD may still tell.
    @Test func whatCannotBeFetchedCanBeLookedAt() throws {
        let volume = try ascii(60)
        try readAll(volume, ["10000", "10001", "10002"])
        volume.store.setFault { $0.method == "GET" ? .refuse(.accessDenied) : nil }
        #expect(try volume.attributes("d/10059").size == 4096)
        #expect(throws: FileSystemError.accessDenied) { try volume.load("d/10058") }
        volume.store.setFault(nil)
        #expect(try volume.load("d/10058").utf8.count == 4096)
    }
}
