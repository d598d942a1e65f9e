"""Who wrote a journal's last records: said by a seal outside of the repository, which whoever can write the journal alone cannot make.

The chain tells that a record was edited, unless whoever did chained all that follow anew. So each writer notes, before it
commits, the record that it found last and the one that will be last: after a kill it is one of the two.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ..storage.sealed import SealedFile

Tip = tuple[int, str]
"""A record's number and its digest; 0 and nothing before the first."""


@dataclass(frozen=True)
class _Sealed:
    """Records from `since` on were seen written; `before` or `after` is the last. From `foreign` on, unless it is 0, somebody else
    wrote some.
    """

    since: int
    before: Tip
    after: Tip
    foreign: int = 0


class JournalSeal:
    """The seal of the journal in a folder of ours. Where it was lost with the power, could not be written, or another home's server
    wrote, it says too much: so it only tells, and refuses nothing.
    """

    def __init__(self, folder: Path) -> None:
        self._file = SealedFile("journals", folder)

    def note(self, before: Tip, after: Tip) -> None:
        """Note that the record after which some are written is `before`, and that the last will be `after`."""
        seen = self._read()
        since, foreign = (seen.since, seen.foreign) if seen else (before[0] + 1, 0)
        if not before[0]:
            since, foreign = 1, 0
        elif seen and before not in (seen.before, seen.after):
            foreign = foreign or min(before[0], seen.after[0] + 1)
        values = [since, list(before), list(after), foreign]
        with suppress(OSError):  # the account's folder may not be written
            self._file.write({"values": values, "seal": self._file.seal(*values)}, durable=False)

    def doubt(self, tip: Callable[[], Tip], digest_of: Callable[[int], str]) -> str:
        """Return what speaks against a journal being what servers of this account wrote; empty where nothing does."""
        for _ in range(_LOOKS):
            seen, last = self._read(), tip()
            if self._read() == seen:
                break
        if seen is None:
            return "no server of this account vouches for its records"
        foreign = seen.foreign or (seen.after[0] + 1 if last not in (seen.before, seen.after) else 0)
        for number, digest in (seen.before, seen.after):
            if 0 < number <= last[0] and digest_of(number) != digest:
                return f"record {number} is not the one that a server of this account wrote"
        if foreign:
            why = "a loss of power, or another home, looks the same"
            return f"from record {foreign} on not all are by a server of this account ({why})"
        return f"servers of this account vouch for its records from {seen.since} on alone" if seen.since > 1 else ""

    def _read(self) -> _Sealed | None:
        match self._file.read():
            case {
                "values": [int(since), [int(), str()] as before, [int(), str()] as after, int(foreign)] as values,
                "seal": str(seal),
            } if self._file.holds(seal, *values):
                return _Sealed(since, tuple(before), tuple(after), foreign)
        return None


_LOOKS = 5
"""A server may write while another process reads the journal and its seal."""
