"""Reports as picture and page, asked for as tools are: what the client gets, and what lies beside the results."""

from __future__ import annotations

import io
import re
import sqlite3
import zlib
from base64 import b64decode
from contextlib import closing

import pytest
from mcp import Client
from mcp.types import ImageContent
from PIL import Image

from autoresearch_mcp.server.app import build_server
from autoresearch_mcp.server.watching import Watch
from autoresearch_mcp.tools.decision.decide import Status
from autoresearch_mcp.tools.decision.measured import GuardResult, Place
from autoresearch_mcp.tools.errors import Refusal
from autoresearch_mcp.tools.lab.access import Lab
from autoresearch_mcp.tools.report.page import PatchLine, patch_lines
from autoresearch_mcp.tools.report.rendering import render_page
from autoresearch_mcp.tools.report.sections import SECTIONS
from autoresearch_mcp.tools.report.words import duration, size
from autoresearch_mcp.tools.report.writing import MOST_SHOWN
from autoresearch_mcp.tools.session.events import Verified
from conftest import Project
from filled import HOSTILE, events, fill, long, row
from pages import Reader

PICTURE, PAGE = "autoresearch-progress.png", "autoresearch-report.html"


def page_of(project: Project) -> Reader:
    project.review.report("html")
    return Reader(project.read(PAGE))


def test_a_picture_and_a_page_are_written_beside_the_results_where_git_does_not_see_them(project: Project) -> None:
    project.start()
    project.try_value(8, "eight")

    shown, page = project.review.report("png"), project.review.report("html")

    assert (shown.file, page.file) == (PICTURE, PAGE)
    with Image.open(project.root / PICTURE) as image:
        assert image.size == (1400, 800)
    assert shown.report == page.report
    assert shown.report.startswith("10 → 8, -20.00 %, best at #1; 1 try, 1 kept")
    assert project.git("status", "--porcelain") == ""


def test_looking_at_a_session_does_not_disturb_it(project: Project) -> None:
    project.start()
    lines = project.read(".git/info/exclude").splitlines(keepends=True)
    earlier = [line for line in lines if PICTURE not in line and PAGE not in line]
    project.write(".git/info/exclude", "".join(earlier))  # as in a session that an earlier version began
    project.review.report("png")
    project.review.report("html")

    assert project.try_value(8).status == "keep"
    context = project.lab.for_reading()
    runs = [event for event in context.journal.of_iteration(context.active.id, 1) if isinstance(event, Verified)]
    places = [run.measurement.receipt.place for run in runs if run.measurement.receipt]
    assert places == [Place.CHECKOUT, Place.CLEAN, Place.CLEAN]
    assert "no record was edited" in project.review.report().report


@pytest.mark.parametrize("format", ["png", "html"])
def test_a_file_of_the_users_by_that_name_is_left_alone(project: Project, format: str) -> None:
    project.start()
    name = PICTURE if format == "png" else PAGE
    project.write(name, "the user's own")

    with pytest.raises(Refusal, match="is not ours"):
        project.review.report(format)

    assert project.read(name) == "the user's own"


@pytest.mark.parametrize("format", ["png", "html"])
def test_the_next_report_takes_the_place_of_the_last_one(project: Project, format: str) -> None:
    project.start()
    name = PICTURE if format == "png" else PAGE
    project.review.report(format)
    first = (project.root / name).read_bytes()
    project.try_value(8)

    project.review.report(format)

    assert (project.root / name).read_bytes() != first


def test_one_that_git_tracks_is_left_alone(project: Project) -> None:
    project.start()
    project.review.report("png")
    project.sessions.finish_session()
    project.git("add", "--force", PICTURE)
    project.git("commit", "--quiet", "-m", "the picture")
    project.start()
    project.try_value(8)

    with pytest.raises(Refusal, match="git rm --cached"):
        project.review.report("png")

    assert project.git("status", "--porcelain") == ""


def test_another_format_is_refused_with_those_that_there_are(project: Project) -> None:
    project.start()

    with pytest.raises(Refusal, match="Use one of: text, md, png, html"):
        project.review.report("pdf")


@pytest.mark.anyio
@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_the_client_gets_the_picture_as_an_image_beside_the_words(project: Project, mode: str) -> None:
    project.start()
    async with Client(build_server(Lab(project.root)), mode=mode) as client:
        result = await client.call_tool("report", {"format": "png"})

    words, image = result.content
    assert isinstance(image, ImageContent)
    assert image.mime_type == "image/png"
    assert Image.open(io.BytesIO(b64decode(image.data))).size == (1400, 800)
    assert "Written to autoresearch-progress.png" in getattr(words, "text", "")
    assert result.structured_content is not None
    assert result.structured_content["file"] == PICTURE
    assert image.data not in str(result.structured_content)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def test_the_page_needs_nothing_from_outside(project: Project) -> None:
    page = page_of(fill(project.start(), *long(30)))

    links = [value for _, a in page.found for name, value in a.items() if name in {"src", "href", "data-src"}]
    assert all(str(link).startswith("#") for link in links)
    assert {"link", "img", "iframe", "base", "object"} & {tag for tag, _ in page.found} == set()
    assert not re.search(r"url\((?!#)|@import|https?://(?!www\.w3\.org/)", project.read(PAGE))
    policy = next(a["content"] for tag, a in page.found if a.get("http-equiv") == "Content-Security-Policy")
    assert "default-src 'none'" in str(policy)
    assert "script-src 'sha256-" in str(policy)


def test_the_page_tells_every_try_with_its_change_samples_guards_and_receipts(project: Project) -> None:
    project.start()
    project.try_value(8, "eight")
    project.write("app.txt", "bad\n").write("value.txt", "7\n")
    project.loop.iterate("a guard fails")
    project.loop.revert()
    project.loop.log()
    project.try_value("nonsense", "no number")

    page = page_of(project)

    assert page.tries() == ["try-3", "try-2", "try-1", "try-0"]
    for words in ("eight", "-10\n", "+8\n", "Guard failed", "sh check.sh", "Near misses", "#2", "no number"):
        assert words.strip() in page.text, words
    assert page.text.count("Receipts") == 4
    assert "no record was edited, and none is missing before the last" in page.text
    assert {"added", "removed"} <= {str(a.get("class")) for tag, a in page.found if tag == "span"}


def test_nothing_that_an_agent_or_a_command_says_becomes_markup(project: Project) -> None:
    context = project.start().lab.for_reading()
    failed = GuardResult(guard=HOSTILE, passed=False, seen=HOSTILE, tail=HOSTILE)
    hostile = row(
        1, metric=9.0, description=HOSTILE, learned=HOSTILE, hypothesis=HOSTILE, why=HOSTILE, files=(HOSTILE,)
    )
    context.record(*events(hostile, output=HOSTILE, guards=(failed,)))
    crashed = row(2, Status.CRASH, None, description='x" onmouseover="alert(3)')
    context.record(*events(crashed, output="</pre><script>alert(4)</script>"))

    page = page_of(project)

    tags = [tag for tag, _ in page.found]
    assert tags.count("script") == 1
    assert "img" not in tags
    assert not [name for _, a in page.found for name in a if name.startswith("on")]
    assert page.open == []
    assert "{{ 7*7 }}" in page.text
    assert page.text.count(HOSTILE) >= 5


def test_a_secret_in_a_change_is_masked_on_the_page(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("API_TOKEN", "tok-4f9a8b7c6d5e4f3a2b1c")
    project.start()
    project.write("app.txt", "token = tok-4f9a8b7c6d5e4f3a2b1c\n")
    project.try_value(8)

    project.review.report("html")

    assert "tok-4f9a8b7c6d5e4f3a2b1c" not in project.read(PAGE)


@pytest.mark.parametrize("count", [0, 1, 30, 1000])
def test_a_page_of_any_length_is_whole_and_of_a_sane_size(project: Project, count: int) -> None:
    page = page_of(fill(project.start(), *long(count)))

    assert page.open == []
    assert len(page.tries()) == min(count + 1, MOST_SHOWN)
    assert len(page.tries()) + len(page.packed()) == count + 1
    assert len(project.read(PAGE)) < 100_000 + 4000 * min(count, MOST_SHOWN)
    assert len([tag for tag, _ in page.found if tag == "use"]) == count + 1


def test_a_row_more_costs_a_long_page_a_few_bytes(project: Project) -> None:
    sizes: list[int] = []
    for rows in (long(3000)[:1500], long(3000)[1500:]):
        page_of(fill(project if sizes else project.start(), *rows))
        sizes.append((project.root / PAGE).stat().st_size)

    assert sizes[1] - sizes[0] < 1500 * 80
    assert sizes[1] < 1_000_000


def test_every_row_of_a_long_page_is_found(project: Project) -> None:
    rows = long(3000)
    rows[16] = row(17, description="a needle  in\nthe hay", learned="it is sharp", files=("src/hay.txt",), metric=11.5)
    page = page_of(fill(project.start(), *rows))

    there = [int(name.removeprefix("try-")) for name in page.tries()]
    packed = {int(one[0]): one for one in page.packed()}
    assert sorted([*there, *packed]) == list(range(3001))
    assert "2,501 more tries" in page.text
    assert {0, 3000, 2900} <= set(there)
    assert packed[17] == (
        "17", "discard", "discard", "11.5", "+1.51667", "1.5 s", "a needle in the hay", "it is sharp src/hay.txt"
    )  # fmt: skip


def test_a_live_page_asks_for_the_rows_that_it_does_not_show(project: Project) -> None:
    watch = Watch(Lab(fill(project.start(), *long(1000)).root, follows=True))

    page = Reader(render_page(watch.page(), live="s1:1000"))

    assert "701 more tries" in page.text
    assert [a["data-rest"] for _, a in page.found if "data-rest" in a] == ["live"]
    assert zlib.decompress(watch.packed()).decode().partition("\x1e")[0].split("\n") == [
        str(n) for n in range(1000, -1, -1)
    ]


def test_earlier_sessions_of_the_same_metric_are_segments_of_the_picture(project: Project) -> None:
    fill(project.start(), *long(10))
    project.sessions.finish_session()
    project.start()
    project.try_value(8)

    page = page_of(project)

    assert [a["data-first"] for tag, a in page.found if "data-first" in a] == ["0", "11"]
    assert page.tries() == ["try-1", "try-0"]


def test_a_session_of_another_metric_is_none(project: Project) -> None:
    fill(project.start(), *long(10))
    project.sessions.finish_session()
    project.plan = project.plan.model_copy(update={"metric": "other"})
    project.start()

    assert [a["data-first"] for _, a in page_of(project).found if "data-first" in a] == ["0"]


def test_a_broken_journal_is_said_first(project: Project) -> None:
    fill(project.start(), *long(5))
    project.sessions.finish_session()
    project.start()
    with closing(sqlite3.connect(project.root / ".git/autoresearch/journal.db")) as link, link:
        link.execute("DROP TRIGGER event_is_never_changed")
        link.execute("UPDATE event SET body = replace(body, '\"try 4\"', '\"try x\"') WHERE kind = 'logged'")

    page = page_of(project)

    assert any(str(a.get("class")) == "state bad" for _, a in page.found)
    assert "JOURNAL BROKEN" in page.text


def test_a_session_whose_commits_are_gone_can_still_be_read(project: Project) -> None:
    project.start()
    project.try_value(8)
    context = project.lab.for_reading()
    lost = context.active.head
    project.git("reset", "--quiet", "--hard", "HEAD~1")
    (project.root / ".git" / "objects" / lost[:2] / lost[2:]).unlink()

    assert "git no longer has the commits" in page_of(project).text


def test_a_section_more_is_a_function_more(project: Project) -> None:
    assert len(SECTIONS) == len({section.__name__ for section in SECTIONS})


@pytest.mark.parametrize(
    ("patch", "kinds"),
    [
        ("", ""),
        (
            "diff --git a/x b/x\nindex 1..2 100644\n--- a/x\n+++ b/x\n@@ -1,2 +1,2 @@\n--- dashes\n-b\n+++ pluses\n same\n",
            "file hunk removed added same",
        ),
        ("diff --git a/x b/x\nnew file mode 100644\nBinary files differ\n", "file hunk"),
    ],
    ids=["empty", "lines that look like headers", "binary"],
)
def test_a_patch_is_told_line_by_line(patch: str, kinds: str) -> None:
    assert " ".join(kind for kind, _ in patch_lines(patch, 1000)) == kinds


def test_a_long_patch_says_how_much_was_cut() -> None:
    patch = "diff --git a/x b/x\n@@ -1 +1 @@\n" + "+line\n" * 500

    kind, words = patch_lines(patch, 600)[-1]

    assert kind is PatchLine.HUNK
    assert re.fullmatch(r"… 4\d\d more lines", words)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.0, "0 ms"), (0.42, "420 ms"), (61.0, "61.0 s"), (600, "10 min"), (7260, "2 h 1 min"), (864000, "10.0 days")],
)
def test_durations_are_short(seconds: float, words: str) -> None:
    assert duration(seconds) == words


def test_sizes_are_short() -> None:
    assert [size(amount) for amount in (5, 1200, 64e6, 2.5e9)] == ["5 B", "1.2 kB", "64 MB", "2.5 GB"]


def test_a_finished_session_took_as_long_as_it_took(project: Project) -> None:
    project.start()
    project.try_value(9)
    project.now += 120
    project.sessions.finish_session()
    project.now += 86_400

    assert "2 min" in project.review.report("png").report
