"""The answers of the review verbs."""

from __future__ import annotations

from pydantic import Field, PrivateAttr

from ..decision.measured import GuardResult, Receipt, TrainingTold
from ..lab.answers import Answer
from ..report.words import delta_words
from ..session.events import Row
from ..session.results import COLUMNS, metric_of
from ..session.summary import Advice


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

    looks_on = True

    metric: str = Field("", description="What the numbers of the rows are, with their unit, and which is better.")
    rows: list[Row] = []
    taken_back: list[int] = Field([], description="Those of the rows whose change a later one took out again.")
    total: int = 0
    iteration: int | None = None
    open_iteration: str = Field("", description="The undecided iteration and what it waits for; it has no row yet.")
    diff: str = ""
    samples: list[float] = []
    receipts: list[Receipt] = []
    again: float | None = Field(None, description="What one more run gave, if it was asked for.")
    output: str = ""
    training: TrainingTold | None = Field(None, description="What the GPT harness reported; decides nothing.")
    guards: list[GuardResult] = []
    more: str = ""

    def lines(self) -> list[str]:
        head = "\t".join(COLUMNS).replace("metric", self.metric)
        rows = [
            f"{r.iteration}\t{r.commit[:7] or '-'}\t{metric_of(r)}\t{delta_words(r)}\t{r.guard}\t{r.status}"
            + f"{', taken back' * (r.iteration in self.taken_back)}\t{r.description}"
            + (f" (learned: {r.learned})" if r.learned else "")
            for r in self.rows
        ]
        parts = [f"Why: {self.rows[0].why}"] if self.iteration is not None and self.rows else []
        diff = [f"Diff:\n{self.diff}"] if self.diff else []
        output = [f"Output:\n{self.output}"] if self.output else []
        parts += self.training.lines() if self.training else []
        after = [part for part in (self.open_iteration, self.more) if part]
        return [*[head] * bool(rows), *rows, *parts, *diff, *output, *after]


class Reported(Answer):
    """The session as a text to read; for a picture or a page, in short, and where that was written."""

    report: str = ""
    file: str = Field("", description="The picture or page that was written, from the repository's root.")
    _png: bytes = PrivateAttr(b"")

    def lines(self) -> list[str]:
        return [self.report, *([f"Written to {self.file}."] if self.file else [])]

    def with_picture(self, png: bytes) -> Reported:
        """Return the same answer, with a picture beside it."""
        shown = self.model_copy()
        shown._png = png
        return shown

    def pictures(self) -> list[bytes]:
        return [self._png] if self._png else []
