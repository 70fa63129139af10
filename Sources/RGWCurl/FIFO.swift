/// A queue on an array; taking from the front is constant time on average.
struct FIFO<Element> {
    private var elements: [Element?] = []
    private var head = 0

    var isEmpty: Bool { head == elements.count }

    mutating func append(_ element: Element) { elements.append(element) }

    mutating func popFirst() -> Element? {
        guard head < elements.count else { return nil }
        defer {
            elements[head] = nil
            head += 1
            if head == elements.count {
                elements.removeAll(keepingCapacity: true)
                head = 0
            } else if head > 64, head * 2 > elements.count {
                elements.removeFirst(head)
                head = 0
            }
        }
        return elements[head]
    }

    /// Takes out the first element that satisfies the condition.
    mutating func remove(where condition: (Element) -> Bool) -> Element? {
        guard
            let index = elements.indices.dropFirst(head).first(where: { index in
                elements[index].map(condition) ?? false
            })
        else { return nil }
        return elements.remove(at: index)
    }
}
