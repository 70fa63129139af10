import RGWBase
import RGWObject
import RGWSpool

/// Records as the columns of their tables, in the order of JournalSchema.
extension JournalColumns {
    init(_ inode: InodeNumber) {
        self.init(count: 1)
        add(inode.value)
    }

    init(_ address: ObjectAddress) {
        self.init(count: 3)
        add(address)
    }

    init(_ partial: PartialRecord) {
        self.init(count: 6)
        add(partial.inode.value)
        add(partial.source)
        add(partial.etag.text)
        add(partial.length)
    }

    init(_ extent: ExtentRecord) {
        self.init(count: 4)
        add(extent.inode.value)
        add(extent.generation.value)
        add(extent.range.lowerBound)
        add(extent.range.upperBound)
    }

    init(_ node: NodeRecord) throws {
        self.init(count: 30)
        let attributes = node.attributes
        add(node.inode.value)
        add(attributes.kind.rawValue)
        add(attributes.permissions)
        add(attributes.uid)
        add(attributes.gid)
        add(attributes.size)
        add(attributes.mtime)
        add(attributes.ctime)
        add(attributes.atime)
        add(attributes.rdev)
        add(node.data?.value)
        add(node.generation.value)
        add(try MetadataText.encode(node.metadata))
        add(node.base)
        add(node.replacing)
        add(node.sealed?.value)
        add(node.replaced?.data.value)
        add(node.replaced?.size)
        add(node.replaced?.mtime)
        add(node.replaced?.generation.value)
        add(node.replaced?.sealed?.value)
        // NULL is no: what nearly every file is costs nothing.
        add(node.isBroken ? 1 as Int64 : nil)
        add(node.replaced?.isBroken == true ? 1 as Int64 : nil)
    }

    init(_ intent: IntentRecord) {
        self.init(count: 19)
        add(intent.address)
        add(UInt64(intent.want.rawValue))
        add(intent.inode?.value)
        add(intent.base?.text)
        add(intent.after)
        add(intent.born)
        add(intent.source?.address)
        add(intent.source?.version)
        add(intent.isConflict ? 1 as Int64 : nil)
    }

    init(_ flight: FlightRecord) {
        self.init(count: 16)
        add(flight.address)
        add(UInt64(flight.want.rawValue))
        add(flight.base?.text)
        add(flight.tags.map(\.text).joined(separator: "\n"))
        add(UInt64(flight.sends))
        add(flight.isUnconditional)
        add(flight.started)
        add(flight.upload?.id)
        add(flight.upload?.partSize)
        add(flight.upload?.generation.value)
        add(flight.upload?.size)
        add(flight.upload?.metadata)
        add(flight.mayDelete)
    }
}
