"""The version that a project says it has, in its manifests, changelog and tags; and the checks of a release."""

from __future__ import annotations

import ast
import json
import re
import tomllib
from collections.abc import Callable, Iterable, Mapping
from configparser import ConfigParser, Error
from dataclasses import dataclass
from typing import Any

from .checklists import Weight
from .material import CheckOutcome, CheckResult, FoundPlace, ShipmentMaterial, Texts

CHANGELOGS = re.compile(r"(?:CHANGELOG|CHANGES|HISTORY|NEWS|RELEASES|README)(?:\.(?:md|rst|txt))?", re.IGNORECASE)
"""Files at the root that may be one, or hold one."""
NUMBER = r"\d+(?:\.\d+)+(?:[-.+]?[0-9A-Za-z][0-9A-Za-z.+-]*)?"

_HEADING = re.compile(
    rf"^(?:#{{1,4}}\s+|(?P<item>[-*+]\s+)|(?=\S))(?:version |release |v)?\**\[?v?(?P<version>{NUMBER}|unreleased)\]?(?P<rest>[^\n]*)$",
    re.IGNORECASE | re.MULTILINE,
)
_HISTORY = re.compile(r"(?im)^(?:#+\s*)?(?:version history|release notes|change ?log|changes|history)\W*$")
"""The heading of a list of versions within another document."""
_DOCUMENT = re.compile(r"(?:docs?/.+|[^/]+)\.(?:md|rst|adoc)", re.IGNORECASE)
_MODULE = re.compile(r"(?:src/)?(\w+)\.py")
_TAG = re.compile(rf"(?P<before>.*?)(?P<version>{NUMBER})")


@dataclass(frozen=True)
class Version:
    """A version with the file that says so."""

    path: str
    version: str


@dataclass(frozen=True)
class ChangelogSection:
    """A part of a changelog: whose it is, its line, and whether anything stands in it."""

    version: str
    line: int
    empty: bool


def versions(texts: Texts) -> tuple[Version, ...]:
    """The version in each manifest at the root that has one, and in a module there that a manifest names. One that is computed
    when building, or 0.0.0, is none.
    """
    named = " ".join(text for path, text in texts.items() if path in {"setup.py", "setup.cfg", "pyproject.toml"})
    ours = (
        path for path in sorted(texts) if not (one := _MODULE.fullmatch(path)) or re.search(rf"\b{one[1]}\b", named)
    )
    found = ((path, read(texts[path])) for path in ours if (read := _reader(path)))
    return tuple(Version(path, version) for path, version in found if version not in {"", "0.0.0"})


def disagreeing(found: Iterable[Version]) -> tuple[FoundPlace, ...]:
    """Return the manifests, if they do not all say the same."""
    said = list(found)
    same = len({_canonical(one.version) for one in said}) <= 1
    return () if same else tuple(FoundPlace(one.path, 0, f"says {one.version}") for one in said)


def sections(changelog: str) -> tuple[ChangelogSection, ...]:
    """The parts of a changelog under headings that name a version or `Unreleased`, as Keep a Changelog has them; without any, its
    items that begin with a version.
    """
    named = list(_HEADING.finditer(changelog))
    items = [head for head in named if head["item"] and re.search(r"\w", head["rest"])]
    heads = [head for head in named if _is_heading(changelog, head)] or items
    ends = [head.start() for head in heads[1:]] + [len(changelog)] * bool(heads)
    return tuple(
        ChangelogSection(
            head["version"].lower(),
            changelog[: head.start()].count("\n") + 1,
            not re.search(r"\w", _body(changelog[head.start("rest") if head["item"] else head.end() : end])),
        )
        for head, end in zip(heads, ends, strict=True)
    )


def changelog_among(texts: Texts) -> tuple[str, str]:
    """Return the changelog with its path: a file of its own, else a README from its heading for one on, or with a list of versions."""
    named = sorted((path.upper().startswith("README"), path, text) for path, text in texts.items())
    for within, path, text in named:
        head = _HISTORY.search(text) if within else None
        if head or not within or len(sections(text)) > 1:
            return path, "\n" * text[: head.start()].count("\n") + text[head.start() :] if head else text
    return "", ""


def section_of(changelog: str, version: str) -> ChangelogSection | None:
    """Return the part for a version."""
    return next((part for part in sections(changelog) if _canonical(part.version) == _canonical(version)), None)


def tag_for(version: str, tags: Iterable[str]) -> str:
    """The tag that a version would get, in the way in which the newest tags are named; `v1.2.3` where there are none."""
    named = [(newness(match["version"]), match["before"]) for tag in tags if (match := _TAG.fullmatch(tag))]
    return f"{max(named)[1] if named else 'v'}{version}"


def newest(tags: Iterable[str]) -> str:
    """Return the version of the newest tag; empty where no tag names one."""
    named = [match["version"] for tag in tags if (match := _TAG.fullmatch(tag))]
    return max(named, key=newness, default="")


def newness(version: str) -> tuple[object, ...]:
    """Return what to order versions by: their numbers, then a final release after its trials."""
    numbers = re.match(r"\d+(?:\.\d+)*", version)
    rest = version[numbers.end() :].partition("+")[0] if numbers else version
    parts = [int(part) for part in numbers[0].split(".")] if numbers else []
    while parts and parts[-1] == 0:
        parts.pop()
    final = not rest or rest.lstrip(".-").startswith("post")
    return (
        tuple(parts),
        final,
        [
            (part.isdigit(), int(part) if part.isdigit() else 0, part)
            for part in re.findall(r"\d+|[a-z]+", rest.lower())
        ],
    )


def _canonical(version: str) -> str:
    return version.lower().removeprefix("v").partition("+")[0]


def _is_heading(text: str, head: re.Match[str]) -> bool:
    """Return whether a line is a heading: one with `#`, or underlined. A number that begins a sentence is none."""
    below = text[head.end() + 1 :].partition("\n")[0]
    return head[0].startswith("#") or bool(re.fullmatch(r"[-=~^]{3,}\s*", below))


def _body(text: str) -> str:
    """Return what stands below a heading, without headings of its own and link targets."""
    return re.sub(r"^(?:#.*|\[[^\]]+\]:.*|[-=~^]{3,}\s*)$", "", text, flags=re.MULTILINE)


def _reader(path: str) -> Callable[[str], str] | None:
    return next((read for pattern, read in _READERS.items() if re.fullmatch(pattern, path)), None)


def _toml(text: str, *ways: tuple[str, ...]) -> str:
    try:
        table: Mapping[str, Any] = tomllib.loads(text)
    except ValueError:
        return ""
    return next((found for way in ways if (found := _at(table, way))), "")


def _at(table: Any, way: tuple[str, ...]) -> str:  # noqa: ANN401 - any TOML or JSON
    for key in way:
        table = table.get(key) if isinstance(table, dict) else None
    return table if isinstance(table, str) else ""


def _json(text: str) -> str:
    try:
        return _at(json.loads(text), ("version",))
    except (ValueError, RecursionError):
        return ""


def _setup_cfg(text: str) -> str:
    parser = ConfigParser(interpolation=None)
    try:
        parser.read_string(text)
    except Error:
        return ""
    said = parser.get("metadata", "version", fallback="")
    return "" if said.startswith(("attr:", "file:")) else said


def _pom(text: str) -> str:
    """Return the project's own version, which stands outside of its parent, dependencies and plugins."""
    own = re.sub(
        r"<(parent|dependencies|dependencyManagement|build|profiles|modules)>.*?</\1>", "", text, flags=re.DOTALL
    )
    found = re.search(r"<version>\s*([^<$]+?)\s*</version>", own)
    return found[1] if found else ""


def _plain(text: str) -> str:
    found = re.fullmatch(rf"\s*v?({NUMBER})\s*", text)
    return found[1] if found else ""


def _assigned(text: str, names: str = r"\w+\.version|__version__|VERSION") -> str:
    found = re.search(rf"^\s*(?:{names})(?:\s*:\s*\w+)?\s*=\s*['\"]({NUMBER})['\"]", text, re.MULTILINE)
    return found[1] if found else ""


_READERS: dict[str, Callable[[str], str]] = {
    r"pyproject\.toml": lambda text: _toml(text, ("project", "version"), ("tool", "poetry", "version")),
    r"Cargo\.toml": lambda text: _toml(text, ("package", "version"), ("workspace", "package", "version")),
    r"(?:package|composer)\.json": _json,
    r"setup\.cfg": _setup_cfg,
    r"pom\.xml": _pom,
    r"setup\.py": lambda text: _assigned(text, r"__version__|VERSION|[^#\n]*?(?<![\w.])version"),
    r"[^/]+\.gemspec|lib/[^/]+/version\.rb|(?:src/)?[^/]+/(?:__init__|__about__|__version__|_?version)\.py": _assigned,
    _MODULE.pattern: _assigned,
    r"VERSION|version\.txt": _plain,
}


def runs_alike(path: str, then: str | None, now: str | None) -> bool:
    """Return whether a file that changed is a document, or differs in nothing but its version or what its module says of itself."""
    if _DOCUMENT.fullmatch(path) or CHANGELOGS.fullmatch(path):
        return True
    if then is None or now is None:
        return False
    old, new = (_code(text) if path.endswith(".py") else text for text in (then, now))
    read = _reader(path)
    if read is None or old.count("\n") != new.count("\n"):
        return old == new
    was, said = read(old), read(new)
    differ = [pair for pair in zip(old.splitlines(), new.splitlines(), strict=False) if pair[0] != pair[1]]
    return not differ or (
        len(differ) == 1 and differ[0][0].count(was) == 1 and differ[0][0].replace(was, said) == differ[0][1]
    )


def _code(text: str) -> str:
    """Return Python code without comments, and without the text at its head where it does not read that itself."""
    try:
        tree = ast.parse(text)
    except (ValueError, SyntaxError, RecursionError):
        return text
    whole = ast.unparse(tree)
    tree.body = tree.body[ast.get_docstring(tree) is not None and "__doc__" not in whole :]
    return ast.unparse(tree)


def says_a_version(path: str) -> bool:
    """Return whether a file may say which version the project has."""
    return _reader(path) is not None


def check_version(m: ShipmentMaterial) -> CheckOutcome:
    said = versions(m.manifests)
    if not said:
        return CheckOutcome(CheckResult.NOT_HERE, "no manifest here says a version")
    if places := disagreeing(said):
        return CheckOutcome(CheckResult.FAILED, f"{len(places)} manifests say different versions", places)
    version, last = said[0].version, newest(tag for tag, commit in m.tags.items() if commit != m.head)
    seen = f"{version} in {', '.join(one.path for one in said)}"
    if last and newness(version) <= newness(last):
        place = FoundPlace(said[0].path, 0, f"says {version}")
        return CheckOutcome(CheckResult.FAILED, f"{seen}: not newer than the last tag, {last}", (place,))
    return CheckOutcome(CheckResult.PASSED, seen)


def shipped_version(m: ShipmentMaterial) -> str:
    """The version that is released: of the manifests, else of the changelog's first entry, else of the target."""
    if said := versions(m.manifests):
        return said[0].version
    entry = next((part.version for part in sections(m.changelog[1]) if part.version != "unreleased"), "")
    return entry or newest((m.target,))


def check_changelog(m: ShipmentMaterial) -> CheckOutcome:
    path, text = m.changelog
    version = shipped_version(m)
    if not path:
        return CheckOutcome(CheckResult.FAILED, "there is no changelog, and no list of versions in a README")
    if not version:
        return CheckOutcome(CheckResult.NOT_HERE, "no version is named anywhere")
    part = section_of(text, version)
    if part is None:
        place = FoundPlace(path, 0, f"has no {version}")
        return CheckOutcome(CheckResult.FAILED, f"{path} has no entry for {version}", (place,))
    if part.empty:
        place = FoundPlace(path, part.line, "is empty")
        return CheckOutcome(CheckResult.FAILED, f"nothing stands below {version}", (place,))
    if left := next((one for one in sections(text) if one.version == "unreleased" and not one.empty), None):
        place = FoundPlace(path, left.line, "stands under Unreleased")
        seen = f"{path} has {version}, and more below Unreleased"
        return CheckOutcome(CheckResult.FAILED, seen, (place,), Weight.RECOMMENDED)
    return CheckOutcome(CheckResult.PASSED, f"{path} has {version}")


def release_tag(m: ShipmentMaterial) -> str:
    """Return the tag that a release gets: the target where it names one, else made of the version."""
    version = shipped_version(m)
    if m.target and newest((m.target,)):
        return m.target
    return tag_for(version, m.tags) if version else ""


def check_tag(m: ShipmentMaterial) -> CheckOutcome:
    tag, version = release_tag(m), shipped_version(m)
    if not tag:
        return CheckOutcome(CheckResult.NOT_HERE, "no version is named anywhere")
    if newest((tag,)) != version:
        return CheckOutcome(CheckResult.FAILED, f"the target {tag} is not version {version}")
    commit = m.tags.get(tag, "")
    seen = f"stands at {'this commit' if commit == m.head else commit[:7]}" if commit else "is free"
    return CheckOutcome(CheckResult.PASSED if commit in {"", m.head} else CheckResult.FAILED, f"{tag} {seen}")
