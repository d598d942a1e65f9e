"""What fixing takes: its options, the errors that the server finds, and what an agent says of them."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from ...diagnostics.diagnostic import Diagnostic, Trouble
from ..ledger.items import Item, Options, Severity, Text, Words


class FixOptions(Options):
    """What to mend."""

    category: Words = Field((), description="Only these, of build, test, type, lint, warning, bug. Empty: all.")
    target: int = Field(0, ge=0, description="How many errors may be left.")
    skip_lint: bool = Field(False, description="Leave linters out.")
    guard: str = Field("", max_length=1000, description="A command more that has to exit 0 for a change to be kept.")


class Broken(Item):
    """One error of the queue, as its tool told it; only the server records it. `check` is a bug's own command."""

    prefix: ClassVar[str] = "F"

    kind: Literal["error"] = "error"
    found: Diagnostic
    check: str = ""

    @property
    def title(self) -> str:
        return self.found.line_of_text

    @property
    def severity(self) -> Severity:
        """How bad, as later workflows ask."""
        return _SEVERITIES.get(self.found.trouble) or Severity(self.found.severity or Severity.MEDIUM)


class SetAside(Item):
    """An error that you cannot mend here. It stays counted; a person decides."""

    prefix: ClassVar[str] = "A"
    place_format: ClassVar[str] = "{item}"
    title_format: ClassVar[str] = "{item} set aside: {reason}"

    kind: Literal["set-aside"] = "set-aside"
    item: str = Field(pattern=r"^F\d+$", description="The error, e.g. F3.")
    reason: Text = Field(description="What would be needed, and why it is not yours to do.")


class Witness(Item):
    """A second witness that errors of one cause are mended: a new test that failed at the opening and passes now, which the
    server runs. `seen` is what it saw, `blob` the test's content.
    """

    prefix: ClassVar[str] = "W"
    filled: ClassVar[frozenset[str]] = frozenset({"seen", "blob"})
    place_format: ClassVar[str] = "{test}"
    title_format: ClassVar[str] = "Second witness {test}. {seen}"

    kind: Literal["witness"] = "witness"
    items: Words = Field(min_length=1, description="The mended errors of one cause that it tries, e.g. F3, F4.")
    test: str = Field(max_length=400, description="A new test file, committed, that tries it with another input.")
    seen: str = ""
    blob: str = ""


_SEVERITIES = {
    Trouble.BUILD: Severity.CRITICAL,
    Trouble.CRASH: Severity.CRITICAL,
    Trouble.TYPES: Severity.MEDIUM,
    Trouble.TEST: Severity.HIGH,
    Trouble.LINT: Severity.LOW,
    Trouble.WARNING: Severity.LOW,
}
