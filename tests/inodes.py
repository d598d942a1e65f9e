"""A folder as its disk holds it: inodes, and the steps that change them."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

UNSEEN = "-shm"


@dataclass(eq=False)
class Node:
    """A file, a folder or a link: an inode, with what it holds; `first_*` is what it held before."""

    mode: int
    first_data: bytes = b""
    first_names: Mapping[str, Node] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.data, self.names = bytearray(self.first_data), dict(self.first_names)

    @property
    def is_folder(self) -> bool:
        return stat.S_ISDIR(self.mode)


@dataclass(frozen=True)
class Named:
    """Names that were given or taken (None) in folders, all at once."""

    changes: tuple[tuple[Node, str, Node | None], ...]

    def apply(self) -> None:
        for folder, name, node in self.changes:
            folder.names.pop(name, None)
            if node is not None:
                folder.names[name] = node


@dataclass(frozen=True)
class Wrote:
    """Bytes in a file; None is a new end, at `at`. `resizes`: the file was longer or shorter before."""

    node: Node
    at: int
    new: bytes | None
    resizes: bool

    def onto(self, data: bytearray) -> None:
        end = self.at + len(self.new or b"")
        data.extend(bytes(max(0, end - len(data))))
        if self.new is None:
            del data[self.at :]
        else:
            data[self.at : end] = self.new


@dataclass(frozen=True)
class Synced:
    """A file or folder that was waited for, None for the whole disk; `only_data` leaves out what reading does not need."""

    node: Node | None
    only_data: bool = False


@dataclass(frozen=True)
class Told:
    """What the command told the world: from here on it has to be true."""

    words: str


Step = Named | Wrote | Synced | Told


def picture(place: Path) -> Node:
    """Read a folder with all that stands in it."""
    mode = place.lstat().st_mode
    if stat.S_ISLNK(mode):
        return Node(mode, os.fsencode(os.readlink(place)))
    if stat.S_ISDIR(mode):
        return Node(mode, first_names={name: picture(place / name) for name in sorted(os.listdir(place))})
    return Node(mode, place.read_bytes())


def listed(folder: Node, path: str = "") -> Iterator[tuple[str, bytes]]:
    """Every file of a folder, with its bytes."""
    for name, node in folder.names.items():
        if node.is_folder:
            yield from listed(node, f"{path}{name}/")
        elif not name.endswith(UNSEEN):
            yield f"{path}{name}", bytes(node.data)
