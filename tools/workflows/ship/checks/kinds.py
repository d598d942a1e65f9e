"""The nine kinds of things that are shipped, and which of them a repository has in front of it."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
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
class Told:
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


def detected(goal: str, changed: Sequence[str], files: Sequence[str], version_moved: bool) -> Told:
    """What is shipped: told by the words of the goal, else by what changed since the base, else by what is there.

    `changed` are the paths that differ from the base, `files` all tracked ones, `version_moved` whether a manifest says
    another version than at the base. One rule after the other; the first that fits tells.
    """
    if (told := _by_goal(goal)) is not None:
        return told
    if version_moved:
        return Told(ShipType.CODE_RELEASE, "a manifest says another version than at the base")
    looked, which = (changed, "what changed") if changed else (files, "what is here")
    code = [path for path in looked if _is_code(path, changed=bool(changed))]
    for type, what, is_so in _BY_FILES:
        if _mostly(looked, code, is_so):
            return Told(type, f"{which} is {what}")
    return Told(ShipType.CODE_PR, f"{which} is code")


def _is_code(path: str, *, changed: bool) -> bool:
    return changed if _SETTINGS.search(path) else bool(_CODE.search(path))


def belongs(type: ShipType, path: str) -> bool:
    """Whether a file looks like one of what a type ships."""
    return next((bool(is_so(path)) for one, _, is_so in _BY_FILES if one is type), False)


def _by_goal(goal: str) -> Told | None:
    for type, words in (*((type, type.value) for type in ShipType if "-" in type), *_WORDS.items()):
        if found := re.search(rf"(?<![\w-])(?:{words})(?![\w-])", goal, re.IGNORECASE):
            return Told(type, f"the goal says `{found[0]}`")
    return None


def _mostly(paths: Sequence[str], code: Sequence[str], is_so: Callable[[str], object]) -> bool:
    """Whether a rule fits at least half of the paths, and all that is code: pictures, style sheets and a readme go with
    anything. Settings are code where they changed, and no sign of it where they are only there: a blog has them too.
    """
    fitting = [path for path in paths if is_so(path)]
    return bool(fitting) and all(map(is_so, code)) and 2 * len(fitting) >= len(_counted(paths))


def _counted(paths: Sequence[str]) -> list[str]:
    return [
        path
        for path in paths
        if not (_PICTURES.search(path) or _SETTINGS.search(path)) and path.rpartition("/")[2].lower() not in _ALWAYS
    ]


_ALWAYS = frozenset(
    {"readme.md", "license", "license.md", ".gitignore", ".gitattributes", "changelog.md", "contributing.md"}
)
