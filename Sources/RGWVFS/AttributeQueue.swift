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

    /// More would take too much memory: the store is too slow, and numbers are not kept any more by this mount.
    private static let numbersMax = 200_000

    private var objects: [ObjectAddress: KnownObject] = [:]
    private var numbers = NumberChanges()
    /// What is being written.
    private var writing = NumberChanges()
    /// How often something was written.
    private(set) var writes: UInt64 = 0
    /// The store has numbers: others need not be looked for.
    var hasNumbers = false
    /// Numbers are neither kept nor learnt any more.
    private(set) var hasStopped = false
    private var due: Due?
    private var isScheduled = false

    mutating func add(_ address: ObjectAddress, _ object: KnownObject) {
        guard objects.count < Self.objectsMax else { return }
        objects[address] = object
        if objects.count == Self.batch {
            due = .now
        } else {
            schedule()
        }
    }

    private mutating func schedule() {
        if !isScheduled { due = .soon }
        isScheduled = true
    }

    /// A name has this number now, which is not the one that it would be given; nil: it has none any more.
    mutating func set(_ home: InodeNumber, _ number: InodeNumber?) {
        if hasStopped { return }
        numbers.set(home, number)
        if numbers.changes.count > Self.numbersMax { stop() }
        schedule()
    }

    /// What names have is not known well enough any more.
    mutating func stop() {
        hasStopped = true
        numbers = NumberChanges()
    }

    /// What the store says of a name may be believed: nothing that waits or is being written says otherwise.
    func mayLearn(_ number: InodeNumber, from home: InodeNumber) -> Bool {
        !hasStopped && !numbers.concerns(home, number) && !writing.concerns(home, number)
    }

    mutating func noteWritten() {
        if !writing.changes.isEmpty { hasNumbers = true }
        writing = NumberChanges()
        writes &+= 1
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
        changes.numbers = numbers.changes
        (writing, numbers) = (numbers, NumberChanges())
        return changes
    }
}

/// Numbers of names that the store does not have yet.
private struct NumberChanges: Sendable {
    private(set) var changes: [InodeNumber: InodeNumber?] = [:]
    private var numbers: Set<InodeNumber> = []

    mutating func set(_ home: InodeNumber, _ number: InodeNumber?) {
        changes.updateValue(number, forKey: home)
        if let number { numbers.insert(number) }
    }

    func concerns(_ home: InodeNumber, _ number: InodeNumber) -> Bool {
        changes[home] != nil || numbers.contains(number)
    }
}
