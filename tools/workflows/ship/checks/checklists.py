"""The kinds of things that are shipped, how to tell which one a repository has, and what has to hold before each goes out."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Self


class ShipType(StrEnum):
    """What is shipped."""

    CODE_PR = "code-pr"
    CODE_RELEASE = "code-release"
    DEPLOYMENT = "deployment"
    CONTENT = "content"


class ShipWord(StrEnum):
    """Another word for a type, which looks at the same."""

    means: ShipType

    def __new__(cls, word: str, means: ShipType) -> Self:
        made = str.__new__(cls, word)
        made._value_, made.means = word, means
        return made

    MARKETING_EMAIL = "marketing-email", ShipType.CONTENT
    MARKETING_CAMPAIGN = "marketing-campaign", ShipType.CONTENT
    SALES = "sales", ShipType.CONTENT
    RESEARCH = "research", ShipType.CONTENT
    DESIGN = "design", ShipType.CONTENT
    DOCS = "docs", ShipType.CONTENT
    PACKAGE = "package", ShipType.CODE_RELEASE
    CONFIG = "config", ShipType.DEPLOYMENT


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

_DEPLOYMENT = re.compile(
    r"(?:^|/)(?:Dockerfile(?:\.[\w-]+)?|docker-compose[\w.-]*\.ya?ml|compose\.ya?ml|Procfile|fly\.toml|vercel\.json|netlify\.toml"
    r"|render\.yaml|app\.ya?ml|serverless\.ya?ml|Chart\.yaml|kustomization\.ya?ml|skaffold\.yaml|Jenkinsfile)$"
    r"|\.(?:tf|tfvars|hcl)$|(?:^|/)(?:k8s|kubernetes|helm|charts|terraform|infra(?:structure)?|deploy(?:ment)?s?|ansible)/"
    r"|\.github/workflows/(?:deploy|release|cd)[\w-]*\.ya?ml$",
    re.IGNORECASE,
)
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
    r"\.(?:toml|lock|json|ya?ml|cfg|ini|gradle|xml)$|(?:^|/)(?:Makefile|Gemfile|Rakefile|conf\.py|make\.bat)$",
    re.IGNORECASE,
)

_BY_FILES: tuple[tuple[ShipType, str, Callable[[str], object]], ...] = (
    (ShipType.DEPLOYMENT, "how it is deployed", _DEPLOYMENT.search),
    (ShipType.CONTENT, "prose", _PROSE.search),
)


def detected(goal: str, changed: Sequence[str], files: Sequence[str], version_moved: bool) -> ShipTypeFound:
    """Return what is shipped: told by the words of the goal, else by what changed since the base, else by what is
    there.

    `changed` are the paths that differ from the base, `files` all tracked ones, `version_moved` whether a manifest says
    another version than at the base. One rule after the other; the first that fits tells.
    """
    if (found := _by_goal(goal)) is not None:
        return found
    if version_moved:
        return ShipTypeFound(ShipType.CODE_RELEASE, "a manifest says another version than at the base")
    looked, which = (changed, "what changed") if changed else (files, "what is here")
    code = [path for path in looked if _is_code(path, changed=bool(changed))]
    for type, what, is_so in _BY_FILES:
        if _mostly(looked, code, is_so):
            return ShipTypeFound(type, f"{which} is {what}")
    return ShipTypeFound(ShipType.CODE_PR, f"{which} is code")


def _is_code(path: str, *, changed: bool) -> bool:
    return changed if _SETTINGS.search(path) else bool(_CODE.search(path))


def belongs(type: ShipType, path: str) -> bool:
    """Return whether a file looks like one of what a type ships."""
    return next((bool(is_so(path)) for one, _, is_so in _BY_FILES if one is type), False)


def _by_goal(goal: str) -> ShipTypeFound | None:
    named = ((type, type.value) for type in ShipType if "-" in type)
    others = ((word.means, word.value) for word in ShipWord if "-" in word)
    for type, words in (*named, *others, *_WORDS.items()):
        if found := re.search(rf"(?<![\w-])(?:{words})(?![\w-])", goal, re.IGNORECASE):
            return ShipTypeFound(type, f"the goal says `{found[0]}`")
    return None


def _mostly(paths: Sequence[str], code: Sequence[str], is_so: Callable[[str], object]) -> bool:
    """Return whether a rule fits at least half of the paths, and all that is code: pictures, style sheets and a readme
    go with anything. Settings are code where they changed, and no sign of it where they are only there: a blog has them
    too.
    """
    fitting = [path for path in paths if is_so(path)]
    return bool(fitting) and all(map(is_so, code)) and 2 * len(fitting) >= len(_counted(paths))


def _counted(paths: Sequence[str]) -> list[str]:
    return [
        path
        for path in paths
        if not (_PICTURES.search(path) or _SETTINGS.search(path))
        and path.rpartition("/")[2].lower() not in _GOES_WITH_ANYTHING
    ]


_GOES_WITH_ANYTHING = frozenset(
    {"readme.md", "license", "license.md", ".gitignore", ".gitattributes", "changelog.md", "contributing.md"}
)


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
    ChecklistEntry("regression", "No regression was found at this commit", _B, "Mend what the regression ledger lists, and run it again."),
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
        ChecklistEntry("changelog", "The changelog tells what this version brings", _Q, "Add a heading with the version, and what changed."),
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
        ChecklistEntry("images", "Pictures have a text", _Q, 'Say in a few words what they show; in HTML `alt=""` for decoration.'),
        ChecklistEntry("lengths", "Titles and subjects have at most 60 characters, descriptions 160", _R, "Shorten them: what is longer is cut off where it is shown."),
        ChecklistEntry("citations", "Every citation is in the bibliography", _Q, "Add the missing entries, or correct the keys."),
    ),
}  # fmt: skip


def checklist(type: ShipType, changed: Sequence[str] = ()) -> tuple[ChecklistEntry, ...]:
    """Return the checks of a type, blockers first. Code among what `changed` is looked at as code, whatever the type."""
    code = type not in CODE and any(_CODE.search(path) and not belongs(type, path) for path in changed)
    return tuple(
        sorted((*_LISTS[type], *((*_COMMANDS, *_SOURCE) if code else ())), key=lambda check: check.weight.rank)
    )
