/// Elements in their order, in blocks: the first ones are at hand, and each goes in and out in logarithmic time
/// (beside moving the elements of one block). An element is in it once.
struct OrderedTable<Element: Comparable & Sendable>: Sendable {
    /// None is empty.
    private var blocks: [[Element]] = []
    private(set) var count = 0

    private static var blockMax: Int { 512 }

    var first: Element? { blocks.first?.first }
    var last: Element? { blocks.last?.last }

    /// From the first on; whoever reads the first few pays for these.
    var ascending: some Sequence<Element> { blocks.lazy.joined() }

    mutating func insert(_ element: Element) {
        count += 1
        guard !blocks.isEmpty else { return blocks.append([element]) }
        let block = min(self.block(of: element), blocks.count - 1)
        let index = Self.index(of: element, in: blocks[block])
        blocks[block].insert(element, at: index)
        guard blocks[block].count > Self.blockMax else { return }
        // What comes in order fills its blocks.
        let isAtEnd = block == blocks.count - 1 && index == blocks[block].count - 1
        let kept = isAtEnd ? Self.blockMax : Self.blockMax / 2
        let moved = Array(blocks[block][kept...])
        blocks[block].removeSubrange(kept...)
        blocks.insert(moved, at: block + 1)
    }

    mutating func remove(_ element: Element) {
        let block = block(of: element)
        guard block < blocks.count else { return }
        let index = Self.index(of: element, in: blocks[block])
        guard index < blocks[block].count, blocks[block][index] == element else { return }
        blocks[block].remove(at: index)
        count -= 1
        if blocks[block].isEmpty { blocks.remove(at: block) }
    }

    /// The first block whose last element is not before `element`.
    private func block(of element: Element) -> Int {
        var (low, high) = (0, blocks.count)
        while low < high {
            let middle = (low + high) / 2
            if let last = blocks[middle].last, last < element {
                low = middle + 1
            } else {
                high = middle
            }
        }
        return low
    }

    private static func index(of element: Element, in block: [Element]) -> Int {
        var (low, high) = (0, block.count)
        while low < high {
            let middle = (low + high) / 2
            if block[middle] < element { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
