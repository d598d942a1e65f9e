"""What a person wants to know the morning after: the same from page, text, Markdown, JSON and `status`, and lines that take it."""

from __future__ import annotations

import csv
import io
import json
import shlex
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from autoresearch_mcp.server.main import main
from autoresearch_mcp.server.watching import Watch
from autoresearch_mcp.tools.decision.decide import Status
from autoresearch_mcp.tools.lab.access import Lab
from autoresearch_mcp.tools.report.morning import Morning
from autoresearch_mcp.tools.report.page import Drawing
from autoresearch_mcp.tools.report.writing import exported, morning
from conftest import Project
from filled import fill, long, row
from pages import Reader

PAGE = "autoresearch-report.html"


def seen(project: Project) -> Morning:
    return morning(project.lab.for_reading())


def shell(project: Project, command: str) -> None:
    subprocess.run(["sh", "-c", command], cwd=project.root, check=True, capture_output=True)


@pytest.fixture
def night(project: Project) -> Project:
    """A session on a branch of its own: two keeps, of which one took two attempts, a discard, and a guard that failed."""
    project.plan = project.plan.model_copy(update={"branch": "lab/night", "guard_timeout_s": 60})
    project.start()

    def work() -> None:
        project.try_value(8, "eight")
        project.try_value(9, "nine")
        project.write("value.txt", "6\n").write("app.txt", "bad\n")
        project.loop.iterate("six")
        project.write("app.txt", "good\n")
        project.loop.iterate("six")
        project.write("value.txt", "5\n").write("app.txt", "bad\n")
        project.loop.iterate("five")
        project.loop.revert("no")
        project.loop.log()

    return project.once("a night", work)


def test_the_gain_and_each_keeps_own_gain_stand_in_every_report(
    night: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    night.review.report("html")
    context = night.lab.for_reading()
    main(["--root", str(night.root), "status"])
    told = {
        "page": Reader(night.read(PAGE)).text,
        "text": night.review.report().report,
        "tool": night.review.report("md").report.replace("\\", ""),
        "md": exported(context, "md", 50_000, 50).replace("\\", ""),
        "json": exported(context, "json"),
        "status": capsys.readouterr().out,
    }

    for words in ("10 -> 6, -40.00 %", "-20.00 %", "-25.00 %", "lab/night"):
        assert [name for name, text in told.items() if words not in text] == [], words
    kept = json.loads(told["json"])["kept"]
    assert [(one["iteration"], one["value"], one["percent"], one["added"]) for one in kept] == [
        (1, pytest.approx(-20), True, 1),
        (3, pytest.approx(-25), True, 2),
    ]


@pytest.mark.parametrize("place", [0, 1])
def test_every_line_that_takes_the_result_gives_what_was_kept(night: Project, place: int) -> None:
    line = seen(night).take[place].command
    night.git("switch", "--quiet", "main")

    shell(night, line)

    assert (night.read("value.txt"), night.read("app.txt")) == ("6\n", "good\n")
    assert night.git("status", "--porcelain").replace("M  ", "").split() in ([], ["app.txt", "value.txt"])


def test_a_session_began_when_it_was_opened_whenever_its_baseline_was_measured(project: Project) -> None:
    project.start()

    context = project.lab.for_reading()
    place, _ = next(iter(context.journal.events(context.active.id)))
    assert seen(project).started_at == pytest.approx(place.at, rel=0, abs=1e-4)


@pytest.mark.parametrize("squashed", ["", "faster-numbers"])
def test_what_the_branch_has_already_is_said_with_the_lines_that_make_it_one_commit(
    project: Project, squashed: str
) -> None:
    project.start()
    project.try_value(8)
    project.try_value(9)
    if squashed:
        project.sessions.finish_session(squashed)

    has, one, _ = seen(project).take

    assert has.words == "main has it already: 1 kept change among 3 commits, of tries and their undo"
    assert len(project.git(*shlex.split(has.command)[1:]).splitlines()) == 3
    kept = project.git("rev-parse", "main^{tree}")
    if squashed:
        shell(project, one.command)
    else:
        assert main(["--root", str(project.root), *shlex.split(one.command)[1:]]) == 0
    clean = squashed or "main-kept"
    assert project.git("rev-parse", f"{clean}^{{tree}}") == kept
    assert project.git("rev-list", "--count", f"main..{clean}") == "1"


def test_a_branch_that_no_longer_has_it_is_not_said_to_have_it(project: Project) -> None:
    project.start()
    project.try_value(8)
    project.sessions.finish_session("clean")
    project.git("reset", "--hard", "--quiet", "HEAD~1")

    assert seen(project).take[0].command == "git merge clean"


def test_a_branch_that_a_person_made_for_it_is_merged(project: Project) -> None:
    project.git("switch", "--quiet", "-c", "faster")
    project.start().try_value(8)

    assert seen(project).take[0].command == "git merge faster"


def test_a_branch_that_the_remote_has_as_its_default_has_it_whatever_it_is_called(project: Project) -> None:
    project.git("switch", "--quiet", "-c", "release")
    project.git("symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/release")
    project.start().try_value(8)

    assert seen(project).take[0].words.startswith("release has it already")


def test_the_kept_changes_alone_are_a_branch_with_a_commit_each(night: Project) -> None:
    words = shlex.split(seen(night).take[2].command)

    assert main(["--root", str(night.root), *words[1:]]) == 0

    assert night.git("log", "--reverse", "--format=%s", "main..lab/night-kept").splitlines() == ["eight", "six"]
    assert night.git("rev-parse", "lab/night-kept^{tree}") == night.git("rev-parse", "lab/night^{tree}")


def test_a_try_that_is_not_decided_is_in_no_line_that_takes_the_result(night: Project) -> None:
    night.write("value.txt", "4\n")
    night.loop.commit("four")

    taken = seen(night)

    assert taken.take[0].command == f"git merge {taken.whole.tip[:10]}"
    assert night.git("show", f"{taken.whole.tip}:value.txt") == "6"


def test_nothing_kept_is_nothing_to_take(project: Project) -> None:
    project.start()
    project.try_value(12)

    assert seen(project).take == ()
    assert "Take it" not in project.review.report().report


def test_of_a_finished_session_no_budget_is_left(project: Project) -> None:
    project.plan = project.plan.model_copy(update={"iterations": 20})
    project.start()
    assert "Left: 20 iterations." in project.sessions.status().text()

    project.sessions.finish_session()

    status = project.sessions.status().text()
    assert ("Left:" in status, "This session is finished." in status) == (False, True)
    project.review.report("html")
    assert "Left" not in Reader(project.read(PAGE)).text.split()


def test_what_failed_is_told_in_groups_a_line_each(project: Project) -> None:
    fill(
        project.start(),
        row(1, metric=12.0, description="worse"),
        row(2, Status.CRASH, None, description="broke"),
        row(3, Status.DISCARD, 8.0, guard="fail", gain=2.0, description="cheated"),
        row(4, Status.NO_OP, None, description="did nothing"),
        *(row(number, metric=11.0) for number in range(5, 70)),
        row(70, Status.DISCARD, 9.5, gain=0.5, description="unsure"),
    )

    groups = {group.name: group for group in seen(project).failed}

    assert {name: group.count for name, group in groups.items()} == {
        "Near misses, strongest evidence first": 2,
        "Not better": 66,
        "Crashed": 1,
        "No number": 1,
    }
    near = [one.description for one in groups["Near misses, strongest evidence first"].tries]
    assert near == ["cheated (a guard failed)", "unsure (no guard ran on it)"]
    material = project.review.detect_stuck().material
    assert material is not None
    assert material.near_misses == ["#3 cheated (-2, a guard failed)", "#70 unsure (-0.5, no guard ran on it)"]
    assert [one.iteration for one in groups["Not better"].tries] == list(range(69, 19, -1))
    assert "    #2 -  broke" in project.review.report().report
    assert "#67 +1  try 67\n    and 63 more" in project.review.report().report


def test_the_output_shown_of_a_try_is_that_of_its_own_change(project: Project) -> None:
    project.start()
    project.try_value(8)  # and the incumbent once more, after it

    project.review.report("html")

    assert Reader(project.read(PAGE)).text.partition("End of the output")[2].startswith("8")


def test_what_was_not_kept_is_no_gain_on_the_page(project: Project) -> None:
    project.start()
    project.try_value(8, "eight")
    project.write("value.txt", "7\n").write("app.txt", "bad\n")
    project.loop.iterate("seven, but a guard fails")
    project.loop.revert("no")
    project.loop.log()

    project.review.report("html")

    looks = [str(a["class"]) for _, a in Reader(project.read(PAGE)).found if "delta" in str(a.get("class"))]
    assert looks == ["delta plain", "delta good", "delta plain"]


def test_a_cell_that_a_spreadsheet_would_run_is_text(project: Project) -> None:
    formulas = ["=cmd|' /C calc'!A0", "+1+cmd()", "-2+3+cmd()", "@SUM(A1)", "ordinary"]
    fill(project.start(), *(row(n, metric=9.0, description=words) for n, words in enumerate(formulas, 1)))

    lines = list(csv.DictReader(io.StringIO(exported(project.lab.for_reading(), "csv"), newline="")))
    cells = [line.split("\t")[6] for line in project.read("autoresearch-results.tsv").splitlines()[3:]]

    assert [one["description"] for one in lines[1:]] == cells == [*(f"'{words}" for words in formulas[:-1]), "ordinary"]
    assert [float(one["delta"]) for one in lines[1:]] == [-1.0] * 5


class Tags(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append(tag)


def test_markdown_shows_words_as_they_are(project: Project) -> None:
    words = "a | b <script> ``` @somebody #12 *bold* [x](y)"
    project.start()
    project.write("app.txt", "```\n<script>\n")
    project.try_value(8, words)

    page = MarkdownIt("commonmark").enable("table").render(exported(project.lab.for_reading(), "md"))

    tags = Tags(page).found
    assert {"script", "em", "a"} & set(tags) == set()
    assert (tags.count("tr"), tags.count("td"), tags.count("details")) == (2, 5, 1)
    assert "@<!-- -->somebody" in page
    assert "#<!-- -->12" in page
    assert "+```" in page


def test_a_long_session_lists_its_newest_keeps_and_no_line_of_a_thousand_commits(project: Project) -> None:
    fill(project.start(), *long(1000))

    told = seen(project)

    assert (len(told.kept), told.summary.keeps) == (40, 100)
    assert told.kept[-1].iteration == 1000
    assert "60 earlier ones are left out" in exported(project.lab.for_reading(), "md", 0, 50)


@pytest.mark.parametrize("format", ["text", "md"])
def test_what_a_model_reads_of_a_long_session_stays_short(project: Project, format: str) -> None:
    project.start()
    project.write("app.txt", "a line of the change\n" * 500)
    project.try_value(9, "w" * 500)
    fill(
        project,
        *(one.model_copy(update={"iteration": one.iteration + 1, "description": "w" * 500}) for one in long(500)),
    )

    assert len(project.review.report(format).model_dump_json()) < 10_000


def test_a_keep_that_was_taken_back_is_told_so(tmp_path: Path) -> None:
    project = Project(tmp_path / "repo", verify="cat src/* value.txt | sort -n | head -1")
    project.write("src/a.txt", "40\n").write("src/b.txt", "40\n").commit("parts")
    project.start()
    for name, number in (("src/a.txt", 9), ("src/b.txt", 5), ("src/a.txt", 4)):
        project.write(name, f"{number}\n")
        project.loop.iterate(f"{name} is {number}")

    project.loop.undo(2)

    told = seen(project)
    assert [(one.iteration, one.taken_back) for one in told.kept] == [(1, False), (2, True), (3, False), (4, False)]
    assert told.whole.files == ("src/a.txt",)
    assert "#2 " in project.review.report().report
    assert ", taken back  src/b.txt is 5" in project.review.report().report
    assert "### Kept: 2 of 4" in project.review.report("md").report
    watch = Watch(Lab(project.root, follows=True))
    page, rows = watch.update(3)
    legend = next(one.legend for one in page.sections if isinstance(one, Drawing))
    assert [(words, count) for _, words, count, _ in legend] == [("baseline", 1), ("kept", 2), ("taken back", 2)]
    assert [(one.row.iteration, str(one.mark)) for one in rows] == [(2, "taken back"), (4, "taken back")]
    assert ("Kept", "2 of 4") in [(one.name, one.value) for one in page.facts]
    assert "2 kept" in project.review.report("html").report
    project.loop.undo(3, force=True)
    assert [one.value for one in seen(project).kept] == pytest.approx([-10, -400 / 9, -20, 0, 125])
