"""The checks that need no command: each looks at what was gathered and says what it saw."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cached_property

from ..ledgers.handoff import Finding
from ..ledgers.items import Severity
from . import leftovers, lengths, links, mail, papers
from .contrast import readable
from .lengths import Measured
from .lists import Weight
from .markup import HTML, MARKDOWN, pictures_without_text
from .places import Line, Place, Texts
from .versions import Section, disagreeing, newest, newness, section_of, sections, tag_for, versions

WARN_LINES, BLOCK_LINES = 400, 800
"""Lines added and removed, from which on a change is hard to review, and from which on it is not reviewed. Source: ancestor."""
LARGEST_PICTURE = 500_000
"""Bytes."""
FIX_SCORE = 80.0
"""Of the workflow `fix`: below, ship warns. Source: ancestor."""


class Result(StrEnum):
    """What came of a check. `open`: nobody looked yet, or the command was not run."""

    PASSED = "passed"
    FAILED = "failed"
    OPEN = "open"
    NOT_HERE = "does not apply"


@dataclass(frozen=True)
class Look:
    """What a check saw. `weight` where it weighs more or less than its list says."""

    result: Result
    seen: str
    places: tuple[Place, ...] = ()
    weight: Weight | None = None


@dataclass(frozen=True)
class Before:
    """What an earlier ledger says: the workflow, its findings that nobody settled, its scores, the verdict of a regression."""

    workflow: str = ""
    findings: tuple[Finding, ...] = ()
    scores: Mapping[str, float] = field(default_factory=dict)
    verdict: str = ""


@dataclass(frozen=True)
class Material:
    """All that is looked at, gathered once. `texts` are the files that are shipped, `whole` everything that could hold a
    secret, `manifests` what says a version, `sizes` bytes of pictures, `moved` lines added and removed since the base.
    """

    head: str
    base: str
    paths: frozenset[str]
    texts: Texts
    whole: Texts
    added: Sequence[Line]
    manifests: Texts
    changelog: tuple[str, str]
    tags: Mapping[str, str]
    target: str = ""
    dirty: tuple[str, ...] = ()
    moved: int = 0
    merges: bool | None = None
    sizes: Mapping[str, int] = field(default_factory=dict)
    skipped: int = 0
    before: Before = Before()
    regression: Before = Before()

    def exists(self, path: str) -> bool:
        """Whether a file or folder is there."""
        return path in {".", ""} or path in self.paths or path.rstrip("/") in self._folders

    @cached_property
    def _folders(self) -> frozenset[str]:
        return frozenset(path[:place] for path in self.paths for place, sign in enumerate(path) if sign == "/")


def look(name: str, material: Material) -> Look:
    """One check by its name."""
    return _LOOKS[name](material)


def _of(places: Sequence[Place], well: str, ill: str) -> Look:
    """Passed without places, failed with some. `ill` says what they are, in words that fit any number."""
    if not places:
        return Look(Result.PASSED, well)
    return Look(Result.FAILED, f"{ill}: {len(places)}", tuple(places))


def _clean(m: Material) -> Look:
    return _of([Place(path, 0, "is not committed") for path in m.dirty], "nothing is uncommitted", "not committed")


def _conflicts(m: Material) -> Look:
    return _of(leftovers.conflicts(m.whole), f"none in {len(m.whole)} files", "lines with marks")


def _secrets(m: Material) -> Look:
    """What may be no secret, such as a password in a test, is told and does not block."""
    places = (*leftovers.secret_files(m.paths), *leftovers.secrets_in(m.whole))
    sure = tuple(place for place in places if not leftovers.may_be_made_up(place))
    let = leftovers.allowed(line for line in m.added)
    more = f", {let} added lines are marked as none" if let else ""
    more += f", {m.skipped} files not read" if m.skipped else ""
    found = _of(sure or places, f"none in {len(m.whole)} files{more}", f"secrets{more}")
    return replace(found, weight=Weight.RECOMMENDED) if places and not sure else found


def _debugging(m: Material) -> Look:
    return _of(leftovers.debugging(m.added), f"none in {len(m.added)} added lines", "lines")


def _notes(m: Material) -> Look:
    return _of(leftovers.notes(m.added), f"none in {len(m.added)} added lines", "lines")


def _size(m: Material) -> Look:
    seen = f"{m.moved} lines since {m.base}, lock files not counted"
    if m.moved < WARN_LINES:
        return Look(Result.PASSED, seen)
    return Look(Result.FAILED, seen, weight=Weight.BLOCKER if m.moved >= BLOCK_LINES else None)


def _merges(m: Material) -> Look:
    if m.merges is None:
        return Look(Result.NOT_HERE, f"there is nothing to merge with {m.base}")
    return Look(Result.PASSED, f"{m.base} merges") if m.merges else Look(Result.FAILED, f"it conflicts with {m.base}")


def _regression(m: Material) -> Look:
    match m.regression.verdict.upper():
        case "":
            return Look(Result.NOT_HERE, "no regression ledger was closed at this commit")
        case "UNSTABLE":
            return Look(Result.FAILED, "the regression ledger says UNSTABLE at this commit")
        case "STABLE":
            return Look(Result.PASSED, "the regression ledger says STABLE at this commit")
        case other:
            return Look(Result.FAILED, f"the regression ledger says {other}", weight=Weight.RECOMMENDED)


_GATES = {Severity.CRITICAL: Weight.BLOCKER, Severity.HIGH: Weight.BLOCKER, Severity.MEDIUM: Weight.RECOMMENDED}


def _upstream(m: Material) -> Look:
    """What the workflow before has left over: its worst finding says how much that weighs."""
    before = m.before
    if not before.workflow:
        return Look(Result.NOT_HERE, "no workflow came before")
    weighed = [(weight, one) for one in before.findings if (weight := _gate(before.workflow, one))]
    score = before.scores.get("fix")
    if not weighed:
        if before.workflow == "fix" and score is not None and score < FIX_SCORE:
            return Look(Result.FAILED, f"fix came to {score:.0f} of 100", weight=Weight.RECOMMENDED)
        return Look(Result.PASSED, f"{before.workflow} has left nothing serious")
    places = tuple(Place(one.location or one.id, 0, f"{one.id} ({one.severity}) {one.title}") for _, one in weighed)
    worst = min((weight for weight, _ in weighed), key=lambda weight: weight.rank)
    return Look(Result.FAILED, f"findings of {before.workflow}: {len(places)}", places, worst)


def _gate(workflow: str, finding: Finding) -> Weight | None:
    """How much a finding weighs. Source: ancestor's table of conversions, column ship."""
    weight = _GATES.get(finding.severity)
    if workflow == "scenario" and finding.severity is Severity.HIGH:
        return Weight.RECOMMENDED
    if workflow == "predict" and not finding.confirmed:
        return None
    return weight


def _version(m: Material) -> Look:
    said = versions(m.manifests)
    if not said:
        return Look(Result.NOT_HERE, "no manifest here says a version")
    if places := disagreeing(said):
        return Look(Result.FAILED, f"{len(places)} manifests say different versions", places)
    version, last = said[0].version, newest(tag for tag, commit in m.tags.items() if commit != m.head)
    seen = f"{version} in {', '.join(one.path for one in said)}"
    if last and newness(version) <= newness(last):
        return Look(
            Result.FAILED, f"{seen}: not newer than the last tag, {last}", (Place(said[0].path, 0, f"says {version}"),)
        )
    return Look(Result.PASSED, seen)


def shipped_version(m: Material) -> str:
    """The version that is released: of the manifests, else of the changelog's first entry, else of the target."""
    if said := versions(m.manifests):
        return said[0].version
    entry = next((part.version for part in sections(m.changelog[1]) if part.version != "unreleased"), "")
    return entry or newest((m.target,))


def _changelog(m: Material) -> Look:
    path, text = m.changelog
    version = shipped_version(m)
    if not path:
        return Look(Result.FAILED, "there is no changelog")
    if not version:
        return Look(Result.NOT_HERE, "no version is named anywhere")
    part = section_of(text, version)
    if part is None:
        return Look(Result.FAILED, f"{path} has no heading for {version}", (Place(path, 0, f"has no {version}"),))
    if part.empty:
        return Look(Result.FAILED, f"nothing stands below {version}", (Place(path, part.line, "is empty"),))
    return _nothing_unreleased(path, sections(text), f"{path} has {version}")


def _nothing_unreleased(path: str, parts: Sequence[Section], seen: str) -> Look:
    left = next((part for part in parts if part.version == "unreleased" and not part.empty), None)
    if left is None:
        return Look(Result.PASSED, seen)
    place = Place(path, left.line, "stands under Unreleased")
    return Look(Result.FAILED, f"{seen}, but something is still under Unreleased", (place,), Weight.RECOMMENDED)


def release_tag(m: Material) -> str:
    """The tag that a release gets: the target where it names one, else made of the version."""
    version = shipped_version(m)
    if m.target and newest((m.target,)):
        return m.target
    return tag_for(version, m.tags) if version else ""


def _tag(m: Material) -> Look:
    tag, version = release_tag(m), shipped_version(m)
    if not tag:
        return Look(Result.NOT_HERE, "no version is named anywhere")
    if newest((tag,)) != version:
        return Look(Result.FAILED, f"the target {tag} is not version {version}")
    commit = m.tags.get(tag)
    if commit is None:
        return Look(Result.PASSED, f"{tag} is free")
    if commit == m.head:
        return Look(Result.PASSED, f"{tag} stands at this commit")
    return Look(Result.FAILED, f"{tag} stands at {commit[:7]}")


def _placeholders(m: Material) -> Look:
    return _of(leftovers.stand_ins(m.texts), f"none in {len(m.texts)} files", "places")


def _links(m: Material) -> Look:
    away = links.elsewhere(m.texts)
    more = f"; {away} addresses elsewhere are not looked up" if away else ""
    found = _of(links.lost_links(m.texts, m.exists), f"all lead somewhere{more}", f"lead nowhere{more}")
    return found if _pages(m.texts) else Look(Result.NOT_HERE, f"no Markdown or HTML is shipped{more}")


def _images(m: Material) -> Look:
    found = _of(pictures_without_text(m.texts), "all have a text", "without")
    return found if _pages(m.texts) else Look(Result.NOT_HERE, "no Markdown or HTML is shipped")


def _pages(texts: Texts) -> bool:
    return any(path.endswith((*HTML, *MARKDOWN)) for path in texts)


def _fit(name: str, read: Callable[[Texts], tuple[Measured, ...]], most: int) -> Callable[[Material], Look]:
    """A check of lengths."""

    def check(m: Material) -> Look:
        measured = read(m.texts)
        if not measured:
            return Look(Result.NOT_HERE, f"no file here has a {name}")
        longest = max(len(one.text) for one in measured)
        return _of(
            lengths.misfits(measured, most, name),
            f"{len(measured)}, the longest {longest}",
            f"of {len(measured)} do not fit",
        )

    return check


def _contrast(m: Material) -> Look:
    told = readable(m.texts)
    if not told.computed:
        return Look(Result.NOT_HERE, "no rule here names a text's colour and its background")
    seen = f"of {told.computed} rules that name both colours"
    more = f" ({told.pairs - told.computed} more cannot be computed)" if told.pairs > told.computed else ""
    return _of(told.weak, f"none {seen} is too weak{more}", f"too weak {seen}{more}")


def _unsubscribe(m: Material) -> Look:
    mails = {path: text for path, text in m.texts.items() if not path.endswith(".css")}
    if not mails:
        return Look(Result.FAILED, "no mail is here")
    return _of(mail.without_a_way_out(mails), f"all of {len(mails)} do", "without")


def _plain_text(m: Material) -> Look:
    return _of(mail.without_plain_text(m.texts, m.exists), "all that are HTML have", "without")


def _citations(m: Material) -> Look:
    if not papers.cites(m.texts):
        return Look(Result.NOT_HERE, "nothing is cited by a key")
    return _of(papers.lost_citations(m.texts), "all are there", "not there")


def _limits(m: Material) -> Look:
    told = papers.tells_its_limits(m.texts)
    return Look(Result.PASSED, "it does") if told else Look(Result.FAILED, "no part on limitations was found")


def _weight(m: Material) -> Look:
    heavy = [Place(path, 0, f"{size // 1000} kB") for path, size in m.sizes.items() if size > LARGEST_PICTURE]
    return (
        _of(heavy, f"none of {len(m.sizes)} is larger", "larger") if m.sizes else Look(Result.NOT_HERE, "no pictures")
    )


_LOOKS: Mapping[str, Callable[[Material], Look]] = {
    "clean": _clean,
    "conflicts": _conflicts,
    "secrets": _secrets,
    "debugging": _debugging,
    "leftovers": _notes,
    "size": _size,
    "merges": _merges,
    "regression": _regression,
    "upstream": _upstream,
    "version": _version,
    "changelog": _changelog,
    "tag": _tag,
    "placeholders": _placeholders,
    "links": _links,
    "images": _images,
    "description": _fit("description", lengths.descriptions, lengths.DESCRIPTION),
    "titles": _fit("title", lengths.titles, lengths.TITLE),
    "subject": _fit("subject", lengths.subjects, lengths.SUBJECT),
    "preview": _fit("preview", lengths.previews, lengths.PREVIEW),
    "contrast": _contrast,
    "unsubscribe": _unsubscribe,
    "plain-text": _plain_text,
    "citations": _citations,
    "limits": _limits,
    "weight": _weight,
}
LOOKED = frozenset(_LOOKS)
"""The names of the checks that are made here; those of commands are not among them."""
