"""Contents that say who wrote them, and the question whether a content is a version that somebody made.

A file is a row of records of 16 bytes. Each names the write it is from (`tag`: the writer and a number)
and its place in that write, so that a mixture of two versions is recognised from its bytes alone. A content
is kept as extents (tag, first record, count); records that nobody wrote are zeros, with the tag "".
"""

RECORD = 16
ZERO = ""
# How many changes that left no byte of their own (cut off or written over later) an explanation may need.
HIDDEN_MAX = 3
# States that are looked at before a content counts as unexplained.
STATES_MAX = 60_000


def body(tag, first, count):
    """The bytes of `count` records of a write."""
    if tag == ZERO:
        return bytes(RECORD * count)
    return b"".join(b"%-15s\n" % f"{tag}.{number:x}".encode() for number in range(first, first + count))


def rendered(content):
    return b"".join(body(*extent) for extent in content)


def length(content):
    return sum(count for _, _, count in content)


def joined(extents):
    """The same content with as few extents as possible."""
    result = []
    for tag, first, count in extents:
        if count == 0:
            continue
        if result:
            last_tag, last_first, last_count = result[-1]
            if tag == last_tag and (tag == ZERO or first == last_first + last_count):
                result[-1] = (tag, last_first, last_count + count)
                continue
        result.append((tag, 0 if tag == ZERO else first, count))
    return tuple(result)


def cut(content, records):
    """The first `records` of it, with zeros behind the end."""
    result, left = [], records
    for tag, first, count in content:
        part = min(count, left)
        result.append((tag, first, part))
        left -= part
    return joined([*result, (ZERO, 0, left)])


def behind(content, records):
    """What follows the first `records`."""
    result = []
    for tag, first, count in content:
        skipped = min(count, records)
        records -= skipped
        result.append((tag, first + skipped, count - skipped))
    return joined(result)


def parsed(data):
    """The extents of these bytes; what is no record of anybody has the tag "?"."""
    extents = []
    for start in range(0, len(data), RECORD):
        piece = data[start:start + RECORD]
        if piece == bytes(RECORD):
            extents.append((ZERO, 0, 1))
            continue
        try:
            tag, _, number = piece.decode("ascii").strip().partition(".")
            first = int(number, 16)
            known = piece == body(tag, first, 1)
        except ValueError:
            known = False
        extents.append((tag, first, 1) if known else ("?", start, 1))
    return joined(extents)


def shown(content):
    """For people: "A3[0:20] B1[0:5]"."""
    if content is None:
        return "absent"
    text = " ".join(f"{tag or 'zeros'}[{first}:{first + count}]" for tag, first, count in content[:12])
    more = f" and {len(content) - 12} more extents" if len(content) > 12 else ""
    return f"{length(content)} records: {text}{more}" if content else "empty"


class Step:
    """One change of a content: put (all of it), write (at `offset`), append, or cut (to `offset` records)."""

    def __init__(self, actor, number, kind, tag=ZERO, offset=0, count=0):
        self.actor, self.number = actor, number
        self.kind, self.tag, self.offset, self.count = kind, tag, offset, count

    def apply(self, content):
        written = (self.tag, 0, self.count)
        if self.kind == "put":
            return joined([written])
        if self.kind == "cut":
            return cut(content, self.offset)
        offset = length(content) if self.kind == "append" else self.offset
        return joined([*cut(content, offset), written, *behind(content, offset + self.count)])

    def __str__(self):
        return {"put": f"put {self.tag}[0:{self.count}]", "cut": f"cut to {self.offset}",
                "write": f"write {self.tag}[0:{self.count}] at {self.offset}",
                "append": f"append {self.tag}[0:{self.count}]"}[self.kind]


class Explanation:
    """Whether some order of these steps, each used once or not at all and each actor's in its own order, makes a
    content. Of what is not whole, only the beginning was seen."""

    def __init__(self, steps, whole=True):
        self.steps = sorted(steps, key=lambda step: step.number)
        self.whole = whole
        self.looked_at = 0

    def explains(self, content):
        self.content = content
        tags = {tag for tag, _, _ in content} - {ZERO}
        self.must = frozenset(step for step in self.steps if step.tag in tags and step.count)
        if len(self.must) != len(tags) or sum(step.kind == "put" for step in self.must) > 1:
            return False
        for hidden in range(HIDDEN_MAX + 1):
            self.seen = set()
            if self.search((), frozenset(), hidden):
                return True
        return False

    def is_end(self, state):
        if self.whole:
            return state == self.content
        return length(state) >= length(self.content) and \
            cut(state, length(self.content)) == self.content

    def search(self, state, used, hidden):
        self.looked_at += 1
        if self.must <= used and self.is_end(state):
            return True
        if self.looked_at > STATES_MAX or (state, used) in self.seen:
            return False
        self.seen.add((state, used))
        last = {step.actor: step.number for step in sorted(used, key=lambda step: step.number)}
        for step in self.steps:
            if step.number <= last.get(step.actor, -1):
                continue
            # Nothing of what a put replaces can be in the content; its own length may be all that is left of it.
            if step.kind == "put" and self.must & used:
                continue
            left = hidden if step in self.must else hidden - 1
            if left >= 0 and self.search(step.apply(state), used | {step}, left):
                return True
        return False
