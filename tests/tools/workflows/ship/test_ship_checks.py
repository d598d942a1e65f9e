"""The checks of a shipment as tables: a text that has the fault, and one beside it that has not."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any

import pytest

from autoresearch_mcp.tools.workflows.ledger.handoff import HandoffFinding
from autoresearch_mcp.tools.workflows.ledger.items import Severity
from autoresearch_mcp.tools.workflows.ship.checks.checklists import ShipType, Weight, checklist
from autoresearch_mcp.tools.workflows.ship.checks.markup import elsewhere, lost_links
from autoresearch_mcp.tools.workflows.ship.checks.material import (
    CheckOutcome,
    CheckResult,
    EarlierLedger,
    FileLine,
    FoundPlace,
    ShipmentMaterial,
    added_lines,
    found,
)
from autoresearch_mcp.tools.workflows.ship.checks.mechanical import MECHANICAL, inspect
from autoresearch_mcp.tools.workflows.ship.checks.releases import (
    changelog_among,
    disagreeing,
    newest,
    newness,
    runs_alike,
    section_of,
    sections,
    tag_for,
    versions,
)
from autoresearch_mcp.tools.workflows.ship.checks.texts import (
    DEBUGGING,
    NOTES,
    conflicts,
    secrets,
    secrets_in,
    stand_ins,
)

KEY = "AKIA" + "Q3EGVXYZ2ABCDEF7"


def lines(*texts: str) -> list[FileLine]:
    return [FileLine("a.py", number, text) for number, text in enumerate(texts, 1)]


def at(places: Sequence[FoundPlace]) -> list[int]:
    return [place.line for place in places]


# --- Lines -----------------------------------------------------------------------------------------------------------


def test_added_lines_are_read_from_a_patch_with_their_places() -> None:
    patch = (
        "diff --git a/a.py b/a.py\n--- a/a.py\n+++ b/a.py\n@@ -1,2 +1,3 @@\n one\n-two\n+two!\n+++ b/no file\n"
        '@@ -9 +10 @@\n-x\n+y\n\\ No newline at end of file\ndiff --git "a/\\303\\244 b.md" "b/\\303\\244 b.md"\n--- /dev/null\n+++ "b/\\303\\244 b.md"\n@@ -0,0 +1 @@\n+z\n'
    )

    assert list(added_lines(patch)) == [
        FileLine("a.py", 2, "two!"),
        FileLine("a.py", 3, "++ b/no file"),
        FileLine("a.py", 10, "y"),
        FileLine("ä b.md", 1, "z"),
    ]


# --- Leftovers -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["# TODO: later", "// FIXME", "/* XXX why */", "HACK around it"])
def test_a_note_to_oneself_is_found(text: str) -> None:
    assert at(found(lines("fine", text), NOTES)) == [2]


@pytest.mark.parametrize("text", ["TODOS.append(1)", "mytodo = 1", "the hackathon", "todo list"])
def test_what_only_looks_like_a_note_is_none(text: str) -> None:
    assert found(lines(text), NOTES) == ()


@pytest.mark.parametrize(
    "text",
    ["    breakpoint()", "import pdb", "  debugger;", "console.log(x)", "it.only('a', f)", "binding.pry", "dbg!(x)"],
)
def test_a_debugging_aid_is_found(text: str) -> None:
    assert at(found(lines(text), DEBUGGING)) == [1]


@pytest.mark.parametrize("text", ["the debugger; a tool", "# see breakpoint() above", "items.only('a')", "import pdbx"])
def test_what_only_names_a_debugging_aid_is_none(text: str) -> None:
    assert found(lines(text), DEBUGGING) == ()


def test_marks_of_a_merge_are_found_and_underlined_titles_are_none() -> None:
    torn = {
        "a.txt": "x\n<<<<<<< HEAD\na\n=======\nb\n>>>>>>> topic\n",
        "b.rst": "Title\n=======\n",
        "c": "a <<<<<<< b\n",
    }

    assert [(place.path, place.line) for place in conflicts(torn)] == [("a.txt", 2), ("a.txt", 6)]


@pytest.mark.parametrize(
    ("text", "what"),
    [
        (f'key = "{KEY}"', "[masked: AWS key id]"),
        ('password = "hunter2hunter2"', "[masked: assigned secret]"),
        ("url = postgres://me:pa55word@db/x", "[masked: password in a URL]"),
        ("-----BEGIN RSA PRIVATE KEY-----", "[masked: private key]"),
        ('SECRET = "secret"', "[masked: assigned secret], perhaps"),
        (f'key = "{KEY}"  # gitleaks:allow', "[masked: AWS key id], marked as none"),
    ],
)
def test_a_secret_is_found_and_never_repeated(text: str, what: str) -> None:
    assert secrets(lines(text)) == (FoundPlace("a.py", 1, what),)
    assert [place.line for place in secrets_in({"a.py": f"x\n{text}\n"})] == [2]


@pytest.mark.parametrize(
    "text",
    [
        "password = os.environ['PASSWORD']",
        'password = "hunter2hunter2"  # pragma: allowlist secret',
        "AKIAIOSFODNN7EXAMPLE",
        "[masked: AWS key id]",
    ],
)
def test_what_is_no_secret_or_marked_as_none_is_let_through(text: str) -> None:
    assert secrets(lines(text)) == ()


@pytest.mark.parametrize(
    "text",
    [
        "Lorem ipsum dolor",
        "Dear [First Name],",
        "price: TBD",
        "insert quote here",
        "<your company>",
        "https://placehold.co/600",
    ],
)
def test_text_that_stands_in_for_text_is_found(text: str) -> None:
    assert at(stand_ins({"a.md": f"ok\n\n{text}\n"})) == [3]


@pytest.mark.parametrize(
    "text",
    ["[your account](account.md)", "`[your name]`", "```\nlorem ipsum\n```", "the placeholders of a form", "[name]: x"],
)
def test_links_and_code_do_not_stand_in_for_text(text: str) -> None:
    assert stand_ins({"a.md": text}) == ()


# --- Links -----------------------------------------------------------------------------------------------------------


def test_links_to_what_is_not_there_are_found_and_nothing_is_fetched() -> None:
    texts = {
        "docs/a.md": "# One Two\n[b](b.md) [c](c.md) [top](#one-two) [gone](#three) [root](../README.md) [site](/about/) [file](/about.md) [web](https://x.org/)",
        "docs/b.html": '<a href="a.md#x">a</a>\n<img src="no.png"><a href="/site">s</a><a href="mailto:a@b.c">m</a><a href="{{ url }}">',
    }

    lost = lost_links(texts, {"docs/a.md", "docs/b.md", "README.md"}.__contains__)

    assert [(place.path, place.line) for place in lost] == [("docs/a.md", 2)] * 3 + [("docs/b.html", 2)]
    assert elsewhere(texts) == 1


# --- Versions --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("pyproject.toml", '[project]\nversion = "1.2.3"'),
        ("pyproject.toml", '[tool.poetry]\nversion = "1.2.3"'),
        ("package.json", '{"version": "1.2.3"}'),
        ("Cargo.toml", '[package]\nversion = "1.2.3"'),
        ("Cargo.toml", '[workspace.package]\nversion = "1.2.3"'),
        ("setup.cfg", "[metadata]\nversion = 1.2.3"),
        ("pom.xml", "<project><parent><version>9</version></parent><version>1.2.3</version><dependencies><version>8</version></dependencies></project>"),
        ("shop.gemspec", 'spec.version = "1.2.3"'),
        ("lib/shop/version.rb", 'module Shop\n  VERSION = "1.2.3"\nend'),
        ("src/shop/__init__.py", '__version__ = "1.2.3"'),
        ("VERSION", "1.2.3\n"),
        ("setup.py", 'setup(name="shop", python_version="3.9", version="1.2.3")'),
        ("setup.py", "# version='0'\nVERSION = '1.2.3'\nsetup(version=VERSION)"),
        ("src/shop/_version.py", "__version__: str = '1.2.3'"),
    ],
)  # fmt: skip
def test_the_version_of_a_manifest_is_read(path: str, text: str) -> None:
    assert [one.version for one in versions({path: text})] == ["1.2.3"]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("pyproject.toml", '[project]\ndynamic = ["version"]'),
        ("pyproject.toml", "not toml ="),
        ("package.json", "[1]"),
        ("Cargo.toml", "[package]\nversion.workspace = true"),
        ("setup.cfg", "[metadata]\nversion = attr: shop.version"),
        ("pom.xml", "<project><version>${revision}</version></project>"),
        ("package.json", '{"private": true, "version": "0.0.0"}'),
        ("deep/package.json", '{"version": "1.2.3"}'),
    ],
)
def test_a_version_that_is_computed_elsewhere_is_none(path: str, text: str) -> None:
    assert versions({path: text}) == ()


def test_a_module_at_the_root_says_the_version_where_a_manifest_names_it() -> None:
    texts = {"setup.py": "from shop import __version__\nsetup(version=__version__)", "shop.py": "__version__ = '1.2.3'"}

    assert [(one.path, one.version) for one in versions(texts)] == [("shop.py", "1.2.3")]
    assert versions({**texts, "shop.py": "", "six.py": "__version__ = '1.10.0'"}) == ()


MODULE = '"""Shop.\n\n- 1.2.3 more\n"""\n__version__ = "1.2.3"\nLEAST = "1.2.3"\n'


@pytest.mark.parametrize(
    ("path", "then", "now", "alike"),
    [
        ("README.md", "a", "b", True),
        ("prompts/ship.md", "a", "b", False),
        ("requirements.txt", "a", "b", False),
        ("shop.py", MODULE, MODULE.replace('__ = "1.2.3"', '__ = "1.2.4"  # new').replace("more", "more\n- 1.2.4 all"), True),
        ("shop.py", MODULE, MODULE.replace("1.2.3", "1.2.4"), False),
        ("shop.py", MODULE + "print(__doc__)\n", MODULE.replace("more", "less") + "print(__doc__)\n", False),
        ("pyproject.toml", "[project]\nversion = '1.2.3'\n", "[project]\nversion = '1.2.4'\n", True),
        ("pyproject.toml", "[project]\nversion = '1.2.3'\n", "[project]\nversion = '1.2.4'\ndynamic = []\n", False),
        ("shop/cart.py", None, "a = 1\n", False),
        ("shop/cart.py", "a = 1\n", "a = 1  # one\n", True),
    ],
)  # fmt: skip
def test_a_change_of_version_or_documents_alone_is_no_change_of_code(
    path: str, then: str | None, now: str | None, alike: bool
) -> None:
    assert runs_alike(path, then, now) is alike


def test_manifests_that_disagree_are_named() -> None:
    said = versions({"VERSION": "1.2.3", "package.json": '{"version": "1.2.4"}'})

    assert [str(place) for place in disagreeing(said)] == ["VERSION says 1.2.3", "package.json says 1.2.4"]
    assert disagreeing(said[:1]) == ()


def test_versions_are_ordered_as_people_mean_it() -> None:
    ordered = ["0.9", "1.0.0a1", "1.0.0-rc.1", "1.0.0-rc.2", "1.0.0", "1.0.0.post1", "1.0.1", "1.2", "1.10.0"]

    assert all(newness(one) < newness(other) for one, other in pairwise(ordered))
    assert newness("1.0") == newness("1.0.0+build")


def test_the_next_tag_is_named_as_the_last_one() -> None:
    assert tag_for("2.0.0", ["1.9.0", "v1.2.0"]) == "2.0.0"
    assert tag_for("2.0.0", ["shop@1.9.0", "nightly"]) == "shop@2.0.0"
    assert tag_for("2.0.0", []) == "v2.0.0"
    assert newest(["v1.9.0", "v1.10.0", "nightly"]) == "1.10.0"


CHANGELOG = """# Changelog

## [Unreleased]

## [1.2.3] - 2024-05-01
### Added
- more

## 1.2.2

[1.2.3]: https://example.org
"""


def test_the_parts_of_a_changelog_are_known_and_whether_anything_stands_in_them() -> None:
    parts = {version: section_of(CHANGELOG, version) for version in ("unreleased", "1.2.3", "1.2.2", "1.2")}

    assert {version: part.empty if part else None for version, part in parts.items()} == {
        "unreleased": True,
        "1.2.3": False,
        "1.2.2": True,
        "1.2": None,
    }
    assert section_of("1.2.3 (2024-05-01)\n------------------\n\n* more\n", "1.2.3") is not None
    assert section_of("1.2.3 was a good version\n", "1.2.3") is None


@pytest.mark.parametrize(
    ("readme", "told"),
    [
        ("Shop\n====\n\n1.2.3 sells.\n\nVersion history\n---------------\n\n- 1.2.3 more\n- 1.2.2 less\n", ["1.2.3", "1.2.2"]),
        ("# Shop\n\n## Changelog\n\n### 1.2.3\n\n- 1.0 is gone\n", ["1.2.3"]),
        ("Shop\n====\n\n----\n\n- 1.2.3 Accept more,\n  as before\n- 1.2.2 Correct it\n", ["1.2.3", "1.2.2"]),
        ("# Shop\n\nTested with:\n\n- 3.11\n- 3.12\n", []),
        ("# Shop\n\nIt sells.\n", []),
    ],
)  # fmt: skip
def test_a_list_of_versions_in_a_readme_is_a_changelog_where_no_file_is_one(readme: str, told: list[str]) -> None:
    path, text = changelog_among({"README.md": readme})

    assert [part.version for part in sections(text) if not part.empty] == told
    assert path == ("README.md" if told else "")
    assert changelog_among({"HISTORY.rst": CHANGELOG, "CHANGES": CHANGELOG, "README.md": readme})[0] != "README.md"


# --- Looks -----------------------------------------------------------------------------------------------------------


def material(**fields: Any) -> ShipmentMaterial:  # noqa: ANN401 - any field of it
    usual: dict[str, Any] = {
        "head": "a" * 40, "base": "main", "paths": frozenset(fields.get("texts", ())), "texts": {}, "whole": {}, "added": (),
        "manifests": {}, "changelog": ("", ""), "tags": {},
    }  # fmt: skip
    return ShipmentMaterial(**{**usual, **fields})


def changed_test(lines: str) -> str:
    return f"diff --git a/test_a.py b/test_a.py\n--- a/test_a.py\n+++ b/test_a.py\n@@ -1,9 +1,9 @@\n import f\n{lines}"


def released(version: str = "1.2.3", **fields: Any) -> ShipmentMaterial:  # noqa: ANN401 - any field of it
    usual = {"manifests": {"VERSION": version}, "changelog": ("CHANGELOG.md", CHANGELOG), "tags": {"v1.2.2": "b" * 40}}
    return material(**{**usual, **fields})


@pytest.mark.parametrize(
    ("name", "looked_at", "result", "weight"),
    [
        ("clean", material(dirty=("a.py",)), CheckResult.FAILED, None),
        ("size", material(moved=399), CheckResult.PASSED, None),
        ("size", material(moved=400), CheckResult.FAILED, None),
        ("size", material(moved=799), CheckResult.FAILED, None),
        ("size", material(moved=800), CheckResult.FAILED, Weight.BLOCKER),
        ("same-tests", material(patch=changed_test("+@pytest.mark.xfail\n")), CheckResult.FAILED, Weight.BLOCKER),
        ("same-tests", material(patch=changed_test("-def test_a():\n-    assert f() == 1\n")), CheckResult.FAILED, None),
        ("same-tests", material(patch=changed_test("-    assert f() == 1\n")), CheckResult.FAILED, None),
        ("same-tests", material(patch=changed_test("+def pytest_collection_modifyitems(items):\n")), CheckResult.FAILED, None),
        ("same-tests", material(patch=changed_test("-    assert f() == 1\n+    assert f() == 2\n")), CheckResult.FAILED, Weight.RECOMMENDED),
        ("same-tests", material(patch=changed_test("+def test_b():\n+    assert g()\n")), CheckResult.PASSED, None),
        ("same-tests", material(patch=changed_test("-    assert f() == 1\n+    assert f() == 1 or True\n")), CheckResult.FAILED, Weight.BLOCKER),
        ("merges", material(merges=False), CheckResult.FAILED, None),
        ("merges", material(merges=None), CheckResult.NOT_HERE, None),
        ("secrets", material(whole={"a.py": f'k = "{KEY}"'}), CheckResult.FAILED, None),
        ("secrets", material(whole={"tests/test_a.py": f'k = "{KEY}"'}), CheckResult.FAILED, None),
        ("secrets", material(whole={"tests/test_a.py": 'password = "hunter2hunter2"'}), CheckResult.FAILED, Weight.RECOMMENDED),
        ("secrets", material(whole={"a.py": f'k = "{KEY}"  # pragma: allowlist secret'}), CheckResult.FAILED, Weight.RECOMMENDED),
        ("secrets", material(paths=frozenset({"app/.env"})), CheckResult.FAILED, None),
        ("secrets", material(paths=frozenset({"app/.env.example"})), CheckResult.PASSED, None),
        ("regression", material(regression=EarlierLedger("regression", verdict="UNSTABLE")), CheckResult.FAILED, None),
        ("regression", material(regression=EarlierLedger("regression", verdict="STABLE")), CheckResult.PASSED, None),
        ("regression", material(regression=EarlierLedger("regression", verdict="BASELINE_UNAVAILABLE")), CheckResult.FAILED, Weight.RECOMMENDED),
        ("regression", material(regression=EarlierLedger("regression", verdict="STABLE", documents=("README.md",))), CheckResult.PASSED, None),
        ("regression", material(regression=EarlierLedger("regression", verdict="STABLE", code=("a.py",))), CheckResult.OPEN, Weight.RECOMMENDED),
        ("regression", material(regression=EarlierLedger("regression", verdict="UNSTABLE", code=("a.py",))), CheckResult.OPEN, None),
        ("regression", material(), CheckResult.NOT_HERE, None),
        ("version", released(), CheckResult.PASSED, None),
        ("version", released("1.2.2"), CheckResult.FAILED, None),
        ("version", released("1.2.2", tags={"v1.2.2": "a" * 40, "v1.2.1": "b" * 40}), CheckResult.PASSED, None),
        ("version", released(manifests={"VERSION": "1.2.3", "package.json": '{"version": "1.2.4"}'}), CheckResult.FAILED, None),
        ("changelog", released(), CheckResult.PASSED, None),
        ("changelog", released("1.2.2"), CheckResult.FAILED, None),
        ("changelog", released("1.2.4"), CheckResult.FAILED, None),
        ("changelog", released(changelog=("", "")), CheckResult.FAILED, None),
        ("changelog", released(changelog=("C", "## Unreleased\n- x\n## 1.2.3\n- y\n")), CheckResult.FAILED, Weight.RECOMMENDED),
        ("tag", released(), CheckResult.PASSED, None),
        ("tag", released(tags={"v1.2.3": "a" * 40}), CheckResult.PASSED, None),
        ("tag", released(tags={"v1.2.3": "b" * 40}), CheckResult.FAILED, None),
        ("tag", released(target="v1.2.4"), CheckResult.FAILED, None),
        ("tag", material(), CheckResult.NOT_HERE, None),
        ("links", material(texts={"a.md": "[x](b.md)"}), CheckResult.FAILED, None),
        ("links", material(texts={"a.md": "[x](b)"}, paths=frozenset({"a.md", "b/c.md"})), CheckResult.PASSED, None),
        ("links", material(texts={"a.tex": ""}), CheckResult.NOT_HERE, None),
    ],
)  # fmt: skip
def test_a_check_says_what_it_saw(
    name: str, looked_at: ShipmentMaterial, result: CheckResult, weight: Weight | None
) -> None:
    told = inspect(name, looked_at)

    assert (told.result, told.weight) == (result, weight), told


def upstream(workflow: str, severity: Severity, *, confirmed: bool = True) -> CheckOutcome:
    finding = HandoffFinding(id="F1", title="x", severity=severity, confirmed=confirmed)
    return inspect("upstream", material(before=EarlierLedger(workflow, (finding,))))


@pytest.mark.parametrize(
    ("told", "result", "weight"),
    [
        (upstream("security", Severity.CRITICAL), CheckResult.FAILED, Weight.BLOCKER),
        (upstream("debug", Severity.HIGH), CheckResult.FAILED, Weight.BLOCKER),
        (upstream("debug", Severity.MEDIUM), CheckResult.FAILED, Weight.RECOMMENDED),
        (upstream("debug", Severity.LOW), CheckResult.PASSED, None),
        (upstream("security", Severity.CRITICAL, confirmed=False), CheckResult.FAILED, Weight.RECOMMENDED),
        (upstream("predict", Severity.LOW, confirmed=False), CheckResult.PASSED, None),
        (inspect("upstream", material()), CheckResult.NOT_HERE, None),
    ],
)
def test_what_the_workflow_before_left_over_weighs_as_its_worst_finding(
    told: CheckOutcome, result: CheckResult, weight: Weight | None
) -> None:
    assert (told.result, told.weight) == (result, weight)


@pytest.mark.parametrize("type", ShipType)
def test_every_type_has_a_list_that_can_be_made(type: ShipType) -> None:
    checks = checklist(type)
    commands = {"tests", "build", "types", "lint", "health"}

    assert {check.name for check in checks} <= MECHANICAL | commands
    assert len({check.name for check in checks}) == len(checks)
    assert [check.weight.rank for check in checks] == sorted(check.weight.rank for check in checks)
    assert {"clean", "secrets", "upstream"} <= {check.name for check in checks if check.weight is Weight.BLOCKER}
    for check in checks:
        if check.name in MECHANICAL:
            assert inspect(check.name, material()).seen


Broken = Callable[[Mapping[str, str]], Sequence[FoundPlace]]


@pytest.mark.parametrize(
    "check",
    [stand_ins, conflicts, secrets_in],
    ids=["stand-ins", "conflicts", "secrets"],
)
@pytest.mark.parametrize(
    "text", ["", "\x00\x01", "<" * 5000, "{" * 5000, "![" * 5000, "```" * 2000, "<style>" * 500, "---\n"]
)
def test_a_text_that_makes_no_sense_breaks_no_check(check: Broken, text: str) -> None:
    for path in ("a.md", "a.html"):
        check({path: text})
