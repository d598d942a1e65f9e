"""What learning a code base is asked to do, and what an agent may tell about documents."""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar, Literal

from pydantic import Field

from ..ledger.items import Cited, Item, Severity, Text, Words
from ..ledger.options import Options


class LearnMode(StrEnum):
    """What is to be done with the documents."""

    AUTO = "auto"
    INIT = "init"
    UPDATE = "update"
    CHECK = "check"
    SUMMARIZE = "summarize"
    WIKI = "wiki"


class LearnOptions(Options):
    """Which documents, and what is to be done with them."""

    mode: LearnMode = Field(
        LearnMode.AUTO,
        description="init writes them, update brings them up to date, check only looks, wiki writes one page a module.",
    )
    file: str = Field("", max_length=300, description="One document alone, by its path or the name of its kind.")
    modules: Words = Field(
        (), description="For wiki: the folders that get a page. Empty: found by the server, at most ten."
    )
    topics: Words = Field((), description="For wiki: further pages.")


class Why(StrEnum):
    """Why something that looks like a claim about this code is none."""

    EXAMPLE = "example"
    OTHER_PROJECT = "other-project"
    MADE_LATER = "made-later"
    NOT_A_NAME = "not-a-name"


class Mismatch(Cited):
    """Words of a document that the code contradicts, where only a reader can tell. `location` and `quote` are the code's."""

    prefix: ClassVar[str] = "M"

    kind: Literal["mismatch"] = "mismatch"
    document: Text = Field(description="The document's path.")
    says: Text = Field(description="Its wrong words, as they stand there. The mismatch is mended when they are gone.")
    should_say: Text = Field(description="What is so, by the code quoted.")
    severity: Severity = Severity.MEDIUM

    @property
    def place(self) -> str:
        return ""

    @property
    def subject(self) -> str:
        return f"{self.document}: {self.says}"


class DocumentReview(Cited):
    """A document that is still right though a file that it describes has changed. `location` and `quote` are the change's."""

    prefix: ClassVar[str] = "R"

    kind: Literal["review"] = "review"
    document: Text = Field(description="The stale document's path.")
    still_right: Text = Field(description="Why the change leaves what it says true.")

    @property
    def place(self) -> str:
        return ""

    @property
    def title(self) -> str:
        return f"{self.document} is still right"


class Exempt(Item):
    """Something that the server took for a claim about this code, and that is none. Counts as not held; people see it."""

    prefix: ClassVar[str] = "X"

    kind: Literal["exempt"] = "exempt"
    document: Text = Field(description="The document's path.")
    text: Text = Field(description="The claim, as the problem shows it.")
    because: Why
    explained: Text = Field(description="One sentence for a person who doubts it.")

    @property
    def title(self) -> str:
        return f"`{self.text}` in {self.document}: {self.because}"


class Skip(Item):
    """A document that is due by a signal and not wanted here. Core documents cannot be skipped."""

    prefix: ClassVar[str] = "S"

    kind: Literal["skip"] = "skip"
    document: Text = Field(description="Its path, as the list of due documents shows it.")
    because: Text

    @property
    def place(self) -> str:
        return self.document

    @property
    def title(self) -> str:
        return f"{self.document} is not wanted"
