"""The checks of a release: its version, its changelog, its tag."""

from __future__ import annotations

from collections.abc import Sequence

from .lists import Weight
from .material import CheckLook, CheckResult, ShipmentMaterial
from .places import FoundPlace
from .versions import ChangelogSection, disagreeing, newest, newness, section_of, sections, tag_for, versions


def version_look(m: ShipmentMaterial) -> CheckLook:
    said = versions(m.manifests)
    if not said:
        return CheckLook(CheckResult.NOT_HERE, "no manifest here says a version")
    if places := disagreeing(said):
        return CheckLook(CheckResult.FAILED, f"{len(places)} manifests say different versions", places)
    version, last = said[0].version, newest(tag for tag, commit in m.tags.items() if commit != m.head)
    seen = f"{version} in {', '.join(one.path for one in said)}"
    if last and newness(version) <= newness(last):
        return CheckLook(
            CheckResult.FAILED,
            f"{seen}: not newer than the last tag, {last}",
            (FoundPlace(said[0].path, 0, f"says {version}"),),
        )
    return CheckLook(CheckResult.PASSED, seen)


def shipped_version(m: ShipmentMaterial) -> str:
    """The version that is released: of the manifests, else of the changelog's first entry, else of the target."""
    if said := versions(m.manifests):
        return said[0].version
    entry = next((part.version for part in sections(m.changelog[1]) if part.version != "unreleased"), "")
    return entry or newest((m.target,))


def changelog_look(m: ShipmentMaterial) -> CheckLook:
    path, text = m.changelog
    version = shipped_version(m)
    if not path:
        return CheckLook(CheckResult.FAILED, "there is no changelog")
    if not version:
        return CheckLook(CheckResult.NOT_HERE, "no version is named anywhere")
    part = section_of(text, version)
    if part is None:
        return CheckLook(
            CheckResult.FAILED, f"{path} has no heading for {version}", (FoundPlace(path, 0, f"has no {version}"),)
        )
    if part.empty:
        return CheckLook(
            CheckResult.FAILED, f"nothing stands below {version}", (FoundPlace(path, part.line, "is empty"),)
        )
    return _nothing_unreleased(path, sections(text), f"{path} has {version}")


def _nothing_unreleased(path: str, parts: Sequence[ChangelogSection], seen: str) -> CheckLook:
    left = next((part for part in parts if part.version == "unreleased" and not part.empty), None)
    if left is None:
        return CheckLook(CheckResult.PASSED, seen)
    place = FoundPlace(path, left.line, "stands under Unreleased")
    return CheckLook(
        CheckResult.FAILED, f"{seen}, but something is still under Unreleased", (place,), Weight.RECOMMENDED
    )


def release_tag(m: ShipmentMaterial) -> str:
    """The tag that a release gets: the target where it names one, else made of the version."""
    version = shipped_version(m)
    if m.target and newest((m.target,)):
        return m.target
    return tag_for(version, m.tags) if version else ""


def tag_look(m: ShipmentMaterial) -> CheckLook:
    tag, version = release_tag(m), shipped_version(m)
    if not tag:
        return CheckLook(CheckResult.NOT_HERE, "no version is named anywhere")
    if newest((tag,)) != version:
        return CheckLook(CheckResult.FAILED, f"the target {tag} is not version {version}")
    commit = m.tags.get(tag)
    if commit is None:
        return CheckLook(CheckResult.PASSED, f"{tag} is free")
    if commit == m.head:
        return CheckLook(CheckResult.PASSED, f"{tag} stands at this commit")
    return CheckLook(CheckResult.FAILED, f"{tag} stands at {commit[:7]}")
