"""Fixing: the server finds what is broken and counts it; the ordinary loop brings the count down, one error at a time."""

from __future__ import annotations

import sqlite3
import time
from dataclasses import replace
from pathlib import Path

import pytest

from autoresearch_mcp.server.main import main
from autoresearch_mcp.tools.diagnostics.diagnostic import Trouble
from autoresearch_mcp.tools.diagnostics.inspection import Detection, inspection_of
from autoresearch_mcp.tools.errors import Code, Refusal
from autoresearch_mcp.tools.lab.access import Lab
from autoresearch_mcp.tools.plan.model import Plan
from autoresearch_mcp.tools.verbs.loop_answers import Iterated
from autoresearch_mcp.tools.verbs.planning import agree_to, wanted_commands
from autoresearch_mcp.tools.workflows.status import WorkflowAnswer
from conftest import Project
from ledgers import WorkflowAgent

MAKEFILE = """\
test:
\t@python3 -S check.py
types:
\t@python3 -S tool.py WRONG error
lint:
\t@python3 -S tool.py UGLY warning
"""
TOOL = """\
import pathlib, sys
word, severity = sys.argv[1:]
found = 0
for file in sorted(pathlib.Path("src").glob("*.py")):
    for number, line in enumerate(file.read_text().splitlines(), 1):
        if word in line and "noqa" not in line:
            found += 1
            print(f"{file}:{number}: {severity}: {word} in `{line.strip()}`")
sys.exit(found > 0)
"""
CHECK = """\
import pathlib, sys
text = pathlib.Path("src/cart.py").read_text()
names = ["adds", "counts", "names"]
for number, name in enumerate(names, 1):
    print("ok" if name in text else "not ok", number, "-", name)
sys.exit(any(name not in text for name in names))
"""
CART = """\
# adds
total = "WRONG"
price = "WRONG"
ugly = "UGLY"
"""


def shop(root: Path, cart: str = CART) -> Project:
    """A project with two type errors, two failing tests and a warning of its linter."""
    project = Project(root)
    project.write("pyproject.toml", '[project]\nname = "shop"\n').write("Makefile", MAKEFILE)
    project.write("tool.py", TOOL).write("check.py", CHECK).write("src/cart.py", cart)
    project.write(".gitignore", "__pycache__/\n")
    return project.commit("a shop")


class Mender:
    """An agent that mends one project by the plan that the server hands out."""

    def __init__(self, project: Project, *, allow_commands: bool = True) -> None:
        self.project = project
        self.agent = WorkflowAgent(project, "fix", allow_commands=allow_commands)

    def start(self, answer: WorkflowAnswer) -> None:
        self.project.sessions.start_session(Plan.model_validate(answer.plan))

    def replace(self, old: str, new: str, file: str = "src/cart.py") -> None:
        self.project.write(file, self.project.read(file).replace(old, new, 1))

    def iterate(self, description: str) -> Iterated:
        return self.project.loop.iterate(description)

    def mend(self, id: str, old: str, new: str) -> Iterated:
        self.replace(old, new)
        return self.iterate(f"{id}: {new.strip()} in place of {old.strip()}")


_STAGES: dict[str, Mender] = {}


@pytest.fixture
def opened(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Mender:
    """A fix ledger that is open; made once, and copied for each test."""
    if "opened" not in _STAGES:
        _STAGES["opened"] = Mender(shop(tmp_path_factory.mktemp("stage") / "repo"))
        _STAGES["opened"].agent.open(goal="make it whole")
    return Mender(_STAGES["opened"].project.copied(tmp_path / "repo"))


@pytest.fixture
def mender(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, opened: Mender) -> Mender:
    """The same, and a session on its plan."""
    if "started" not in _STAGES:
        twin = Mender(opened.project.copied(tmp_path_factory.mktemp("stage") / "repo"))
        twin.start(twin.agent.status())
        _STAGES["started"] = twin
    return Mender(_STAGES["started"].project.copied(tmp_path / "started"))


def test_the_queue_comes_from_the_server_what_blocks_most_first(opened: Mender) -> None:
    answer = opened.agent.status()

    assert answer.state[0] == "5 errors are left, 5 at the start: 2 test, 2 type, 1 warning."
    assert answer.state[1].startswith('Next: F1 type: src/cart.py:2 WRONG in `total = "WRONG"`')
    assert [line.split()[1].rstrip(":") for line in answer.state[2:6]] == ["type", "test", "test", "warning"]


def test_the_plan_counts_with_the_same_commands_down_to_nothing(opened: Mender) -> None:
    plan = opened.agent.status().plan

    assert (plan["metric"], plan["direction"], plan["target"], plan["read"]) == ("errors", "lower", "0", "channel")
    assert all(f"'make {target}'" in plan["verify"] for target in ("test", "types", "lint"))
    assert "--tests 3" in plan["verify"]
    assert plan["scope"] == ["*.py", "src/**/*.py"]
    assert {"pyproject.toml", "Makefile"} <= set(plan["protected"])


def test_a_whole_run_ends_with_nothing_broken_and_files_that_say_so(mender: Mender) -> None:
    first = mender.mend("F1", "WRONG", "right")
    assert (first.status, first.metric, first.delta) == ("keep", 4, -1)
    assert first.note.startswith("F1 is not found any more. 4 open. Next: F2 type:")
    mender.mend("F2", "WRONG", "right")
    assert mender.mend("F3", "# adds\n", "# adds and counts\n").status == "keep"
    mender.mend("F4", "counts\n", "counts and names\n")
    last = mender.mend("F5", "UGLY", "plain")

    assert (last.metric, last.phase) == (0, "ended")
    mender.project.sessions.finish_session()
    closed = mender.agent.close()

    assert closed.status == "complete"
    assert closed.scores == {"fix": 100}
    assert "5 errors at the start, 0 at the end, both counted by the server" in mender.agent.file(closed, "errors.md")
    handed = mender.agent.handoff(closed)
    assert {one["outcome"] for one in handed["findings"]} == {"fixed"}
    assert handed["findings"][0]["settled_by"] == f"commit {first.commit[:7]}"
    assert handed["config"]["mended for its reproduction only"] == "F3, F4"
    summary = mender.agent.file(closed, "summary.md")
    assert "- mended for its reproduction only: F3, F4" in summary
    assert f"**FIXED** by commit {first.commit[:7]}" in summary


@pytest.mark.parametrize(
    ("code", "description", "told"),
    [
        (Code.OUT_OF_ORDER, "make it right", "Begin the description with its id, as `F1: what you changed and why`"),
        (Code.OUT_OF_ORDER, "F9: make it right", "There is no F9"),
        (Code.OUT_OF_ORDER, "F5: prettier", "F5 is of kind warning; type comes first: F1, F2"),
        (Code.OUT_OF_ORDER, "F1, F2: both", "Begin the description with its id"),
    ],
)
def test_an_iteration_works_on_one_error_whose_turn_it_is(
    mender: Mender, code: Code, description: str, told: str
) -> None:
    mender.replace("WRONG", "right")
    before = mender.project.picture()

    with pytest.raises(Refusal) as refused:
        mender.iterate(description)

    assert refused.value.code is code
    assert told in refused.value.message
    assert mender.project.picture() == before


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('total = "WRONG"', 'total = "WRONG"  # noqa', "comment that silences a tool at src/cart.py:2"),
        ('total = "WRONG"', '# total = "WRONG"', "code commented out at src/cart.py:2"),
        (
            'total = "WRONG"',
            'import typing\ntotal: typing.Any = "right"  # type: ignore',
            "comment that silences a tool at src/cart.py:3",
        ),
    ],
)
def test_a_change_that_only_hides_an_error_is_refused_with_the_line(
    mender: Mender, old: str, new: str, told: str
) -> None:
    mender.replace(old, new)

    with pytest.raises(Refusal) as refused:
        mender.iterate("F1: hide it")

    assert refused.value.code is Code.SUPPRESSED
    assert told in refused.value.message
    assert "mend the cause" in refused.value.message
    assert mender.project.statuses() == ["baseline"]


def test_what_steers_the_tools_cannot_be_loosened(mender: Mender) -> None:
    mender.replace("WRONG", "NOTHING", "Makefile")

    with pytest.raises(Refusal) as refused:
        mender.iterate("F1: look for nothing")

    assert refused.value.code is Code.OUTSIDE_SCOPE


def test_what_another_iteration_mended_is_told_with_its_commit(mender: Mender) -> None:
    mender.replace("WRONG", "right")
    both = mender.mend("F1", "WRONG", "right")
    mender.project.sessions.finish_session()

    closed = mender.agent.close(why="enough for today")

    mended = [one for one in mender.agent.handoff(closed)["findings"] if one["outcome"]]
    assert [(one["id"], one["settled_by"]) for one in mended] == [
        (id, f"commit {both.commit[:7]}") for id in ("F1", "F2")
    ]


def test_what_a_discarded_change_broke_is_named(mender: Mender) -> None:
    mender.project.write("src/cart.py", CART.replace("# adds\n", "# counts\n"))

    tried = mender.iterate("F1: another name")

    assert tried.status == "discard"
    assert tried.note.startswith("It broke: test: adds failed (make test). 5 open.")


def test_an_error_that_only_moved_is_taken_back(mender: Mender) -> None:
    moved = mender.mend("F1", 'total = "WRONG"', 'sum = "WRONG"')

    assert (moved.status, moved.delta) == ("discard", 0)
    assert mender.project.read("src/cart.py") == CART


def test_an_error_whose_line_was_edited_on_the_way_stays_the_one_it_was(tmp_path: Path) -> None:
    project = shop(tmp_path / "repo", "# adds counts names\n[WRONG] + [UGLY]\n")
    project.write("tool.py", TOOL.replace(" in `{line.strip()}`", "")).commit("messages without the line")
    made = Mender(project)
    made.start(made.agent.open())

    first = made.mend("F1", "[WRONG] + [UGLY]", "[UGLY]")

    assert first.note.startswith("F1 is not found any more. 1 open. Next: F2 warning")
    assert made.agent.status().coverage == ["errors found no more by the loop 1/2"]
    made.agent.restart()
    assert made.mend("F2", "[UGLY]\n", "").metric == 0
    made.project.sessions.finish_session()
    assert made.agent.close().coverage == ["errors fixed 2/2"]


def test_three_failed_iterations_block_an_error_and_name_the_next(mender: Mender) -> None:
    for name in ("one", "two"):
        assert mender.mend("F1", "total", name).status == "discard"
    third = mender.mend("F1", "total", "three")

    assert third.note.startswith("F1 is blocked. 4 open. Next: F2")
    mender.replace("WRONG", "right")
    with pytest.raises(Refusal, match=r"F1 is blocked\. Work on one of: F2"):
        mender.iterate("F1: once more")
    mender.replace('"right"', '"WRONG"')
    mender.replace('price = "WRONG"', 'price = "right"')
    assert mender.iterate("F2: a right price").status == "keep"
    mender.project.sessions.finish_session()
    closed = mender.agent.close(why="enough for today")
    told = mender.agent.file(closed, "errors.md")
    assert told.count("(discard)") == 3
    assert "## Blocked\n\n- **F1** type: src/cart.py:2" in told


def test_tests_that_run_no_more_are_errors_not_progress(tmp_path: Path) -> None:
    made = Mender(shop(tmp_path / "repo"))
    answer = made.agent.open(category="test")
    made.start(answer.model_copy(update={"plan": {**answer.plan, "protected": ["Makefile"]}}))
    made.replace('names = ["adds", "counts", "names"]', 'names = ["adds"]', "check.py")

    tried = made.iterate("F1: ask for less")

    assert (tried.status, tried.metric, tried.delta) == ("discard", 2, 0)


def test_green_tests_guard_and_a_change_that_breaks_one_is_not_kept(tmp_path: Path) -> None:
    made = Mender(shop(tmp_path / "repo", CART.replace("# adds", "# adds counts names")))
    answer = made.agent.open()
    made.start(answer)
    made.project.write("src/cart.py", "# adds counts\n")

    tried = made.iterate("F1: three errors less and a test broken")

    assert answer.plan["guards"] == ["make test"]
    assert (tried.metric, tried.guard, tried.phase) == (1, "fail", "rework")


def test_red_tests_may_not_become_more(mender: Mender) -> None:
    mender.project.write("src/cart.py", "# nothing\n")

    tried = mender.iterate("F1: three errors less and a third test broken")

    assert (tried.metric, tried.guard, tried.phase) == (3, "fail", "rework")
    assert tried.guards[0].guard == "failing_tests"


def test_a_tool_that_cannot_run_is_a_failed_measurement_never_a_better_number(mender: Mender) -> None:
    mender.project.write("tool.py", "import sys\nsys.exit(127)\n")
    crashed = mender.iterate("F1: no tool, no error")

    assert (crashed.metric, crashed.phase) == (None, "fix")
    assert "could not run #1: `make types`" in crashed.output


def test_a_tool_that_crashes_is_an_error_that_outweighs_all_others(mender: Mender) -> None:
    mender.project.write("tool.py", "import sys\nsys.exit('out of ideas')\n")
    crashed = mender.iterate("F1: no tool, no error")

    assert (crashed.status, crashed.metric) == ("discard", 10_000**3 + 2)


def test_a_file_with_an_error_can_be_mended_wherever_it_is_but_a_scope_that_was_asked_for_is_not_widened(
    tmp_path: Path,
) -> None:
    made = Mender(shop(tmp_path / "repo"))
    made.project.write("tool.py", TOOL.replace('Path("src").glob("*.py")', 'Path(".").rglob("[at]*.py")'))
    made.project.write("tests/test_a.py", "ugly = 'UGLY'\n").write("src/a.py", "ugly = 'UGLY'\n").commit("more")

    wide = made.agent.open(category="lint").plan
    made.agent.close(why="another scope")
    narrow = made.agent.open(category="lint", scope=["src/**"]).plan

    assert "tests/test_a.py" in wide["scope"]
    assert "!tests/test_a.py" in wide["protected"]
    assert narrow["scope"] == ["src/**"]


def test_what_was_masked_joins_the_queue_and_is_no_step_back(tmp_path: Path) -> None:
    made = Mender(shop(tmp_path / "repo"))
    made.project.write("Makefile", MAKEFILE + "build:\n\t@python3 -S tool.py BROKEN 'fatal error'\n")
    made.project.write("types.sh", "").write(
        "tool.py",
        TOOL.replace(
            "found = 0", 'found = 0\nhide = word != "BROKEN" and "BROKEN" in pathlib.Path("src/cart.py").read_text()'
        ).replace("if word in line", "if not hide and word in line"),
    )
    made.project.write("src/cart.py", CART + "BROKEN\n").commit("broken")
    answer = made.agent.open()
    made.start(answer)
    assert answer.state[1].startswith("Next: F1 build: src/cart.py:5 BROKEN")
    assert len(made.agent.status().state) < 6

    fixed = made.mend("F1", "BROKEN\n", "")

    assert fixed.status == "keep"
    assert fixed.metric == 5
    assert (fixed.phase, answer.plan["target"]) == ("ended", "9999")
    assert "F1 is not found any more. 5 open. Nothing hides others any more" in fixed.note
    assert made.agent.status().coverage == ["errors found no more by the loop 1/6"]
    made.project.sessions.finish_session()
    again = made.agent.run()
    assert again.state[1].startswith("Next: F4 type")
    assert (again.plan["target"], again.plan["guard_metrics"][0].split(":")[0]) == ("0", "failing_tests lower 0")


def test_the_gate_tells_of_what_the_target_allows(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = Mender(shop(tmp_path / "repo"))
    left = made.agent.open(target=9).state[0].partition(" ")[0]
    closed = made.agent.close()

    assert f"Complete: {left} left, allowed by the target." in made.agent.file(closed, "summary.md")
    assert main(["--root", str(made.project.root), "gate", "--complete", "fix"]) == 0
    assert f"fix ledger: ended complete: {left} left, allowed by the target" in capsys.readouterr().out


def test_a_command_without_consent_is_not_run_and_is_offered_to_a_person(tmp_path: Path) -> None:
    made = Mender(shop(tmp_path / "repo"), allow_commands=False)
    with pytest.raises(Refusal) as refused:
        made.agent.open()
    lab = Lab(made.project.root)

    assert refused.value.code is Code.CONSENT_NEEDED
    assert wanted_commands(lab) == ("make test", "make types", "make lint")

    agree_to(lab, wanted_commands(lab), "in a test")
    answer = made.agent.open()
    assert lab.for_reading().consent.missing(Plan.model_validate(answer.plan)) == ()


def test_consent_to_the_commands_covers_the_count_of_them_and_nothing_more(tmp_path: Path) -> None:
    made = Mender(shop(tmp_path / "repo"), allow_commands=False)
    lab = Lab(made.project.root)
    consent = lab.for_reading().consent
    consent.approve(("make test", "make types", "make lint"), "in a test")
    plan = Plan.model_validate(made.agent.open().plan)

    counted = inspection_of(plan.verify)
    assert counted is not None
    more = replace(counted, detections=(*counted.detections, Detection(Trouble.LINT, "touch evil")))
    forms = ("{}; touch evil", "{} --lint 'touch evil'", "cd .. && {}", "{} > evil", "PATH=. {}")
    for bent in (more.command_line(), *(form.format(plan.verify) for form in forms)):
        assert consent.missing(plan.model_copy(update={"verify": bent})) == (bent,)


def test_a_new_server_goes_on_where_the_last_one_was(mender: Mender) -> None:
    mender.mend("F1", "WRONG", "right")
    before = mender.agent.status()

    mender.agent.restart()
    mender.project.restart()

    assert mender.agent.status() == before
    assert mender.agent.open(goal="make it whole") == before
    assert mender.mend("F2", "WRONG", "right").note.startswith("F2 is not found any more. 3 open.")
    assert len({line.split()[0] for line in mender.agent.status().state[2:4]}) == 2


def test_what_cannot_be_mended_here_is_set_aside_for_a_person(mender: Mender) -> None:
    mender.agent.record({"kind": "set-aside", "item": "F1", "reason": "the price list comes from another team"})
    with pytest.raises(Refusal, match="A1 already stands at F1"):
        mender.agent.record({"kind": "set-aside", "item": "F1", "reason": "really"})

    mender.replace('price = "WRONG"', 'price = "right"')
    assert mender.iterate("F2: a price").status == "keep"
    mender.project.sessions.finish_session()
    closed = mender.agent.close(why="the rest tomorrow")

    assert closed.status == "interrupted"
    assert ": the price list comes from another team" in mender.agent.file(closed, "errors.md")
    left = [one["id"] for one in mender.agent.handoff(closed)["findings"] if not one["outcome"]]
    assert set(left) == {"F1", "F3", "F4", "F5"}
    assert mender.agent.handoff(closed)["config"]["metric"] == "errors"


def test_errors_that_were_all_set_aside_are_left_and_no_gate_passes(mender: Mender) -> None:
    mender.agent.taken(*({"kind": "set-aside", "item": f"F{number}", "reason": "not today"} for number in range(1, 6)))
    mender.project.sessions.finish_session()

    assert mender.agent.close().status == "blocked"
    assert main(["--root", str(mender.project.root), "gate", "--complete", "fix"]) == 1


def test_errors_are_never_taken_from_the_agent(mender: Mender) -> None:
    with pytest.raises(Refusal, match="`kind` has to be one of set-aside"):
        mender.agent.record({"kind": "error", "found": {"trouble": "lint", "tool": "me", "message": "so I say"}})


def test_the_ledger_stays_open_while_errors_are(mender: Mender) -> None:
    with pytest.raises(Refusal, match="finish_session first"):
        mender.agent.close()
    mender.project.sessions.finish_session()
    with pytest.raises(Refusal, match="5 open errors: F1, F2"):
        mender.agent.close()


def test_what_was_hidden_outside_the_session_is_counted_at_the_end(mender: Mender) -> None:
    mender.project.sessions.finish_session()
    mender.replace('total = "WRONG"', 'total = "WRONG"  # noqa')
    mender.project.commit("by hand")

    closed = mender.agent.close(why="done by hand")

    assert closed.scores == {"fix": 0}
    assert "comment that silences a tool at src/cart.py:2" in mender.agent.file(closed, "errors.md")


def test_a_secret_in_a_message_is_masked_wherever_it_is_kept(tmp_path: Path) -> None:
    made = Mender(shop(tmp_path / "repo", CART.replace('price = "WRONG"', 'key = "WRONG AKIAIOSFODNN7EXAMPLE"')))

    answer = made.agent.open()
    made.start(answer)

    assert "[masked:" in answer.text()
    assert "AKIAIOSFODNN7EXAMPLE" not in answer.text() + made.agent.status().text()
    with sqlite3.connect(made.project.root / ".git" / "autoresearch" / "journal.db") as link:
        assert not link.execute("SELECT 1 FROM event WHERE body LIKE '%AKIAIOSFODNN7%'").fetchall()


def test_uncommitted_edits_are_not_counted(tmp_path: Path) -> None:
    made = Mender(shop(tmp_path / "repo"))
    made.replace("WRONG", "right")

    with pytest.raises(Refusal, match=r"Uncommitted changes: src/cart\.py"):
        made.agent.open()


def test_edits_that_nobody_committed_close_no_ledger(opened: Mender) -> None:
    opened.project.write("src/cart.py", "# adds counts names\n")

    with pytest.raises(Refusal, match=r"Uncommitted changes: src/cart\.py"):
        opened.agent.close()

    assert opened.agent.status().open


def test_a_file_that_git_does_not_have_decides_nothing_at_the_end(tmp_path: Path) -> None:
    made = Mender(shop(tmp_path / "repo"))
    made.project.write(
        "check.py", CHECK.replace("text =", "off = 'adds counts names' * pathlib.Path('.off').exists()\ntext = off +")
    )
    made.project.commit("a switch")
    made.agent.open(category="test")
    made.project.write(".git/info/exclude", ".off\n").write(".off", "")

    looked = made.agent.run()

    assert looked.coverage[0] == "errors fixed 0/2"
    with pytest.raises(Refusal, match="2 open errors: F1, F2"):
        made.agent.close()
    told = looked.state[1]
    assert told.startswith("Counted in a clean checkout of HEAD: 2 errors, not the 0 of the last count before.")
    assert ".off" in told


@pytest.mark.parametrize(("edited", "ending"), [(False, "complete"), (True, "blocked")])
def test_dependencies_are_there_at_the_end_and_what_changed_in_them_is_named(
    edited: bool, ending: str, tmp_path: Path
) -> None:
    made = Mender(shop(tmp_path / "repo"))
    checker = ".venv/lib/checker.py"
    made.project.write(checker, CHECK).write(".gitignore", ".venv/\n__pycache__/\n")
    made.project.write("Makefile", "test:\n\t@python3 -S .venv/lib/checker.py\n").commit("a tool of its own")
    made.project.now = time.time()
    made.agent.open(category="test")
    made.project.write("src/cart.py", "# adds counts names\n").commit("mended")
    made.project.write(".venv/.cache/seen", "")
    if edited:
        made.project.write(checker, f"# another\n{CHECK}")

    closed = made.agent.close()

    assert closed.status == ending
    assert (f"changed since the opening: {checker}" in made.agent.file(closed, "errors.md")) == (ending == "blocked")


def test_an_unknown_category_is_refused_with_those_that_there_are(tmp_path: Path) -> None:
    with pytest.raises(Refusal, match=r"beauty: no category\. Use build, test, type, lint, warning, bug"):
        Mender(shop(tmp_path / "repo")).agent.open(category="beauty")


def test_a_finding_of_debug_is_counted_by_its_own_command(tmp_path: Path) -> None:
    made = Mender(shop(tmp_path / "repo", 'words = "adds counts names"\nfee = 2\nunit = 1\n'))
    debug = WorkflowAgent(made.project, "debug")
    debug.open(goal="fees", chain="fix")
    cited = {"location": "src/cart.py:2", "quote": "fee = 2"}
    debug.record({**HYPOTHESIS, **cited, "claim": "the fee is a typing error", **fee(2)})
    debug.record({**FINDING, **cited, "hypothesis": "H1"})
    debug.record({**FINDING, "location": "src/cart.py:1", "quote": 'words = "adds', "hypothesis": "H1",
                  "summary": "Names are lost at night", **fee(3)})  # fmt: skip
    debug.record({**FINDING, "location": "src/cart.py:3", "quote": "unit = 1", "hypothesis": "H1",
                  "summary": "A unit is missing", "severity": "info",
                  **{key: text.replace("fee", "unit").replace("!= 2", "!= 1") for key, text in fee(2).items()}})  # fmt: skip
    earlier = debug.close()

    answer = made.agent.open()
    made.start(answer)

    assert answer.state[0] == "1 errors are left, 1 at the start: 1 bug."
    assert any("Its own command finds nothing" in line and "Names are lost" in line for line in answer.state)
    assert f"Not counted: not taken of {earlier.ledger}, by what a fix takes: F3 info" in answer.state
    assert debug.handoff(earlier)["findings"][1]["outcome"] == "disproven"
    assert made.mend("F1", "fee = 2", "fee = 1").metric == 0

    gate = ["--root", str(made.project.root), "--allow-commands", "gate", "--fail-on", "high"]
    assert main(gate) == 1
    made.project.sessions.finish_session()
    assert not any("Its own command finds nothing: " in line and "too high" in line for line in made.agent.run().state)
    closed = made.agent.close()
    assert debug.handoff(earlier)["findings"][0]["outcome"] == "fixed"
    assert f"**FIXED** by {closed.ledger}#F1" in debug.file(earlier, "summary.md")
    assert main(gate) == 0

    made.replace("fee = 1", "fee = 2")
    made.project.commit("the old fee")
    assert made.agent.open(after=earlier.ledger).state[0] == "1 errors are left, 1 at the start: 1 bug."
    assert debug.handoff(earlier)["findings"][0]["outcome"] == "confirmed"


def test_a_file_that_git_does_not_have_settles_no_finding(tmp_path: Path) -> None:
    made = Mender(shop(tmp_path / "repo", "import os\nfee = 1 if os.path.exists('local.txt') else 2\n"))
    debug = WorkflowAgent(made.project, "debug")
    debug.open(goal="fees", chain="fix")
    cited = {"location": "src/cart.py:2", "quote": "fee = 1 if"}
    debug.record({**HYPOTHESIS, **cited, "claim": "the fee is a typing error", **fee(2)})
    debug.record({**FINDING, **cited, "hypothesis": "H1"})
    earlier = debug.close()
    made.project.write("local.txt", "")

    answer = made.agent.open()

    assert any("Its own command finds nothing" in line for line in answer.state)
    assert debug.handoff(earlier)["findings"][0]["outcome"] is None


def fee(wrong: int) -> dict[str, str]:
    """An experiment that fails while the fee is this."""
    asserts = f"from src.cart import fee; assert fee != {wrong}, 'too high'"
    return {
        "reproduction": f'python3 -c "{asserts}"',
        "fails_with": "too high",
        "control": "python3 -c 'import src.cart'",
    }


HYPOTHESIS = {
    "kind": "hypothesis",
    "experiment": "read it",
    "seen": "2",
    "outcome": "confirmed",
}
FINDING = {
    "kind": "finding",
    "summary": "The fee is too high",
    "severity": "high",
    "root_cause": "a typing error",
    "impact": "every customer",
}
