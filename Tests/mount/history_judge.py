"""Judges a history of several writers. Each finding is a kind and a sentence; none knows the code it judges.

  lost       what was acknowledged is nowhere, nothing that could have seen it replaced it, nobody was told
  mixture    a content that no order of the writers' changes makes
  size       a read whose length is not the file's size
  stale      an open shows what was seen replaced in the bucket, longer than the cache time before
  flip       a mount shows a version, then another or none, then the first again
  aside      a mount shows under a name the version that it has put beside it as a conflict copy
  attributes a mode or an attribute that was set is gone without a reason. Conditions do not cover attributes: what
             another mount had begun to change before, or began within a second, may undo it (rgwfs(7), LIMITS)
  errno      an error that nothing explains
"""

import errno
import os
import urllib.parse

from history_actors import EXPECTED, FAULTY
from history_content import Explanation, shown

# Seconds on top of a cache time: two processes and their clocks.
SLACK = 0.4
# What a mount sends something for.
CHANGES = ("write", "close", "fsync", "truncate", "mode", "xattr", "rename", "rename-directory", "unlink", "open-save")
# How long after its answer a rename may still copy or delete in the bucket.
RENAME_SECONDS = 60


class Judge:
    """`final`: name to (content, mode, mark) of each object when all is quiet. `requests`: of each mount, as
    `Proxy.timed_requests`. `failures`: (mount, name) of each change that its status or log says was not made."""

    def __init__(self, history, final, requests, prefix, policy, cache_seconds, faults, failures,
                 is_synchronous=False):
        self.history, self.final, self.requests = history, final, requests
        self.prefix, self.policy, self.cache_seconds = prefix, policy, cache_seconds
        self.faults, self.failures = faults, failures
        # A rename is answered with what became of it: one that met a conflict has moved, and fails.
        self.is_synchronous = is_synchronous
        self.findings = []
        self.limits = 0
        self.by_tag = {step.tag: (session, step) for session in history.sessions
                       for step in session.steps if step.count}
        self.explained = {}

    def add(self, kind, text, *names):
        self.findings.append((kind, text, set(names)))

    def judge(self):
        for event in self.history.events:
            self.judge_error(event)
            if event.content is not None and not event.error:
                self.judge_content(event)
        for name, (content, _, _) in self.final.items():
            self.judge_final(name, content)
        for session in self.history.sessions:
            self.judge_session(session)
        for mark in self.history.marks:
            self.judge_mark(mark)
        self.judge_ages()
        return self.findings

    # What moves where.

    def moves(self):
        for event in self.history.events:
            # A mount's rename that met a conflict has moved, and fails; the other client's copy is what it answers.
            if event.error and event.error not in FAULTY and \
                    not (self.is_synchronous and event.what.startswith("rename")):
                continue
            end = event.end or float("inf")
            if event.what in ("rename", "copy"):
                yield event.names[0], event.names[1], event.start, end, event.what == "rename"
            elif event.what == "rename-directory":
                old, new = event.names
                for name in list(self.names()):
                    if name.startswith(old + "/"):
                        yield name, new + name[len(old):], event.start, end, True

    def names(self):
        return {name for event in self.history.events for name in event.names} | set(self.final)

    def reach(self, name, since, lateness=RENAME_SECONDS):
        """Under which names a content may be that was under this one then: name to the earliest time.
        `lateness`: how long after its answer a rename may still move what it finds."""
        found = {name: since}
        changed = True
        while changed:
            changed = False
            for old, new, start, end, late in self.moves():
                if old not in found or end + (lateness if late else 0) < found[old]:
                    continue
                time = max(start, found[old])
                if time < found.get(new, float("inf")):
                    found[new] = time
                    changed = True
        return found

    @staticmethod
    def plain(name):
        return name.partition(".conflict-")[0]

    # (b): one version.

    def judge_error(self, event):
        # After a kill, descriptors of before answer so.
        allowed = EXPECTED | (FAULTY if self.faults else set())
        if event.error and event.error not in allowed:
            self.add("errno", f"{event}", *event.names)

    def explains(self, content, until, whole=True):
        key = (content, whole)
        if key not in self.explained:
            steps = [step for session in self.history.sessions if session.start <= until
                     for step in session.steps]
            self.explained[key] = Explanation(steps, whole).explains(content)
        return self.explained[key]

    def judge_content(self, event):
        name = event.names[0]
        if event.note.startswith("sizes"):
            self.add("size", f"{event}: {shown(event.content)}", name)
        whole = getattr(event, "is_whole", True)
        opened = getattr(event, "opened", event)
        if opened is not event and self.is_disturbed(event, opened):
            return
        if not self.explains(event.content, event.end, whole):
            self.add("mixture", f"{event}: {shown(event.content)}", name)

    def is_disturbed(self, event, opened):
        """The reader's own machine changed the file meanwhile: it shows that at once, as any file system."""
        return any(other.actor == event.actor and other.end > opened.start and other.start < event.end
                   and other.what in ("write", "truncate", "open-save", "kill") for other in self.history.events)

    def judge_final(self, name, content):
        if not self.explains(content, float("inf")):
            self.add("mixture", f"the object {name} is {shown(content)}", self.plain(name))
        for tag, _, _ in content:
            if tag in self.by_tag:
                session = self.by_tag[tag][0]
                if self.plain(name) not in self.reach(session.name, session.start):
                    self.add("mixture", f"{tag} of {session.name} is in {name}", self.plain(name), session.name)

    # (a): nothing acknowledged is lost.

    def survives(self, tag, beside=True):
        return any(tag in {each for each, _, _ in content} for name, (content, _, _) in self.final.items()
                   if beside or ".conflict-" not in name)

    def is_in_place(self, session, tag):
        """Under its name, or where somebody has moved it since."""
        names = self.reach(session.name, session.start, 0)
        return any(tag in {each for each, _, _ in content} and self.plain(name) in names
                   for name, (content, _, _) in self.final.items())

    def judge_session(self, session):
        for tag in session.acknowledged:
            if session.told or self.is_in_place(session, tag):
                continue
            if not self.excuse(session, self.by_tag[tag][1]):
                moved = " (it is under a name that it was never given)" if self.survives(tag) else ""
                self.add("lost", f"{tag} of {session}{moved}", *self.reach(session.name, session.start))

    def excuse(self, session, step, depth=0):
        """Why bytes that were acknowledged are nowhere; None: nothing explains it."""
        reach = self.reach(session.name, session.start)
        for name, time in reach.items():
            if self.was_told(session, name):
                return "told"
            if self.overlaps(session, name):
                self.limits += 1
                return "limit"
            for other in self.history.sessions:
                if other is not session and other.name == name and \
                        (self.replaces(other, step) or self.wins(other)) and \
                        self.may_replace(session, other, name, other.start, other.end, time) and \
                        self.is_effective(session, other, depth):
                    return str(other)
            for event in self.history.events:
                if self.removes(event, name) and not self.carries(event, name, reach) and \
                        self.may_replace(session, event, name, event.start, event.end, time):
                    return str(event)
        return None

    def wins(self, other):
        """Its version stays, with what it was made from, although another has come meanwhile."""
        return self.policy == "local" and other.actor != "R" and bool(other.steps)

    @staticmethod
    def replaces(other, step):
        if other.replaces:
            return True
        if other.kind == "cut":
            return bool(other.steps)
        return any(each.kind == "write" and each.count >= step.count for each in other.steps)

    @staticmethod
    def removes(event, name):
        if event.error and event.error not in FAULTY:
            return False
        return (event.what in ("unlink", "delete") and event.names[0] == name) or \
            (event.what in ("rename", "copy") and event.names[1] == name) or \
            (event.what == "rename-directory" and name.startswith(event.names[1] + "/"))

    @staticmethod
    def carries(event, name, reach):
        """It brought to this name what is looked for."""
        if event.what in ("rename", "copy"):
            old = event.names[0]
        elif event.what == "rename-directory":
            old = event.names[0] + name[len(event.names[1]):]
        else:
            return False
        return old in reach and reach[old] <= event.start

    def may_replace(self, session, other, name, start, end, time):
        """It began after the write or was concurrent; and when another mount did it, that knew of the version or
        had looked since."""
        end = float("inf") if end is None else end
        if end <= time:
            # A copy has no condition on its target, and a conflict won is known: rgwfs(7), LIMITS.
            is_limit = getattr(other, "what", "").startswith("rename") and end + RENAME_SECONDS > time
            return is_limit or (self.policy == "local" and other.actor != "R")
        if other.actor in ("R", session.actor) or self.policy == "local":
            return True
        # A copy has no condition on its target: what was seen there within a minute is believed. rgwfs(7), LIMITS.
        is_rename = getattr(other, "what", "").startswith("rename")
        return self.has_looked(other.actor, name, start - RENAME_SECONDS if is_rename else session.start, end)

    def has_looked(self, actor, name, since, until):
        key = self.prefix + name
        return any(answered > since and came < until and
                   ((method in ("GET", "HEAD") and key_of(target) == key) or "list-type=2" in target)
                   for method, _, target, came, answered in self.requests[actor])

    def is_effective(self, session, other, depth):
        """What was kept beside the name replaced nothing there, except for its own mount."""
        if other.actor == session.actor or depth > 8:
            return True
        tags = [step.tag for step in other.steps if step.count]
        return not tags or any(self.survives(tag, beside=False) or not self.survives(tag) for tag in tags)

    def was_told(self, session, name):
        return any(event.actor == session.actor and event.error and event.start >= session.start and
                   event.what in ("write", "close", "fsync") and event.names[0] == name
                   for event in self.history.events) or \
            (session.actor, name) in self.failures

    def overlaps(self, session, name):
        """The other client's write met a request that the server does not make one step with its condition
        (copies; deletions before RGW 20): rgwfs(7), LIMITS."""
        if session.actor != "R":
            return False
        key = self.prefix + name
        return any(key_of(target) == key and method in ("PUT", "DELETE") and
                   came - 0.05 < session.end and answered + 0.01 > session.start
                   for rows in self.requests.values() for method, _, target, came, answered in rows)

    # Attributes.

    def judge_mark(self, mark):
        if not mark.acknowledged:
            return
        if any(mark.value in row[1:] for row in self.final.values()):
            return
        reach = self.reach(mark.name, mark.start)
        for name, time in reach.items():
            if any(other is not mark and other.kind == mark.kind and other.name == name and other.end > time
                   for other in self.history.marks):
                return
            if any(self.removes(event, name) and (event.end or float("inf")) > time
                   for event in self.history.events):
                return
            if any(other.actor == "R" and other.name == name and other.end > time
                   for other in self.history.sessions):
                return
            if any(event.actor == mark.actor and event.error and event.start >= mark.start and
                   event.what == "fsync" and event.names[0] in (name, ".") for event in self.history.events):
                return
            if (mark.actor, name) in self.failures or self.was_unseen(mark, name):
                return
        self.add("attributes", f"{mark.kind} {mark.value} of {mark.name}, set by {mark.actor}", *reach)

    def was_unseen(self, mark, name):
        """Another mount's change was under way when the bucket had the mark, or began within a second after it."""
        key = self.prefix + name
        landed = min((answered for method, status, target, came, answered in self.requests[mark.actor]
                      if method == "PUT" and status == 200 and key_of(target) == key and answered > mark.start),
                     default=mark.start)
        for actor, rows in self.requests.items():
            sent = [came for method, _, target, came, _ in rows
                    if method in ("PUT", "DELETE") and key_of(target) == key]
            # What it sent before the mark was there, it has done, unless that failed.
            before = max((came for came in sent if came < landed), default=0)
            since = 0 if self.faults else before
            if actor != mark.actor and any(came >= landed - 0.05 for came in sent) and any(
                    event.actor == actor and not event.error and name in event.names and
                    since <= (event.end or event.start) and event.start <= landed + 1 + SLACK and
                    event.what in CHANGES for event in self.history.events):
                return True
        return False

    # (c): what is shown when.

    def judge_ages(self):
        reads = [event for event in self.history.events if event.what == "read" and event.actor != "R"
                 and (not event.error or event.error == 2)]
        for event in reads:
            self.judge_age(event)
            self.judge_aside(event)
        for actor in self.requests:
            for name in self.names():
                self.judge_order(name, [(event.content, event) for event in self.history.events
                                        if event.actor == actor and self.is_view(event, name)])

    @staticmethod
    def is_view(event, name):
        """The actor saw the file's content, or that there is none."""
        if event.what == "list":
            directory = os.path.dirname(name) or "."
            return event.names == (directory,) and not event.error and \
                os.path.basename(name) not in event.note.split()
        if event.names != (name,) or event.what not in ("read", "stat", "open-append", "open-patch", "open-read"):
            return False
        return event.error == errno.ENOENT or (event.what == "read" and not event.error)

    def judge_aside(self, event):
        """What lost a conflict is not shown any more under its name."""
        if not event.content:
            return
        key = self.prefix + event.names[0] + ".conflict-"
        for method, status, target, _, answered in self.requests[event.actor]:
            if method == "PUT" and status == 200 and key_of(target).startswith(key) and \
                    answered + SLACK < event.start:
                beside = self.final.get(key_of(target).removeprefix(self.prefix))
                if beside and beside[0] == event.content and \
                        not self.returns(event.names[0], event.content, answered):
                    self.add("aside", f"{event}: {shown(event.content)}, which is {key_of(target)} "
                             f"{event.start - answered:.1f} s before", event.names[0])
                    return

    def seen_in_bucket(self, name):
        """(from, to, content): what another client knows to have been the object's content then."""
        for event in self.history.events:
            if event.actor == "R" and event.names[0] == name and not event.error:
                if event.what == "get":
                    yield event.start, event.end, event.content
                elif event.what == "put":
                    step = event.session.steps[0]
                    yield event.start, event.end, ((step.tag, 0, step.count),)
                elif event.what == "delete":
                    yield event.start, event.end, None

    def returns(self, name, content, since):
        """Something may have brought this content, or the absence of one, back under the name."""
        return any((not event.error or event.error in FAULTY) and (event.end or float("inf")) > since and (
            (event.what in ("rename", "copy") and name in event.names) or event.what == "rename-directory" or
            (content is None and event.what in ("unlink", "delete") and event.names[0] == name))
            for event in self.history.events)

    def judge_age(self, event):
        name = event.names[0]
        facts = list(self.seen_in_bucket(name))
        old = [fact for fact in facts if fact[1] + self.cache_seconds + SLACK < event.start]
        if not old:
            return
        latest = max(old, key=lambda fact: fact[0])
        if latest[2] == event.content:
            return
        for before in old:
            if before[1] < latest[0] and before[2] == event.content and \
                    not self.returns(name, event.content, before[0]):
                self.add("stale", f"{event}: {shown(event.content)}; the bucket had {shown(latest[2])} "
                         f"{event.start - latest[1]:.1f} s before", name)
                return

    def judge_order(self, name, views):
        for index, (content, event) in enumerate(views):
            if not content:
                # Absence and emptiness come again and again.
                continue
            before = [number for number in range(index) if views[number][0] == content]
            if not before or before[-1] == index - 1:
                continue
            between, first = views[before[-1] + 1], views[before[-1]][1]
            killed = any(other.what == "kill" and other.actor == event.actor for other in self.history.events)
            if killed or self.returns(name, content, first.start):
                continue
            self.add("flip", f"{event.actor} shows {name} as {shown(content)}, then {shown(between[0])} "
                     f"({between[1].what}), then the first again", name)


def key_of(target):
    """The object's key in a request of path style."""
    path = urllib.parse.unquote(target.partition("?")[0])
    return path.lstrip("/").partition("/")[2]


def told(history, requests, prefix, names, begin):
    """The part of a history that concerns these names, for people: system calls and requests in order."""
    names = set(names) | {os.path.dirname(name) for name in names} - {""}
    rows = [(event.start, str(event)) for event in history.events
            if names & set(event.names) or event.what in ("kill", "rename-directory", "list")]
    for actor, answers in requests.items():
        for method, status, target, came, answered in answers:
            if key_of(target).removeprefix(prefix) in names:
                rows.append((came, f"    {actor}'s daemon: {method} {key_of(target).removeprefix(prefix)} {status}"))
    lines, last, repeated = [], None, 0
    for time, text in [*sorted(rows), (0, None)]:
        if text == last:
            repeated += 1
            continue
        if repeated:
            lines[-1] += f" (and {repeated} more)"
        last, repeated = text, 0
        if text:
            lines.append(f"  {time - begin:7.3f} {text}")
    return "\n".join(lines)
