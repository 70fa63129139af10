import RGWBase
import RGWObject
import RGWSpool

/// What waits to be written to the store of attributes. Guarded by the volume's state.
struct AttributeQueue: Sendable {
    /// When it is to be written.
    enum Due: Sendable {
        case soon
        case now
    }

    /// So many are written at once.
    static let batch = 1_000
    /// More than the store takes: they are asked for once more, by the next mount.
    private static let objectsMax = 4_000

    private var objects: [ObjectAddress: KnownObject] = [:]
    private var due: Due?
    private var isScheduled = false

    mutating func add(_ address: ObjectAddress, _ object: KnownObject) {
        guard objects.count < Self.objectsMax else { return }
        objects[address] = object
        if objects.count == Self.batch {
            due = .now
        } else if !isScheduled {
            due = .soon
        }
        isScheduled = true
    }

    mutating func takeDue() -> Due? {
        guard let due else { return nil }
        self.due = nil
        return due
    }

    mutating func take() -> KnownChanges {
        defer { (objects, isScheduled) = ([:], false) }
        var changes = KnownChanges()
        changes.objects = objects.map { ($0.key, $0.value) }
        return changes
    }
}
