"""What a disk may hold after a power cut, made of a recording, and what must hold when a fresh server meets it.

The model. What is in a file at its last `fsync` or `fdatasync` is there. Later writes may be missing, be there in part (the
first so many, the last of them cut off), or as zeros where the file grew. Names are changed in folders, a rename all at once:

- `Order.JOURNAL`, as ext4 and XFS do it, and as git itself takes it for granted: what was changed first is there first. An
  `fsync` of a file or folder that was changed since brings all names that were changed before it; an `fdatasync` only where
  the file is new or grew.
- `Order.FOLDER`, the least that is promised anywhere: only the `fsync` of a folder brings its names, and of two folders one
  may be later than the other.

A power cut is after any step. There are too many states to try them all: corners come first (nothing but what was
synchronised; every name without its data; one folder or file that is late, one that is early), and then what chance draws.
"""

from __future__ import annotations

import hashlib
import random
import stat
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import partial
from pathlib import Path

from inodes import UNSEEN, Named, Node, Synced, Told, Wrote
from recorded import Recording


class Order(StrEnum):
    """In which order changed names come to the disk."""

    JOURNAL = "journal"
    FOLDER = "folder"


class Late(StrEnum):
    """What is there of the writes of a file that nobody waited for."""

    ALL = "all"
    NONE = "none"
    ZEROS = "zeros"
    PART = "part"


Cut = Callable[[Node], int]
"""How many of all steps are on the disk, as far as they changed names in a folder."""


@dataclass(frozen=True)
class DiskState:
    """What a disk may hold, and what had been told by then."""

    name: str
    told: tuple[str, ...]
    root: Node
    names: Mapping[Node, Mapping[str, Node]]
    data: Mapping[Node, bytes]

    def digest(self) -> str:
        """Tell states apart by what they hold and what was told."""
        found = hashlib.sha256(repr(self.told).encode())
        for path, mode, data in sorted(self._listed(self.root, "")):
            if not path.endswith(UNSEEN):
                found.update(f"{path} {mode} {len(data)} ".encode() + data)
        return found.hexdigest()

    def write(self, place: Path) -> None:
        """Make a folder that holds this."""
        place.mkdir()
        for path, mode, data in self._listed(self.root, ""):
            if stat.S_ISDIR(mode):
                (place / path).mkdir()
            elif stat.S_ISLNK(mode):
                (place / path).symlink_to(data.decode())
            else:
                (place / path).write_bytes(data)
                (place / path).chmod(stat.S_IMODE(mode))

    def _listed(self, folder: Node, path: str) -> Iterator[tuple[str, int, bytes]]:
        for name, node in self.names.get(folder, folder.first_names).items():
            yield f"{path}{name}", node.mode, self.data.get(node, node.first_data)
            if node.is_folder:
                yield from self._listed(node, f"{path}{name}/")


class Moment:
    """A power cut after so many steps: what is on the disk for sure, and what may be."""

    def __init__(self, recording: Recording, end: int, order: Order) -> None:
        self._root, self._end, self._order = recording.root, end, order
        self._steps = list(enumerate(recording.steps[:end], 1))
        self._told = tuple(step.words for _, step in self._steps if isinstance(step, Told))
        self._synced, self._journal = self._sure()
        named = {
            folder: number for number, step in self._steps if isinstance(step, Named) for folder, *_ in step.changes
        }
        wrote = {step.node: number for number, step in self._steps if isinstance(step, Wrote)}
        self.folders = [node for node, number in named.items() if number > self._least(node)]
        self.files = [node for node, number in wrote.items() if number > self._synced.get(node, 0)]

    def _sure(self) -> tuple[dict[Node, int], int]:
        """How many steps are on the disk for sure: of each file or folder, and of names where these have one order."""
        synced: dict[Node, int] = {}
        journal, changed, touched = 0, dict[Node, int](), dict[Node, int]()
        for number, step in self._steps:
            if isinstance(step, Named):
                nodes = [node for folder, _, child in step.changes for node in (folder, child) if node]
                changed |= dict.fromkeys(nodes, number)
            elif isinstance(step, Wrote):
                touched[step.node] = number
                if step.resizes:
                    changed[step.node] = number
            elif isinstance(step, Synced):
                nodes = [step.node] if step.node else [*changed, *touched]
                synced |= dict.fromkeys(nodes, number)
                seen = changed if step.only_data else changed | touched
                if any(seen.get(node, 0) > journal for node in nodes):
                    journal = number
        return synced, journal

    def _least(self, folder: Node) -> int:
        return self._journal if self._order is Order.JOURNAL else self._synced.get(folder, 0)

    def corners(self) -> list[Callable[[], DiskState]]:
        """The states that go furthest from one another."""

        def least(folder: Node) -> int:
            return self._least(folder)

        def most(folder: Node) -> int:
            return self._end

        def all_but(this: Node | None, one: Late, others: Late) -> Callable[[Node], Late]:
            return lambda file: one if file is this else others

        def but(this: Node, one: Cut, others: Cut) -> Cut:
            return lambda folder: (one if folder is this else others)(folder)

        extremes = [
            partial(self._state, f"names {name}, data {late}", cut, all_but(None, late, late))
            for name, cut in (("least", least), ("most", most))
            for late in (Late.NONE, Late.ZEROS, Late.ALL)
        ]
        files = [
            partial(self._state, f"one file {late}", most, all_but(file, late, Late.ALL))
            for file in self.files
            for late in (Late.NONE, Late.ZEROS)
        ]
        folders = [
            partial(self._state, f"one folder {name}", but(folder, *cuts), all_but(None, Late.ALL, Late.ALL))
            for folder in (self.folders if self._order is Order.FOLDER else ())
            for name, cuts in (("late", (least, most)), ("early", (most, least)))
        ]
        return [*extremes, *files, *folders]

    def drawn(self, draw: random.Random) -> DiskState:
        """A state by chance."""
        at = draw.randint(self._journal, self._end)
        cuts = {folder: draw.randint(self._least(folder), self._end) for folder in self.folders}
        late = {file: draw.choice(list(Late)) for file in self.files}
        cut: Cut = (lambda folder: at) if self._order is Order.JOURNAL else (lambda folder: cuts.get(folder, self._end))
        return self._state("by chance", cut, lambda file: late.get(file, Late.ALL), draw)

    def _state(self, name: str, cut: Cut, late: Callable[[Node], Late], draw: random.Random | None = None) -> DiskState:
        names: dict[Node, dict[str, Node]] = {}
        for number, step in self._steps:
            if isinstance(step, Named) and any(number <= cut(folder) for folder, *_ in step.changes):
                for folder, one, node in step.changes:
                    inside = names.setdefault(folder, dict(folder.first_names))
                    inside.pop(one, None)
                    if node is not None:
                        inside[one] = node
        data = {node: self._content(node, late(node), draw) for node in self._written()}
        return DiskState(f"{self._order}, after step {self._end}: {name}", self._told, self._root, names, data)

    def _written(self) -> set[Node]:
        return {step.node for _, step in self._steps if isinstance(step, Wrote)}

    def _content(self, node: Node, late: Late, draw: random.Random | None) -> bytes:
        data, sure = bytearray(node.first_data), self._synced.get(node, 0)
        mine = [(number, step) for number, step in self._steps if isinstance(step, Wrote) and step.node is node]
        for number, step in mine:
            if number <= sure:
                step.onto(data)
        rest = [step for number, step in mine if number > sure]
        if late is Late.ZEROS:
            grown = bytearray(data)
            for step in rest:
                step.onto(grown)
            return bytes(data[: len(grown)]).ljust(len(grown), b"\0")
        whole = {Late.ALL: len(rest), Late.NONE: 0}.get(late, draw.randint(0, len(rest)) if draw else 0)
        for step in rest[:whole]:
            step.onto(data)
        if late is Late.PART and whole < len(rest) and draw and rest[whole].new:
            new = rest[whole].new or b""
            replace(rest[whole], new=new[: draw.randint(0, len(new))]).onto(data)
        return bytes(data)


def states(recording: Recording, order: Order, count: int, seed: int) -> Iterator[DiskState]:
    """So many states after a power cut at any step, each of them once: corners and others by turns, until there are no more."""
    draw, seen = random.Random(seed), set[str]()
    moments = [Moment(recording, end, order) for end in range(len(recording.steps) + 1)]
    corners = [corner for moment in moments for corner in moment.corners()]
    for corner in draw.sample(corners, len(corners)):
        for state in (corner(), draw.choice(moments).drawn(draw)):
            if len(seen) == count:
                return
            if (digest := state.digest()) not in seen:
                seen.add(digest)
                yield state
