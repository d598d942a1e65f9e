"""The kinds of things that are shipped, how to tell which one a repository has, and what has to hold before each goes out."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum


class ShipType(StrEnum):
    """What is shipped."""

    CODE_PR = "code-pr"
    CODE_RELEASE = "code-release"
    DEPLOYMENT = "deployment"
    CONTENT = "content"


CODE = frozenset({ShipType.CODE_PR, ShipType.CODE_RELEASE, ShipType.DEPLOYMENT})
"""Those whose commands are run."""


@dataclass(frozen=True)
class ShipTypeFound:
    """A type, and what told it."""

    type: ShipType
    why: str


_WORDS = {
    ShipType.CODE_RELEASE: r"releas(?:e|es|ed|ing)|new version|version bump|publish(?:ed|ing)? (?:the |a )?(?:package|crate|gem|wheel|library)|tag(?:ged|ging)?",
    ShipType.DEPLOYMENT: r"deploy(?:s|ed|ing|ment)?|production|staging|roll[- ]?out|kubernetes|terraform|go live",
    ShipType.CODE_PR: r"pull requests?|merge requests?|PRs?|merge|code review",
    ShipType.CONTENT: r"blog(?: posts?)?|articles?|posts?|docs|documentation|content|tutorials?|guides?"
    r"|papers?|preprints?|newsletters?|mailings?|campaigns?|landing pages?|proposals?|mock-?ups?",
}

_PROSE = re.compile(
    r"\.(?:md|mdx|markdown|rst|adoc|txt|html?|mjml|eml|tex|bib|Rmd|qmd)$|(?:^|/)(?:content|posts|_posts|blog|articles)/",
    re.IGNORECASE,
)
_PICTURES = re.compile(r"\.(?:png|jpe?g|gif|webp|avif|ico|pdf|css|scss|woff2?)$", re.IGNORECASE)
_CODE = re.compile(
    r"\.(?:py|pyi|ipynb|js|jsx|mjs|cjs|ts|tsx|vue|svelte|go|rs|java|kt|cs|fs|c|h|cc|cpp|hpp|rb|php|swift|scala|ex|exs|sh|sql|lua"
    r"|dart|zig|hs|clj|pl|r|jl)$",
    re.IGNORECASE,
)
_SETTINGS = re.compile(
    r"\.(?:toml|lock|json|ya?ml|cfg|ini|gradle|xml)$|(?:^|/)(?:Makefile|Gemfile|Rakefile|conf\.py|make\.bat|LICENSE|\.git\w+)$",
    re.IGNORECASE,
)


def detected(goal: str, changed: Sequence[str], files: Sequence[str], version_moved: bool) -> ShipTypeFound:
    """Return what is shipped: told by the words of the goal, else by what changed since the base, else by what is there.

    `changed` are the paths that differ from the base, `files` all tracked ones, `version_moved` whether a manifest says
    another version than at the base.
    """
    if (found := _by_goal(goal)) is not None:
        return found
    if version_moved:
        return ShipTypeFound(ShipType.CODE_RELEASE, "a manifest says another version than at the base")
    looked, which = (changed, "what changed") if changed else (files, "what is here")
    # Settings are code where they changed, and no sign of it where they are only there: a blog has them too.
    told = [path for path in looked if not (_PICTURES.search(path) or (not changed and _SETTINGS.search(path)))]
    if told and all(map(is_prose, told)):
        return ShipTypeFound(ShipType.CONTENT, f"{which} is prose")
    return ShipTypeFound(ShipType.CODE_PR, f"{which} is code")


def is_prose(path: str) -> bool:
    """Tell whether a file looks like one of what content is made of."""
    return bool(_PROSE.search(path))


def _by_goal(goal: str) -> ShipTypeFound | None:
    named = ((type, type.value) for type in ShipType if "-" in type)
    for type, words in (*named, *_WORDS.items()):
        if found := re.search(rf"(?<![\w-])(?:{words})(?![\w-])", goal, re.IGNORECASE):
            return ShipTypeFound(type, f"the goal says `{found[0]}`")
    return None


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
    """One line of a checklist: what the server looks at or runs."""

    name: str
    title: str
    weight: Weight
    cure: str


_B, _Q, _R = Weight.BLOCKER, Weight.REQUIRED, Weight.RECOMMENDED


_ALWAYS = (
    ChecklistEntry("clean", "Everything is committed", _B, "Commit what belongs to it; put the rest away. Then run the checklist again."),
    ChecklistEntry("conflicts", "No marks of a merge are left", _B, "Resolve the merge at these places."),
    ChecklistEntry("secrets", "No secret is in it", _B, "Take it out, and change the secret: what was committed is known."),
    ChecklistEntry("regression", "No regression was found", _B, "Mend what the regression ledger lists, and run it again."),
    ChecklistEntry("upstream", "Nothing serious is left over from the workflow before", _B, "Fix it or disprove it there; what an experiment disproved does not count."),
)  # fmt: skip
_COMMANDS = (
    ChecklistEntry("tests", "The tests pass", _B, "Mend what fails. A test that is skipped or deleted is not mended."),
    ChecklistEntry("same-tests", "Tests ask for what they asked for at the base", _Q, "Put the tests back; what has to change a person lets be with `force`."),
    ChecklistEntry("build", "It builds", _B, "Mend the build."),
    ChecklistEntry("types", "The types hold", _Q, "Mend the types."),
    ChecklistEntry("lint", "The linter has nothing to say", _Q, "Mend what it says."),
)  # fmt: skip
_SOURCE = (
    ChecklistEntry("merges", "It merges with its base", _B, "Merge the base into the branch and resolve the conflicts."),
    ChecklistEntry("debugging", "No debugging aid was added", _R, "Take it out."),
    ChecklistEntry("leftovers", "No TODO or FIXME was added", _R, "Do it, or write it down where such work is planned."),
)  # fmt: skip
_LINKS = ChecklistEntry("links", "Links lead somewhere", _Q, "Correct them, or add what they lead to.")
_LISTS: dict[ShipType, tuple[ChecklistEntry, ...]] = {
    ShipType.CODE_PR: (
        *_ALWAYS, *_COMMANDS, *_SOURCE,
        ChecklistEntry("size", "It can be reviewed: fewer than 400 lines", _R, "Split it. From 800 lines on nobody reads it."),
    ),
    ShipType.CODE_RELEASE: (
        *_ALWAYS, *_COMMANDS, *_SOURCE,
        ChecklistEntry("version", "All manifests say the same, new version", _B, "Write the same version into each, newer than the last tag."),
        ChecklistEntry("changelog", "The changelog tells what this version brings", _Q, "Add a heading with the version and what changed below it to CHANGELOG.md, or to the list of versions that is there."),
        ChecklistEntry("tag", "The tag is free, or stands at this commit", _B, "Choose the next version: a tag that was published is never moved."),
        replace(_LINKS, weight=_R),
    ),
    ShipType.DEPLOYMENT: (
        *_ALWAYS, *_COMMANDS, *_SOURCE,
        ChecklistEntry("health", "The health command answers", _Q, "Open with `health`, a command that fails while the service is ill."),
    ),
    ShipType.CONTENT: (
        *_ALWAYS,
        ChecklistEntry("placeholders", "No text stands in for text", _B, "Write what belongs there."),
        _LINKS,
    ),
}  # fmt: skip


def checklist(type: ShipType, changed: Sequence[str] = ()) -> tuple[ChecklistEntry, ...]:
    """Return the checks of a type, blockers first. Code among what `changed` is looked at as code, whatever the type."""
    code = type not in CODE and any(_CODE.search(path) and not is_prose(path) for path in changed)
    return tuple(
        sorted((*_LISTS[type], *((*_COMMANDS, *_SOURCE) if code else ())), key=lambda check: check.weight.rank)
    )
