"""Trees: how two differ, and the one that a few changed files make of another; only the folders above them are read and written."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from .cli import GitCli

COMMAND = ("diff-tree", "-r", "-z", "--raw", "--numstat", "-p", "--no-ext-diff", "--no-textconv", "--no-renames")
NO_INDEX = {"GIT_INDEX_FILE": "/dev/no-index"}
"""With it, to compare two trees, git does not read the whole index first."""
ABSENT = "000000"
FILE, EXECUTABLE, SYMLINK, FOLDER, GITLINK = "100644", "100755", "120000", "040000", "160000"
"""Modes as git writes them."""


@dataclass(frozen=True)
class TreeChange:
    """One path of a tree difference: modes and object ids before and after."""

    path: str
    old_mode: str
    new_mode: str
    old_id: str
    new_id: str

    @property
    def added(self) -> bool:
        """Whether the path was not there before."""
        return self.old_mode == ABSENT

    def reversed(self) -> TreeChange:
        """Return the same difference, looked at from the other side."""
        return TreeChange(self.path, self.new_mode, self.old_mode, self.new_id, self.old_id)


@dataclass(frozen=True)
class Tracked:
    """The files of a tree."""

    files: frozenset[str]

    @cached_property
    def folders(self) -> frozenset[str]:
        """Every folder above them."""
        found: set[str] = set()
        for path in self.files:
            end = path.rfind("/")
            while end > 0 and path[:end] not in found:
                found.add(path[:end])
                end = path.rfind("/", 0, end)
        return frozenset(found)

    def changed(self, entries: Iterable[TreeChange]) -> Tracked:
        """Return the files of a tree that differs by these entries."""
        moved = [entry for entry in entries if ABSENT in {entry.old_mode, entry.new_mode}]
        if not moved:
            return self
        gone = {entry.path for entry in moved if entry.new_mode == ABSENT}
        return Tracked(self.files - gone | {entry.path for entry in moved if entry.added})


@dataclass(frozen=True)
class DiffStat:
    """Files, and lines added and removed; a binary file counts no lines."""

    files: tuple[str, ...]
    added: int
    removed: int


@dataclass(frozen=True)
class Delta:
    """All of it. Undecodable bytes of the patch are replaced."""

    entries: tuple[TreeChange, ...]
    stat: DiffStat
    patch: str


def read_delta(out: bytes) -> Delta:
    """Parse what git printed: entries, counts and, after an empty field, the patch."""
    fields: list[str] = []
    place = 0
    while (end := out.find(b"\0", place)) > place:
        fields.append(os.fsdecode(out[place:end]))
        place = end + 1
    raw = 2 * sum(field.startswith(":") for field in fields[::2])
    entries = tuple(_entry(head, path) for head, path in zip(fields[:raw:2], fields[1:raw:2], strict=True))
    return Delta(entries, _stat(fields[raw:]), out[place + 1 :].decode(errors="replace"))


def _entry(head: str, path: str) -> TreeChange:
    old_mode, new_mode, old_id, new_id, _ = head.lstrip(":").split(" ")
    return TreeChange(path, old_mode, new_mode, old_id, new_id)


def _stat(fields: Sequence[str]) -> DiffStat:
    rows = [field.split("\t", 2) for field in fields]
    count = [(int(added), int(removed)) for added, removed, _ in rows if added != "-"]
    return DiffStat(tuple(row[2] for row in rows), sum(a for a, _ in count), sum(r for _, r in count))


Item = tuple[bytes, bytes]
"""Mode and object id of one name in a folder."""
_Folder = dict[bytes, Item]


def stored(git: GitCli, root: Path, paths: Sequence[str], trusts_mode: bool) -> dict[str, Item | None] | None:
    """Return what stands at these paths, stored as git would: mode and blob, None for what is gone.

    What lies beyond a link is gone, and so is a file whose name a folder has now. None at all where that takes more than files and links: a repository inside, a name
    with a line feed, or modes that the file system does not tell.
    """
    folders = {folder for path in paths for folder in Path(path).parents if folder.name}
    links = {folder for folder in folders if (root / folder).is_symlink()}
    near = [path for path in paths if links.isdisjoint(Path(path).parents)]
    here = [path for path in near if os.path.lexists(root / path) and not _only_folder(root / path)]
    plain = [path for path in here if not (root / path).is_symlink()]
    if not trusts_mode or any("\n" in path or not (root / path).is_file() for path in plain):
        return None
    ids = git.run("hash-object", "-w", "--stdin-paths", stdin=_lines(plain)).split() if plain else []
    found: dict[str, Item | None] = dict.fromkeys(paths)
    for path, blob in zip(plain, ids, strict=True):
        found[path] = (EXECUTABLE if os.access(root / path, os.X_OK) else FILE).encode(), blob
    for path in set(here) - set(plain):
        target = os.fsencode(os.readlink(root / path))
        found[path] = SYMLINK.encode(), git.run("hash-object", "-w", "--stdin", stdin=target).strip()
    return found


def planted(git: GitCli, parent: str, files: Mapping[str, Item | None]) -> str:
    """Write the tree of `parent` with other files at some paths; returns its id."""
    places = {os.fsencode(path): item for path, item in files.items()}
    folders = _folders(git, parent, sorted({above for path in places for above in _above(path)}))
    for path, item in places.items():
        folder, _, name = path.rpartition(b"/")
        _put(folders[folder], name, item)
    lines, made = [], b""
    for folder in sorted(folders, key=lambda name: (name != b"", name.count(b"/"), name), reverse=True):
        items = folders[folder]
        made = _id(items, len(parent))
        lines.append(b"".join(_told(name, item) for name, item in _sorted(items)) + b"\0")
        upper, _, name = folder.rpartition(b"/")
        if folder and items:
            folders[upper][name] = FOLDER.encode(), made
        elif folder and folders[upper].get(name, (b"",))[0] == FOLDER.encode():
            del folders[upper][name]
    written = git.run("mktree", "-z", "--batch", stdin=b"".join(lines)).split()
    assert written[-1] == made, "git and we reckon alike"
    return os.fsdecode(made)


def _only_folder(place: Path) -> bool:
    return place.is_dir() and not place.is_symlink() and not os.path.lexists(place / ".git")


def _put(folder: _Folder, name: bytes, item: Item | None) -> None:
    if item is None:
        folder.pop(name, None)
    else:
        folder[name] = item


def _above(path: bytes) -> Iterator[bytes]:
    """Yield every folder above a path, the top as the empty name."""
    while path:
        path = path.rpartition(b"/")[0]
        yield path


def _folders(git: GitCli, parent: str, names: Sequence[bytes]) -> dict[bytes, _Folder]:
    """Return the folders of a commit or tree; empty where there is none."""
    out = git.run("cat-file", "--batch", stdin=b"".join(b"%b:%b\n" % (parent.encode(), name) for name in names))
    found, place = {}, 0
    for name in names:
        end = out.index(b"\n", place)
        words = out[place:end].rsplit(b" ", 2)
        place = end + 1
        if len(words) == 3 and words[2].isdigit():
            size = int(words[2])
            found[name] = _items(out[place : place + size], len(parent) // 2) if words[1] == b"tree" else {}
            place += size + 1
        else:
            found[name] = {}
    return found


def _items(raw: bytes, width: int) -> _Folder:
    found, place = {}, 0
    while place < len(raw):
        end = raw.index(b"\0", place)
        mode, _, name = raw[place:end].partition(b" ")
        found[name] = mode.rjust(6, b"0"), raw[end + 1 : end + 1 + width].hex().encode()
        place = end + 1 + width
    return found


def _sorted(items: _Folder) -> list[tuple[bytes, Item]]:
    """Sort as git does, for which a folder's name ends with a slash."""
    return sorted(items.items(), key=lambda pair: pair[0] + (b"/" if pair[1][0] == FOLDER.encode() else b""))


def _id(items: _Folder, width: int) -> bytes:
    raw = b"".join(
        b"%b %b\0%b" % (mode.lstrip(b"0"), name, bytes.fromhex(blob.decode())) for name, (mode, blob) in _sorted(items)
    )
    whole = b"tree %d\0%b" % (len(raw), raw)
    return (hashlib.sha1 if width == 40 else hashlib.sha256)(whole).hexdigest().encode()


def _told(name: bytes, item: Item) -> bytes:
    kind = {FOLDER.encode(): b"tree", b"160000": b"commit"}.get(item[0], b"blob")
    return b"%b %b %b\t%b\0" % (item[0], kind, item[1], name)


def _lines(paths: Sequence[str]) -> bytes:
    return b"".join(os.fsencode(path) + b"\n" for path in paths)
