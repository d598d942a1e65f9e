"""The morning view as lines for a terminal and as Markdown for a pull request; and rows as CSV. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from html import escape

from ..session.events import Row
from ..session.results import safe_cell
from .morning import FailedGroup, Morning, ReportedKeep

LONGEST_WORDS = 80
SHOWN_FAILED = 3
"""Failed tries of a group in a terminal."""


def as_lines(morning: Morning, most: int) -> list[str]:
    """Say the morning view in lines, with at most so many kept changes, the newest."""
    summary, kept = morning.summary, morning.kept[-most:]
    more = morning.left_out + len(morning.kept) - len(kept)
    left_out = [f"  ({more:,} earlier ones left out)"] if more else []
    together = [f"  Together {morning.whole.size}"] if morning.whole.size else []
    return [
        f"State: {morning.state}",
        *summary.lines(),
        *_rests_on(morning),
        f"Cost: {morning.cost.words}.",
        "",
        "Kept changes:",
        *(left_out + [f"  {_kept_words(change)}" for change in kept] or ["  none"]),
        *together,
        *(_group_lines(morning.failed) if morning.failed else []),
        *(["Take it:", *_take_lines(morning)] if morning.take else []),
    ]


def _rests_on(morning: Morning) -> Iterator[str]:
    for name, words in morning.rests_on.items():
        if name != "Fresh runs":  # the summary says it
            told = words if name in {"The gain", "Luck"} or "BROKEN" in words else f"{name}: {words}"
            yield f"{told.rstrip('.')}."


def _kept_words(change: ReportedKeep) -> str:
    back = ", taken back" if change.taken_back else ""
    commit = change.commits[-1][:7] if change.commits else "-"
    size = f" [{change.size}]" if change.size else ""
    return f"#{change.iteration} {commit}  {change.change}{back}  {_cut(change.description)}{size}"


def _group_lines(groups: Sequence[FailedGroup]) -> Iterator[str]:
    yield "Tried and failed:"
    for group in groups:
        yield f"  {group.name}: {group.count:,}"
        yield from (f"    #{one.iteration} {one.delta}  {_cut(one.description)}" for one in group.tries[:SHOWN_FAILED])
        if group.count > SHOWN_FAILED:
            yield f"    and {group.count - SHOWN_FAILED:,} more"


def _take_lines(morning: Morning) -> list[str]:
    return [f"  {line.command}\n    {line.words}" for line in morning.take]


def _cut(words: str) -> str:
    return words if len(words) <= LONGEST_WORDS else f"{words[: LONGEST_WORDS - 1]}…"


def as_markdown(morning: Morning, most: int, listed: int) -> str:
    """Write the morning view as Markdown, for a pull request or a job's summary: with patches of at most so many characters, the
    combined one first, and so many kept changes, the newest, and failed tries of a group.
    """
    summary, text = morning.summary, in_markdown
    patches = [(f"The whole change, {morning.whole.size}", morning.whole.patch)]
    if len(morning.kept) > 1:
        patches += [(f"Try {one.iteration}: {one.description}", one.patch) for one in morning.kept]
    parts = [
        f"## {text(morning.goal or 'An autoresearch session')}",
        f"**{text(summary.headline)}** ({text(morning.metric)}, {morning.direction} is better)",
        f"{text(morning.state)}. {morning.cost.words}.",
        "\n".join(f"- {name}: {text(words)}" for name, words in morning.rests_on.items()),
        f"### Kept: {summary.keeps:,} of {summary.iterations:,}",
        _kept_table(morning, listed),
        *_folded(patches, most),
        f"### Tried and failed: {sum(group.count for group in morning.failed):,}" if morning.failed else "",
        *(_group_list(group, listed) for group in morning.failed),
        "### Take it" if morning.take else "",
        *(f"{text(line.words)}:\n\n```sh\n{line.command}\n```" for line in morning.take),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _kept_table(morning: Morning, most: int) -> str:
    if not morning.kept:
        return ""
    rows = [
        f"| {one.iteration} | {one.commits[-1][:10] if one.commits else '-'} | {one.change}{', taken back' * one.taken_back} "
        f"| {in_markdown(one.size)} | {in_markdown(_cut(one.description))} |"
        for one in morning.kept[-most:]
    ]
    left = morning.left_out + len(morning.kept) - len(rows)
    more = [f"\n{left:,} earlier ones are left out."] if left else []
    return "\n".join(["| try | commit | its own gain | size | change |", "|---|---|---|---|---|", *rows, *more])


def _group_list(group: FailedGroup, most: int) -> str:
    lines = [f"- {one.iteration} ({one.delta}) {in_markdown(_cut(one.description))}" for one in group.tries[:most]]
    more = [f"- and {group.count - len(lines):,} more"] if group.count > len(lines) else []
    return _details(f"{group.name}: {group.count:,}", "\n".join([*lines, *more]))


def _folded(patches: Sequence[tuple[str, str]], most: int) -> Iterator[str]:
    """Yield patches behind lines to open, while there is room, each in a fence that is longer than any within it."""
    for title, patch in patches:
        if patch and (most := most - len(patch)) >= 0:
            fence = "`" * max(3, 1 + max(map(len, re.findall("`+", patch)), default=0))
            yield _details(title, f"{fence}diff\n{patch.rstrip()}\n{fence}")


def _details(title: str, body: str) -> str:
    return f"<details><summary>{_unlinked(escape(title, quote=False))}</summary>\n\n{body}\n\n</details>"


_SPECIAL = re.compile(r"([\\`*_{}\[\]<>|~])")


def in_markdown(words: str) -> str:
    """Return words as Markdown that shows just them, on one line."""
    return _unlinked(" ".join(_SPECIAL.sub(r"\\\1", words).split()))


def _unlinked(words: str) -> str:
    """Keep a forge from taking words for a mention of somebody or of an issue, which an escape does not."""
    return re.sub(r"([@#])(?=\w)", r"\1<!-- -->", words)


CSV_COLUMNS = (
    "iteration", "commit", "metric", "delta", "gain", "low", "high", "guard", "status", "seconds", "runs", "added", "removed",
    "files", "description", "hypothesis", "learned", "why",
)  # fmt: skip


def as_csv(rows: Iterable[Row]) -> str:
    """Write rows as comma-separated values (RFC 4180), as they were measured; nothing stands where there is no number."""
    lines = (_csv_line(_csv_value(getattr(row, name)) for name in CSV_COLUMNS) for row in rows)
    return "".join([_csv_line(CSV_COLUMNS), *lines])


def _csv_value(value: object) -> str:
    if isinstance(value, float):
        return repr(value)
    return "" if value is None else " ".join(value) if isinstance(value, tuple) else str(value)


def _csv_line(cells: Iterable[str]) -> str:
    return ",".join('"{}"'.format(safe_cell(cell).replace('"', '""')) for cell in cells) + "\r\n"
