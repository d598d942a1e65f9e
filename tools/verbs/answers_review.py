"""What the tools that only read answer."""

from __future__ import annotations

from pydantic import Field, PrivateAttr

from ..lab.answers import Answer
from ..session.events import GuardResult, Receipt, Row
from ..session.results import number
from ..session.stuck import Advice


class StuckReport(Answer):
    """Whether the session is stuck, and material for the next idea."""

    stuck: bool = False
    plateau: bool = False
    streak: int = 0
    since_best: int = 0
    material: Advice | None = None

    def lines(self) -> list[str]:
        state = "stuck" if self.stuck else "on a plateau" if self.plateau else "not stuck"
        head = f"{state}: {self.streak} iterations without a keep, {self.since_best} measured without a new best."
        return [head, *(self.material.lines() if self.material else [])]


class HistoryPage(Answer):
    """Rows, or one iteration in full."""

    rows: list[Row] = []
    total: int = 0
    iteration: int | None = None
    diff: str = ""
    samples: list[float] = []
    receipts: list[Receipt] = []
    again: float | None = Field(None, description="What one more run gave, if it was asked for.")
    output: str = ""
    guards: list[GuardResult] = []
    more: str = ""

    def lines(self) -> list[str]:
        rows = [
            f"{r.iteration}\t{r.commit[:7] or '-'}\t{number(r.metric)}\t{r.guard}\t{r.status}\t{r.description}"
            + (f" (learned: {r.learned})" if r.learned else "")
            for r in self.rows
        ]
        parts = [f"Why: {self.rows[0].why}"] if self.iteration is not None and self.rows else []
        diff = [f"Diff:\n{self.diff}"] if self.diff else []
        output = [f"Output:\n{self.output}"] if self.output else []
        return [*rows, *parts, *diff, *output, *([self.more] if self.more else [])]


class Reported(Answer):
    """The session as a text to read; for a picture or a page, in short, and where that was written."""

    report: str = ""
    file: str = Field("", description="The picture or page that was written, from the repository's root.")
    _png: bytes = PrivateAttr(b"")

    def lines(self) -> list[str]:
        return [self.report, *([f"Written to {self.file}."] if self.file else [])]

    def with_picture(self, png: bytes) -> Reported:
        """The same answer, with a picture beside it."""
        shown = self.model_copy()
        shown._png = png
        return shown

    def pictures(self) -> list[bytes]:
        return [self._png] if self._png else []


class PlaybookText(Answer):
    """A prompt's text."""

    name: str = ""
    playbook: str = ""

    def lines(self) -> list[str]:
        return [self.playbook]
