"""What has to hold before each of the nine types is shipped. A check is the server's to make, or a person's or agent's to judge."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from .kinds import ShipType


class Weight(StrEnum):
    """What a check that does not hold means, the worst first."""

    BLOCKER = "blocker"
    REQUIRED = "required"
    RECOMMENDED = "recommended"

    @property
    def rank(self) -> int:
        """0 for the worst."""
        return list(Weight).index(self)


@dataclass(frozen=True)
class ChecklistEntry:
    """One line of a checklist. `judged` tells that no machine can make it: it is recorded with what was seen."""

    name: str
    title: str
    weight: Weight
    cure: str
    judged: bool = False


_B, _Q, _R = Weight.BLOCKER, Weight.REQUIRED, Weight.RECOMMENDED


def _judged(name: str, title: str, weight: Weight) -> ChecklistEntry:
    return ChecklistEntry(name, title, weight, f"Look, and record a check `{name}` with what you saw.", judged=True)


_ALWAYS = (
    ChecklistEntry(
        "clean",
        "Everything is committed",
        _B,
        "Commit what belongs to it; put the rest away. Then run the checklist again.",
    ),
    ChecklistEntry("conflicts", "No marks of a merge are left", _B, "Resolve the merge at these places."),
    ChecklistEntry(
        "secrets", "No secret is in it", _B, "Take it out, and change the secret: what was committed is known."
    ),
    ChecklistEntry(
        "regression",
        "No regression was found at this commit",
        _B,
        "Mend what the regression ledger lists, and run it again.",
    ),
    ChecklistEntry(
        "upstream",
        "Nothing serious is left over from the workflow before",
        _B,
        "Fix it or disprove it there; what an experiment disproved does not count.",
    ),
)
_COMMANDS = (
    ChecklistEntry("tests", "The tests pass", _B, "Mend what fails. A test that is skipped or deleted is not mended."),
    ChecklistEntry("build", "It builds", _B, "Mend the build."),
    ChecklistEntry("types", "The types hold", _Q, "Mend the types."),
    ChecklistEntry("lint", "The linter has nothing to say", _Q, "Mend what it says."),
)
_SOURCE = (
    ChecklistEntry(
        "merges", "It merges with its base", _B, "Merge the base into the branch and resolve the conflicts."
    ),
    ChecklistEntry("debugging", "No debugging aid was added", _R, "Take it out."),
    ChecklistEntry(
        "leftovers", "No TODO or FIXME was added", _R, "Do it, or write it down where such work is planned."
    ),
)
_TEXTS = {
    "placeholders": ChecklistEntry("placeholders", "No text stands in for text", _B, "Write what belongs there."),
    "links": ChecklistEntry("links", "Links lead somewhere", _Q, "Correct them, or add what they lead to."),
    "images": ChecklistEntry(
        "images", "Pictures have a text", _Q, 'Say in a few words what they show; in HTML `alt=""` for decoration.'
    ),
    "description": ChecklistEntry(
        "description", "Descriptions have 1 to 160 characters", _R, "Write one that is not cut off."
    ),
    "titles": ChecklistEntry("titles", "Titles have 1 to 60 characters", _R, "Shorten them."),
    "contrast": ChecklistEntry(
        "contrast", "Text stands out from its background (4.5:1)", _R, "Make one of the two colours darker or lighter."
    ),
}


def _text(name: str, weight: Weight | None = None) -> ChecklistEntry:
    return replace(_TEXTS[name], weight=weight or _TEXTS[name].weight)


def _texts(*names: str) -> tuple[ChecklistEntry, ...]:
    return tuple(_text(name) for name in names)


_LISTS: dict[ShipType, tuple[ChecklistEntry, ...]] = {
    ShipType.CODE_PR: (
        *_ALWAYS, *_COMMANDS, *_SOURCE,
        ChecklistEntry("size", "It can be reviewed: fewer than 400 lines", _R, "Split it. From 800 lines on nobody reads it."),
        _judged("described", "It is said what changed, why, and how it was tried", _Q),
        _judged("reviewed", "Somebody who did not write it has read it", _R),
    ),
    ShipType.CODE_RELEASE: (
        *_ALWAYS, *_COMMANDS, *_SOURCE,
        ChecklistEntry("version", "All manifests say the same, new version", _B, "Write the same version into each, newer than the last tag."),
        ChecklistEntry("changelog", "The changelog tells what this version brings", _Q, "Add a heading with the version, and what changed."),
        ChecklistEntry("tag", "The tag is free, or stands at this commit", _B, "Choose the next version: a tag that was published is never moved."),
        _text("links", _R),
        _judged("upgrade", "Whoever upgrades is told what breaks and what to do", _Q),
    ),
    ShipType.DEPLOYMENT: (
        *_ALWAYS, *_COMMANDS, *_SOURCE,
        ChecklistEntry("health", "The health command answers", _Q, "Open with `health`, a command that fails while the service is ill."),
        _judged("settings", "Settings and secrets are there where it will run", _Q),
        _judged("migrations", "Changes of data were tried on a copy, and can be undone", _Q),
        _judged("watched", "Somebody is there while and after it goes out", _R),
    ),
    ShipType.CONTENT: (
        *_ALWAYS, *_texts("placeholders", "links", "images", "description", "titles", "contrast"),
        _judged("facts", "Names, numbers and claims were compared with their sources", _Q),
        _judged("proofread", "It was read from beginning to end by somebody else", _R),
    ),
    ShipType.MARKETING_EMAIL: (
        *_ALWAYS, *_texts("placeholders", "links", "images"),
        ChecklistEntry("subject", "Subject lines have 1 to 60 characters", _Q, "Shorten them; say the main thing first."),
        ChecklistEntry("preview", "The preview text has 1 to 150 characters", _R, "Write one: it is read beside the subject."),
        ChecklistEntry("unsubscribe", "Readers are told how to get no more", _B, "Add a way to unsubscribe."),
        ChecklistEntry("plain-text", "Each has a twin in plain text", _R, "Add one beside it, with the same name and `.txt`."),
        _text("contrast", _Q),
        _judged("recipients", "The list is the right one, and everybody on it agreed to get mail", _B),
        _judged("test-mail", "It was sent to oneself and read in two mail programs", _Q),
    ),
    ShipType.MARKETING_CAMPAIGN: (
        *_ALWAYS, *_texts("placeholders", "links", "images", "description", "titles", "contrast"),
        _judged("budget", "Budget, audience, first and last day are set and agreed", _B),
        _judged("claims", "Every claim can be proven, and may be made where it is shown", _Q),
        _judged("tracking", "What counts as success is measured, with people's consent", _R),
    ),
    ShipType.SALES: (
        *_ALWAYS, *_texts("placeholders", "links"), _text("images", _R),
        _judged("terms", "The customer's name, prices, dates and terms are right", _B),
        _judged("confidential", "Nothing in it belongs to another customer or should stay inside", _B),
        _judged("next-step", "The reader knows what to do next", _R),
    ),
    ShipType.RESEARCH: (
        *_ALWAYS, *_texts("placeholders", "links", "images"),
        ChecklistEntry("citations", "Every citation is in the bibliography", _Q, "Add the missing entries, or correct the keys."),
        ChecklistEntry("limits", "It says where its results end", _R, "Add a part on limitations."),
        _judged("numbers", "Every number comes from a run that can be repeated", _B),
        _judged("data", "Data and code can be had, or it says why not", _Q),
    ),
    ShipType.DESIGN: (
        *_ALWAYS, _text("placeholders", _Q), *_texts("links", "images"), _text("contrast", _Q),
        ChecklistEntry("weight", "Pictures have at most 500 kB", _R, "Make them smaller."),
        _judged("states", "Hover, focus, errors, nothing to show and small screens were looked at", _Q),
        _judged("keyboard", "It can be used without a mouse", _Q),
    ),
}  # fmt: skip


def checklist(type: ShipType) -> tuple[ChecklistEntry, ...]:
    """The checks of a type, blockers first."""
    return tuple(sorted(_LISTS[type], key=lambda check: check.weight.rank))
