"""The nine kinds of things that are shipped, how to tell which one a repository has, and what has to hold before each goes out."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum


class ShipType(StrEnum):
    """What is shipped."""

    CODE_PR = "code-pr"
    CODE_RELEASE = "code-release"
    DEPLOYMENT = "deployment"
    CONTENT = "content"
    MARKETING_EMAIL = "marketing-email"
    MARKETING_CAMPAIGN = "marketing-campaign"
    SALES = "sales"
    RESEARCH = "research"
    DESIGN = "design"


CODE = frozenset({ShipType.CODE_PR, ShipType.CODE_RELEASE, ShipType.DEPLOYMENT})
"""Those whose commands are run."""
IRREVERSIBLE = frozenset({ShipType.MARKETING_EMAIL})
"""Those that nobody can take back."""


@dataclass(frozen=True)
class ShipTypeFound:
    """A type, and what told it."""

    type: ShipType
    why: str


_WORDS = {
    ShipType.CODE_RELEASE: r"releas(?:e|es|ed|ing)|new version|version bump|publish(?:ed|ing)? (?:the |a )?(?:package|crate|gem|wheel|library)|tag(?:ged|ging)?",
    ShipType.DEPLOYMENT: r"deploy(?:s|ed|ing|ment)?|production|staging|roll[- ]?out|kubernetes|terraform|go live",
    ShipType.CODE_PR: r"pull requests?|merge requests?|PRs?|merge|code review",
    ShipType.MARKETING_EMAIL: r"newsletters?|e-?mails?|mailing|subject lines?",
    ShipType.MARKETING_CAMPAIGN: r"campaigns?|ads?|adverts?|landing pages?",
    ShipType.SALES: r"proposals?|sales|pitch(?: deck)?|quotes?|prospects?|tenders?|one[- ]pagers?",
    ShipType.RESEARCH: r"papers?|preprints?|thesis|manuscripts?|research|stud(?:y|ies)",
    ShipType.DESIGN: r"designs?|mock-?ups?|wireframes?|figma|style guide|design system|icons?",
    ShipType.CONTENT: r"blog(?: posts?)?|articles?|posts?|docs|documentation|content|tutorials?|guides?",
}

_MAIL = re.compile(r"\.(?:eml|mjml)$|(?:^|/)(?:e-?mails?|newsletters?|mailings?)/.*\.(?:html?|md|txt)$", re.IGNORECASE)
_CAMPAIGN = re.compile(r"(?:^|/)(?:campaigns?|ads|landing(?:[-_]pages?)?|marketing)/", re.IGNORECASE)
_SALES = re.compile(r"(?:^|/)(?:sales|proposals?|pitch(?:es)?|quotes?|tenders?|battlecards?)/", re.IGNORECASE)
_RESEARCH = re.compile(
    r"\.(?:tex|bib|cls|bst|Rmd|qmd)$|(?:^|/)(?:papers?|manuscripts?|preprints?|thesis)/", re.IGNORECASE
)
_DESIGN = re.compile(
    r"\.(?:fig|sketch|xd|psd|ai|svg)$|(?:^|/)(?:design(?:s|[-_](?:system|tokens))?|mockups?|wireframes?|tokens)/",
    re.IGNORECASE,
)
_DEPLOYMENT = re.compile(
    r"(?:^|/)(?:Dockerfile(?:\.[\w-]+)?|docker-compose[\w.-]*\.ya?ml|compose\.ya?ml|Procfile|fly\.toml|vercel\.json|netlify\.toml"
    r"|render\.yaml|app\.ya?ml|serverless\.ya?ml|Chart\.yaml|kustomization\.ya?ml|skaffold\.yaml|Jenkinsfile)$"
    r"|\.(?:tf|tfvars|hcl)$|(?:^|/)(?:k8s|kubernetes|helm|charts|terraform|infra(?:structure)?|deploy(?:ment)?s?|ansible)/"
    r"|\.github/workflows/(?:deploy|release|cd)[\w-]*\.ya?ml$",
    re.IGNORECASE,
)
_PROSE = re.compile(
    r"\.(?:md|mdx|markdown|rst|adoc|txt|html?)$|(?:^|/)(?:content|posts|_posts|blog|articles)/", re.IGNORECASE
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
    (ShipType.MARKETING_EMAIL, "mails", _MAIL.search),
    (ShipType.MARKETING_CAMPAIGN, "a campaign", _CAMPAIGN.search),
    (ShipType.SALES, "sales documents", _SALES.search),
    (ShipType.RESEARCH, "a paper", _RESEARCH.search),
    (ShipType.DESIGN, "designs", _DESIGN.search),
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
    for type, words in (*((type, type.value) for type in ShipType if "-" in type), *_WORDS.items()):
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
    ChecklistEntry("clean", "Everything is committed", _B, "Commit what belongs to it; put the rest away. Then run the checklist again."),
    ChecklistEntry("conflicts", "No marks of a merge are left", _B, "Resolve the merge at these places."),
    ChecklistEntry("secrets", "No secret is in it", _B, "Take it out, and change the secret: what was committed is known."),
    ChecklistEntry("regression", "No regression was found at this commit", _B, "Mend what the regression ledger lists, and run it again."),
    ChecklistEntry("upstream", "Nothing serious is left over from the workflow before", _B, "Fix it or disprove it there; what an experiment disproved does not count."),
)  # fmt: skip
_COMMANDS = (
    ChecklistEntry("tests", "The tests pass", _B, "Mend what fails. A test that is skipped or deleted is not mended."),
    ChecklistEntry("build", "It builds", _B, "Mend the build."),
    ChecklistEntry("types", "The types hold", _Q, "Mend the types."),
    ChecklistEntry("lint", "The linter has nothing to say", _Q, "Mend what it says."),
)  # fmt: skip
_SOURCE = (
    ChecklistEntry("merges", "It merges with its base", _B, "Merge the base into the branch and resolve the conflicts."),
    ChecklistEntry("debugging", "No debugging aid was added", _R, "Take it out."),
    ChecklistEntry("leftovers", "No TODO or FIXME was added", _R, "Do it, or write it down where such work is planned."),
)  # fmt: skip
_TEXTS = {
    one.name: one
    for one in (
        ChecklistEntry("placeholders", "No text stands in for text", _B, "Write what belongs there."),
        ChecklistEntry("links", "Links lead somewhere", _Q, "Correct them, or add what they lead to."),
        ChecklistEntry("images", "Pictures have a text", _Q, 'Say in a few words what they show; in HTML `alt=""` for decoration.'),
        ChecklistEntry("description", "Descriptions have 1 to 160 characters", _R, "Write one that is not cut off."),
        ChecklistEntry("titles", "Titles have 1 to 60 characters", _R, "Shorten them."),
        ChecklistEntry("contrast", "Text stands out from its background (4.5:1)", _R, "Make one of the two colours darker or lighter."),
    )
}  # fmt: skip


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
    """Return the checks of a type, blockers first."""
    return tuple(sorted(_LISTS[type], key=lambda check: check.weight.rank))
