import RGWBase
import RGWObject
import RGWTestKit
import RGWVFS
import Testing

/// Directories of more than one page of names.
@Suite struct LargeDirectoryTests {
    private func name(_ index: Int) -> String {
        "n" + String(repeating: "0", count: 5 - "\(index)".count) + "\(index)"
    }

    private func volume(_ count: Int) throws -> Volume {
        let volume = try Volume()
        for index in 0..<count {
            volume.store.plant(Volume.bucket, try ObjectKey("d/\(name(index))"), [1])
        }
        return volume
    }

    /// One reader of a directory, a reply at a time.
    private struct Reader {
        let volume: Volume
        let inode: InodeNumber
        let handle: HandleID

        init(_ volume: Volume, _ path: String) throws {
            self.volume = volume
            let inode = try volume.inode(path)
            self.inode = inode
            handle = try volume.call { volume.fileSystem.opendir(inode, $0) }.handle
        }

        func read(from offset: UInt64) throws -> [DirectoryEntry] {
            try volume.call {
                volume.fileSystem.readdir(
                    inode, handle, offset: offset,
                    budget: DirectoryBudget(bytes: 4096, fixedBytes: 24), plus: false, $0)
            }
        }

        func all(from offset: UInt64 = 0, between: () throws -> Void = {}) throws -> [String] {
            var names: [String] = []
            var offset = offset
            while true {
                let entries = try read(from: offset)
                guard let last = entries.last else { return names }
                offset = last.next
                names += entries.compactMap { $0.name?.text }
                try between()
            }
        }
    }

    /// Names are asked for one by one here, and the removed object is still in the bucket.
    @Test func aNameThatChangedItsKindOutlivesACrash() throws {
        let volume = try volume(1100)
        volume.store.setFault { $0.method.hasPrefix("DELETE") ? .refuse(.busy) : nil }
        try volume.unlink("d/\(name(7))")
        try volume.mkdir("d/\(name(7))")
        volume.settle()
        #expect(volume.text("d/\(name(7))/") == "")
        let again = try Volume(remounting: volume)
        #expect(try again.attributes("d/\(name(7))").kind == .directory)
        // The other way round.
        try again.rmdir("d/\(name(7))")
        again.store.setFault { $0.method.hasPrefix("DELETE") ? .refuse(.busy) : nil }
        try again.save("d/\(name(7))", "file")
        again.settle()
        let last = try Volume(remounting: again)
        #expect(try last.load("d/\(name(7))") == "file")
        #expect(try Reader(last, "d").all().count == 1100)
        last.store.setFault(nil)
        last.world.advance(by: .seconds(100))
        #expect(last.text("d/\(name(7))") == "file")
        #expect(last.text("d/\(name(7))/") == nil)
    }

    private func lists(_ volume: Volume) -> Int {
        volume.store.requests.count { $0.method == "LIST" }
    }

    @Test(arguments: [1000, 1001, 2000, 3500, 8000])
    func everyNameComesOnceAndEachPageIsListedOnce(count: Int) throws {
        let volume = try volume(count)
        _ = try volume.inode("d")
        volume.store.clearRequests()
        let names = try Reader(volume, "d").all()
        #expect(names == (0..<count).map(name))
        let pages = (count + 999) / 1000
        // The first page is listed a second time, when the directory is known to be large.
        #expect(lists(volume) == (pages == 1 ? 1 : pages + 1))
        #expect(volume.store.requests.count == lists(volume))
    }

    @Test func aReaderHoldsTheLastTwoPagesOnly() throws {
        let volume = try volume(5500)
        let reader = try Reader(volume, "d")
        var offsets: [UInt64] = []
        while let last = try reader.read(from: offsets.last ?? 0).last {
            offsets += try reader.read(from: offsets.last ?? 0).map(\.next)
            #expect(offsets.last == last.next)
        }
        #expect(offsets.count == 5502, ". and .. too")
        for (index, isHeld) in [(5250, true), (4500, true), (3500, false), (500, false)] {
            volume.store.clearRequests()
            #expect(try reader.read(from: offsets[index + 1]).first?.name?.text == name(index))
            #expect((lists(volume) == 0) == isHeld, "\(index)")
        }
    }

    @Test func thePlaceBeforeAPageIsNotBehindANameWhoseDigestIsZero() throws {
        let volume = try Volume()
        // n52856 is on the second page, and the digest of its name is 0.
        let names = (51200..<53200).map(name)
        for name in names {
            volume.store.plant(Volume.bucket, try ObjectKey("d/\(name)"), [1])
        }
        #expect(try Reader(volume, "d").all() == names)
    }

    @Test func aReaderGoesBackToWhereItWas() throws {
        let volume = try volume(3500)
        let reader = try Reader(volume, "d")
        var places: [(offset: UInt64, next: String)] = []
        var offset: UInt64 = 0
        while let last = try reader.read(from: offset).last {
            if let first = try reader.read(from: offset).first(where: { $0.name != nil }) {
                places.append((offset, first.name?.text ?? ""))
            }
            offset = last.next
        }
        // A name before the place is gone: the place is still behind the same name.
        volume.store.uproot(Volume.bucket, try ObjectKey("d/\(name(5))"))
        volume.store.uproot(Volume.bucket, try ObjectKey("d/\(name(2005))"))
        for place in places.reversed() where place.offset > 2 {
            let entries = try reader.read(from: place.offset)
            #expect(entries.first?.name?.text == place.next)
        }
    }

    @Test(arguments: 0..<8)
    func namesThatStayAreSeenOnceWhileOthersComeAndGo(seed: Int) throws {
        let volume = try volume(2200)
        let reader = try Reader(volume, "d")
        var state = UInt64(seed) &* 0x9E37_79B9_7F4A_7C15 | 1
        func chance(_ below: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33) % below
        }
        var touched: Set<String> = []
        let names = try reader.all {
            let index = chance(2200)
            let own = name(index)
            switch chance(4) {
            case 0 where touched.insert(own).inserted: try volume.unlink("d/\(own)")
            case 1 where touched.insert(own).inserted:
                volume.store.uproot(Volume.bucket, try ObjectKey("d/\(own)"))
            case 2:
                let new = "\(own)x\(chance(10))"
                if touched.insert(new).inserted { try volume.save("d/\(new)", "new") }
            default: volume.world.advance(by: .milliseconds(400))
            }
        }
        #expect(Set(names).count == names.count)
        let stayed = Set((0..<2200).map(name)).subtracting(touched)
        #expect(stayed.isSubset(of: names))
    }

    @Test func unsentNamesAreInTheirPlace() throws {
        let volume = try volume(2500)
        _ = try volume.names(in: "d")
        volume.store.setFault { $0.method == "PUT" ? .refuse(.busy) : nil }
        try volume.save("d/n00000a", "x")
        try volume.save("d/n01500a", "x")
        try volume.mkdir("d/n02000a")
        try volume.save("d/zz", "x")
        try volume.unlink("d/n02499")
        let names = try volume.names(in: "d")
        #expect(names.count == 2503)
        #expect(Set(names).count == 2503)
        #expect(names.last == "zz" && names[1] == "n00000a")
        #expect(!names.contains("n02499"))
    }

    @Test func aNameThatIsBothAFileAndADirectoryComesOnce() throws {
        let volume = try volume(0)
        volume.store.plant(Volume.bucket, "d/a", [1])
        for index in 0..<1500 {
            volume.store.plant(Volume.bucket, try ObjectKey("d/a-\(name(index))"), [1])
        }
        volume.store.plant(Volume.bucket, "d/a/b", [1])
        let names = try volume.names(in: "d")
        #expect(names.count == 1501)
        #expect(names.count { $0 == "a" } == 1)
        #expect(try volume.attributes("d/a").kind == .directory)
    }

    @Test func aLargeDirectoryIsRemovedWhenItsLastNameWas() throws {
        let volume = try volume(2100)
        for name in try volume.names(in: "d") where name != "n02050" {
            try volume.unlink("d/\(name)")
        }
        #expect(throws: FileSystemError.notEmpty) { try volume.rmdir("d") }
        try volume.unlink("d/n02050")
        try volume.rmdir("d")
        volume.settle()
        #expect(volume.store.keys(Volume.bucket).isEmpty)
    }

    @Test func aLargeDirectoryEmptiedElsewhereIsEmptyHere() throws {
        let volume = try volume(1200)
        #expect(try volume.names(in: "d").count == 1200)
        for index in 0..<1200 {
            volume.store.uproot(Volume.bucket, try ObjectKey("d/\(name(index))"))
        }
        volume.store.plant(Volume.bucket, "d/", [])
        try volume.rmdir("d")
        volume.settle()
        #expect(volume.store.keys(Volume.bucket).isEmpty)
    }

    @Test func aListingThatFailsIsNoEnd() throws {
        let volume = try volume(2500)
        let reader = try Reader(volume, "d")
        var offset: UInt64 = 0
        for _ in 0..<3 { offset = try reader.read(from: offset).last?.next ?? offset }
        volume.store.setFault { $0.method == "LIST" ? .refuse(.busy) : nil }
        #expect(throws: FileSystemError.self) { try reader.all(from: offset) }
        volume.store.setFault(nil)
        #expect(try reader.all(from: offset).last == name(2499))
    }
}
