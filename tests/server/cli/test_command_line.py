"""The commands for people and scripts, as they are typed: what they print, and how they exit."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from in_process import ask_here

from autoresearch_mcp.server.cli import commands
from autoresearch_mcp.server.cli.commands import COMMANDS
from autoresearch_mcp.server.main import leave_own_environment, main
from autoresearch_mcp.tools.decision.decide import Status
from autoresearch_mcp.tools.errors import Code, Refusal
from comparing import LIGHT
from conftest import Project
from filled import fill, long, row
from ledgers import FINDING, HYPOTHESIS, NO_FAULT, PROOF, SHOP, WorkflowAgent, shop
from wires import Wire

Typed = Callable[..., tuple[int, str]]


@pytest.fixture
def typed(capsys: pytest.CaptureFixture[str]) -> Typed:
    """Runs a command in a repository; gives its exit status and standard output."""

    def run(project: Project, *arguments: str) -> tuple[int, str]:
        status = main(["--root", str(project.root), *arguments])
        return status, capsys.readouterr().out

    return run


def parsed(text: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(text)
    return found


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main([command, "--help"])

    assert left.value.code == 0
    assert "Exit status: 0" in " ".join(capsys.readouterr().out.split())


def test_help_and_version_import_neither_protocol_nor_git() -> None:
    code = (
        "import sys; from autoresearch_mcp.server.main import make_parser; make_parser().format_help(); "
        "print(sorted({'mcp', 'git', 'rich', 'pydantic'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_status_and_history_say_what_the_tools_say(project: Project, typed: Typed) -> None:
    project.start()
    project.try_value(9, "a smaller one")
    project.try_value(12, "a larger one")

    told = typed(project, "status")[1]
    assert "2 iterations: 10 -> 9, -10.00 %, best at iteration 1." in told
    assert "-10.00 %  a smaller one [+1 -1 in value.txt]" in told
    assert parsed(typed(project, "status", "--json")[1])["best"] == 9
    assert "a larger one" not in typed(project, "history", "--status", "keep")[1]
    assert parsed(typed(project, "history", "2", "--json")[1])["rows"][0]["status"] == "discard"
    assert "a smaller one" in typed(project, "report")[1]


def test_all_rows_that_are_asked_for_come_with_what_their_numbers_are_and_what_was_taken_back(
    project: Project, typed: Typed
) -> None:
    project.plan = project.plan.model_copy(update={"unit": "kB"})
    samples = tuple(10.0 + place / 7 for place in range(40))
    kept = row(1, Status.KEEP_REWORKED, 9.0), row(2, Status.KEEP_UNDO, 9.5, undoes=1)
    fill(project.start(), *kept, *(row(number, samples=samples, learned="much " * 80) for number in range(3, 60)))

    lines = typed(project, "history", "--limit", "60")[1].splitlines()
    rows = parsed(typed(project, "history", "--limit", "60", "--json")[1])["rows"]
    page = project.review.history(limit=50)

    assert lines[0] == "iteration\tcommit\tvalue [kB], lower is better\tdelta\tguard\tstatus\tdescription"
    assert (len(lines), len(rows), rows[-1]["samples"]) == (61, 60, [*samples])
    assert lines[2] == "1\t-\t9\t-1\t-\tkeep (reworked), taken back\ttry 1"
    assert typed(project, "history", "--status", "keep")[1].splitlines() == [lines[0], *lines[2:4]]
    assert "taken back" in typed(project, "history", "1")[1]
    assert len(typed(project, "history")[1].splitlines()) == 1 + 20 + 1
    assert 15 < len(page.rows) < 50
    assert page.more.startswith(f"{60 - len(page.rows)} earlier rows, for which an answer has no room: call history")


def test_a_refusal_goes_to_standard_error_and_exits_with_two(
    project: Project, typed: Typed, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--root", str(project.root), "history"]) == 2
    seen = capsys.readouterr()
    assert (seen.out, "There has been no session" in seen.err) == ("", True)

    status, out = typed(project, "workflow", "debug", "--json")
    assert (status, parsed(out)["code"]) == (2, "not-open")


def test_a_ledger_is_opened_and_closed_from_a_script(tmp_path: Path, typed: Typed) -> None:
    project = shop(tmp_path / "repo")

    opened = typed(project, "workflow", "debug", "open", "--set", "goal=totals", "--set", 'scope=["shop/**"]')
    assert "findings shown 0/0" in opened[1]
    closed = parsed(typed(project, "workflow", "debug", "close", "--set", "why=enough", "--json")[1])
    assert closed["status"] == "interrupted"


# --- The gate --------------------------------------------------------------------------------------------------------


def test_the_gate_holds_a_session_to_its_target(tmp_path: Path, typed: Typed) -> None:
    project = Project(tmp_path / "repo", target="5").start()
    project.try_value(7)
    assert typed(project, "gate") == (1, "FAIL    target: best 7, target 5\n")

    project.try_value(5)
    assert typed(project, "gate", "--target") == (0, "pass    target: best 5, target 5\n")


def test_the_gate_tells_what_it_cannot_tell(project: Project, typed: Typed) -> None:
    assert typed(project, "gate")[0] == 2
    assert typed(project, "gate", "--target") == (2, "unknown target: there is no session on this branch\n")
    assert typed(project, "gate", "--regression")[0] == 2
    assert typed(project, "gate", "--complete", "debug")[0] == 2
    assert "is no severity" in typed(project, "gate", "--fail-on", "bad")[1]


def test_the_gate_runs_a_reproduction_again_and_no_word_opens_it(tmp_path: Path, typed: Typed) -> None:
    agent = WorkflowAgent(shop(tmp_path / "repo"), "debug")
    agent.open(goal="totals")
    agent.record(HYPOTHESIS)
    agent.record(FINDING)
    agent.close()
    asked = ("--allow-commands", "gate", "--fail-on", "high", "--json")

    assert typed(agent.project, "gate", "--fail-on", "critical")[0] == 0
    assert (
        "ran 0 of 1 reproductions again, as nobody agreed to any"
        in typed(agent.project, "gate", "--fail-on", "high")[1]
    )
    status, told = typed(agent.project, *asked)
    assert status == 1
    assert parsed(told)["barriers"] == [
        {
            "barrier": "debug findings",
            "passed": False,
            "seen": f"1 at or above high: F1 high; ran 1 of 1 reproductions again at {head(agent.project)}",
        }
    ]


def head(project: Project) -> str:
    return project.git("rev-parse", "HEAD")[:7]


def test_the_gate_looks_at_what_is_committed_unless_it_is_asked_for_more(tmp_path: Path, typed: Typed) -> None:
    project = shop(tmp_path / "repo")
    agent = found_fault(project)
    project.write("shop/cart.py", RIGHT).write(f"{agent.status().folder}/summary.md", "All is well.\n")
    told = typed(project, "gate", "--complete", "debug")[1]
    assert "; not committed: shop/cart.py; not as the ledger gives it: summary.md" in told

    status, told = typed(project, *GATE)
    assert (status, f"again at {head(project)}, without what is not committed: shop/cart.py" in told) == (1, True), told
    status, told = typed(project, *GATE, "--uncommitted")
    assert (status, f"again at {head(project)} and what is not committed: shop/cart.py" in told) == (0, True), told

    project.commit("mended").write("notes.txt", "mine")
    assert typed(project, *GATE)[0] == 0


def test_a_reproduction_that_never_showed_its_finding_opens_no_gate(tmp_path: Path, typed: Typed) -> None:
    agent = WorkflowAgent(shop(tmp_path / "repo"), "debug")
    agent.open(goal="totals")
    agent.record(HYPOTHESIS)
    agent.record(FINDING, **PROOF | {"reproduction": "python3 -c 'import shop.cart, shop.db'"})
    agent.close()

    assert typed(agent.project, "--allow-commands", "gate", "--fail-on", "high")[0] == 1


def found_fault(project: Project, **proof: str) -> WorkflowAgent:
    """An agent whose closed ledger holds a fault that the server saw."""
    agent = WorkflowAgent(project, "debug")
    agent.open(goal="totals")
    agent.record(HYPOTHESIS, **proof)
    agent.record(FINDING)
    agent.close()
    return agent


GATE = ("--allow-commands", "gate", "--fail-on", "high")


def test_no_newer_ledger_and_no_other_branch_hides_what_was_shown(tmp_path: Path, typed: Typed) -> None:
    agent = found_fault(shop(tmp_path / "repo"))
    agent.project.now += 60
    agent.open(goal="something else")
    assert typed(agent.project, *GATE)[0] == 1
    agent.close(why="nothing there")
    assert typed(agent.project, *GATE)[0] == 1

    agent.project.git("switch", "--quiet", "--create", "other")
    agent.project.now += 60
    agent.open(goal="a new leaf")
    assert "1 at or above high: F1 high; ran 1 of 1 reproductions again" in typed(agent.project, *GATE)[1]
    agent.project.write("notes.txt", "x").git("add", ".")
    agent.project.git("commit", "--quiet", "--amend", "--message", "another history")
    agent.project.git("switch", "--quiet", "--create", "third")
    assert typed(agent.project, *GATE)[0] == 1

    agent.project.write("shop/cart.py", SHOP["shop/cart.py"].replace("len(items) - 1", "len(items)")).commit("mended")
    assert typed(agent.project, *GATE)[0] == 0


def test_a_script_that_was_edited_until_it_passes_closes_nothing(tmp_path: Path, typed: Typed) -> None:
    project = shop(tmp_path / "repo")
    script = "import sys\nfrom shop.cart import count\nfor word in sys.argv[1:]:\n    assert count([1] * int(word)) == int(word), 'wrong'\n"
    project.write("shop/show.py", script).commit("a script")
    proof = {"reproduction": "python3 -m shop.show 2", "fails_with": "Error: wrong", "control": "python3 -m shop.show"}
    agent = found_fault(project, **proof)
    earlier = f"{agent.status().ledger}#F1"
    project.write("shop/show.py", script.replace("==", "<=")).commit("edited")

    status, told = typed(project, *GATE)
    assert (status, "with shop/show.py as it was when it showed the fault" in told) == (1, True), told
    project.now += 60
    agent.open(goal="it is over")
    said = {**HYPOTHESIS, **NO_FAULT, "upstream": earlier, "outcome": "disproven"}
    assert f"{earlier} still stands" in agent.refused(Code.EVIDENCE, said)

    project.write("shop/cart.py", SHOP["shop/cart.py"].replace("len(items) - 1", "len(items)")).commit("mended")
    assert typed(project, *GATE)[0] == 0
    agent.record(said, quote="return len(items)")
    status, told = typed(project, "gate", "--fail-on", "high")
    assert (status, told.startswith("unknown debug findings: 0 at or above high; ran 0 of 1")) == (2, True), told


@pytest.mark.parametrize(
    ("reproduction", "file", "text"),
    [
        ("{pytest} tests/test_count.py", "tests/conftest.py", "def pytest_collection_modifyitems(items):\n    items[:] = [one for one in items if one.name == 'test_none']\n"),
        ("{pytest} tests", "tests/test_count.py", "def test_none(): ...\n"),
        ("make shop", "Makefile", "shop: .PHONY\n\ttrue\n.PHONY:\n"),
    ],
)  # fmt: skip
def test_no_change_of_what_says_what_is_run_closes_a_finding(
    tmp_path: Path, typed: Typed, reproduction: str, file: str, text: str
) -> None:
    project = shop(tmp_path / "repo")
    test = "from shop.cart import count\n\n\ndef test_count():\n    assert count([1, 2]) == 2, 'wrong'\n\n\ndef test_none(): ...\n"
    pytest_here = f"PYTHONPATH=. {sys.executable} -m pytest {LIGHT}"
    project.write("tests/test_count.py", test).write(
        "Makefile", f"shop: .PHONY\n\t{pytest_here} tests/test_count.py\n.PHONY:\n"
    )
    project.git("rm", "--quiet", "test_cart.py")
    project.write(".gitignore", "__pycache__/\n").commit("a test")
    control = f"{pytest_here} tests/test_count.py::test_none"
    found_fault(
        project,
        reproduction=reproduction.format(pytest=pytest_here),
        fails_with="AssertionError: wrong",
        control=control,
    )

    project.write(file, text).commit("hidden")

    status, told = typed(project, *GATE)
    assert (status, f"with {file} as it was when it showed the fault" in told) == (1, True), told


RIGHT = SHOP["shop/cart.py"].replace("len(items) - 1", "len(items)")


def test_a_bare_gate_holds_what_was_shown_and_leaves_opinions_alone(tmp_path: Path, typed: Typed) -> None:
    agent = found_fault(shop(tmp_path / "repo"))
    bare = ("--allow-commands", "gate")
    assert "1 at or above info: F1 high; ran 1 of 1" in typed(agent.project, *bare)[1]
    assert typed(agent.project, *bare)[0] == 1

    agent.project.write("shop/cart.py", RIGHT).commit("mended")

    assert typed(agent.project, *bare)[0] == 0


@pytest.mark.parametrize("file", ["shop/cart.py", "shop/__init__.py"])
def test_a_module_that_ends_the_program_well_when_it_is_imported_mends_nothing(
    tmp_path: Path, typed: Typed, file: str
) -> None:
    project = shop(tmp_path / "repo")
    found_fault(project)

    project.write(file, f"import os\n\nos._exit(0)\n{SHOP[file]}").commit("green")

    status, told = typed(project, *GATE)
    assert (status, "1 at or above high" in told) == (1, True), told


def test_a_finding_is_over_when_its_code_is_gone_and_not_when_it_was_moved(tmp_path: Path, typed: Typed) -> None:
    project = shop(tmp_path / "repo")
    found_fault(project)
    rest, _, count = SHOP["shop/cart.py"].partition("def count")

    project.write("shop/cart.py", rest).write("shop/basket.py", f"def number{count}").commit("moved under another name")
    assert typed(project, *GATE)[0] == 1
    project.write("shop/basket.py", "def size(items):\n    return max(len(items) - 1, -1)\n").commit(
        "written otherwise"
    )
    assert typed(project, *GATE)[0] == 1

    project.git("rm", "--quiet", "shop/basket.py")
    project.git("commit", "--quiet", "--message", "gone")
    status, told = typed(project, *GATE)
    assert (status, "the code of F1 is gone" in told) == (0, True), told


def test_what_another_branch_says_of_its_own_code_does_not_count_here(tmp_path: Path, typed: Typed) -> None:
    project = shop(tmp_path / "repo")
    agent = WorkflowAgent(project, "debug")
    project.git("switch", "--quiet", "--create", "other")
    agent.open(goal="what is new there")
    fresh = {"location": "shop/fresh.py:1", "quote": "def double(x): return x"}
    proof = {"reproduction": "python3 -c \"from shop.fresh import double; assert double(2) == 4, 'not doubled'\"",
             "fails_with": "AssertionError: not doubled", "control": "python3 -c 'from shop.fresh import double; assert double(0) == 0'"}  # fmt: skip
    project.write("shop/fresh.py", "def double(x): return x\n").commit("new")
    agent.record({**HYPOTHESIS, **fresh, **proof})
    agent.record({**FINDING, **fresh, **proof})
    assert typed(project, *GATE)[0] == 1

    project.git("switch", "--quiet", "-")

    assert typed(project, *GATE)[0] == 0


def test_a_scenario_of_an_earlier_ledger_stays_open_when_another_is_looked_into(tmp_path: Path, typed: Typed) -> None:
    agent = WorkflowAgent(shop(tmp_path / "repo"), "scenario")
    scenario = {"kind": "scenario", "name": "Checkout of an empty cart",
                "precondition": "the cart is empty", "trigger": "the customer pays", "flow": ["the total is shown"],
                "expected": "nothing is charged", "risk": "a charge without goods", "severity": "high"}  # fmt: skip
    agent.open(goal="buying")
    agent.record(scenario)
    agent.close(why="enough")
    agent.project.now += 60
    agent.open(goal="returns")
    agent.record(scenario, name="A parcel comes back", trigger="the post rings", severity="low")

    assert "1 at or above high: S1 high" in typed(agent.project, *GATE, "--complete", "scenario")[1]
    assert (
        "opinions, which fail nothing unless `--complete scenario` asks for them: S1 high"
        in typed(agent.project, *GATE)[1]
    )


def test_the_gate_fails_on_a_ledger_that_is_open_or_was_broken_off(tmp_path: Path, typed: Typed) -> None:
    agent = WorkflowAgent(shop(tmp_path / "repo"), "debug")
    agent.open()
    assert "still open" in typed(agent.project, "gate")[1]
    agent.close(why="enough")
    assert typed(agent.project, "gate", "--complete", "debug") == (1, "FAIL    debug ledger: ended interrupted\n")
    at = agent.project.git("rev-parse", "--short=7", "HEAD").strip()
    agent.project.git("commit", "-q", "--allow-empty", "-m", "later")
    _, out = typed(agent.project, "gate", "--complete", "debug")
    assert out == f"FAIL    debug ledger: ended interrupted, at {at}, not here\n"


# --- The doctor ------------------------------------------------------------------------------------------------------


def test_the_doctor_finds_nothing_wrong_with_a_sound_repository(project: Project, typed: Typed) -> None:
    status, out = typed(project, "doctor", "--json")

    looked = {one["name"]: one for one in parsed(out)["looked"]}
    assert status == 0, out
    assert looked["git identity"]["seen"].startswith("Ada")
    assert looked["journal"]["passed"] is True
    assert "Nothing is wrong." in typed(project, "doctor")[1]


def test_the_doctor_names_what_is_wrong_with_its_cure(project: Project, typed: Typed) -> None:
    project.git("checkout", "-q", "--detach")

    status, out = typed(project, "doctor", "--json")

    wrong = {one["name"]: one["cure"] for one in parsed(out)["looked"] if one["passed"] is False}
    assert status == 1
    assert wrong == {"branch": "Switch to a branch: git switch NAME."}
    assert "WRONG" in typed(project, "doctor")[1]


@pytest.fixture
def own_programs_first(monkeypatch: pytest.MonkeyPatch) -> str:
    """The server's own environment is the first on the PATH, as after `export PATH=...`; nobody activated it."""
    own = str(Path(sys.prefix) / "bin")
    monkeypatch.setenv("PATH", f"{own}:/usr/local/bin:/usr/bin:/bin")
    monkeypatch.delenv("VIRTUAL_ENV", raising=False)
    return own


ASKS_PYTHON = "python3 -c 'import sys; print(len(sys.prefix))'"


def test_commands_do_not_get_the_server_s_own_python(project: Project, typed: Typed, own_programs_first: str) -> None:
    assert "python3 of commands" not in typed(project, "doctor")[1]

    assert own_programs_first not in os.environ["PATH"].split(":")
    checked = project.planning.check_plan(project.plan.model_copy(update={"verify": ASKS_PYTHON}))
    assert checked.values != [len(sys.prefix)] * len(checked.values)
    assert "environment of this server" not in checked.text()


def test_who_activated_the_server_s_environment_is_told_of_it(
    project: Project, typed: Typed, own_programs_first: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VIRTUAL_ENV", sys.prefix)

    told = parsed(typed(project, "doctor", "--json")[1])["looked"]

    row = next(one for one in told if one["name"] == "python3 of commands")
    assert own_programs_first in row["seen"]
    assert row["cure"]
    plan = project.plan.model_copy(update={"verify": f"{ASKS_PYTHON}; exit 3"})
    assert f"{own_programs_first}/python3, the environment of this server" in project.planning.check_plan(plan).text()
    with pytest.raises(Refusal, match="the environment of this server"):
        project.sessions.start_session(plan)


def test_an_environment_in_the_project_is_the_project_s(own_programs_first: str) -> None:
    environment = {"PATH": f"{own_programs_first}:/bin"}

    leave_own_environment(Path(sys.prefix).parent, environment)

    assert environment == {"PATH": f"{own_programs_first}:/bin"}


def test_the_doctor_tells_which_variables_a_client_dropped(
    project: Project, typed: Typed, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ("CARGO_SPECIAL", "CURL_CA_BUNDLE", "PIP_CERT")
    for name in names:
        monkeypatch.delenv(name, raising=False)
    client = Wire(project.root)
    client.greet("2025-11-25")
    client.ask("tools/call", {"name": "status", "arguments": {}})
    client.close()
    for name in names:
        monkeypatch.setenv(name, "x")
    project.write("fetch.sh", "pip install --cert $PIP_CERT x\n")

    told = [
        one for one in parsed(typed(project, "doctor", "--json")[1])["looked"] if "server started by" in one["name"]
    ]

    assert len(told) == 1
    assert {"CARGO_SPECIAL", "PIP_CERT"} <= set(re.findall(r"\w+", told[0]["seen"]))
    assert "CURL_CA_BUNDLE" not in told[0]["seen"], "no file of the project names it"


def test_quiet_prints_no_result_and_verbose_says_what_is_run(
    project: Project, capfd: pytest.CaptureFixture[str]
) -> None:
    fill(project.start(), *long(2))
    command = [sys.executable, "-m", "autoresearch_mcp.server"]
    for quiet in (["-q", "history"], ["history", "--quiet"]):
        silent = ask_here(*quiet, folder=project.root)
        assert (silent.returncode, silent.stdout, silent.stderr) == (0, "", "")
    assert subprocess.run([*command, "history", "-v"], cwd=project.root, check=False).returncode == 0
    told = capfd.readouterr()

    assert "try 2" in told.out
    assert "git rev-parse" in told.err


def test_the_completion_script_of_fish_knows_every_command_and_what_options_take(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["completion", "fish"]) == 0
    lines = capsys.readouterr().out.splitlines()

    for name in COMMANDS:
        assert any(f"-n __fish_use_subcommand -a {name} -d '" in line for line in lines), name
    completes = "complete -c autoresearch-mcp -n '__fish_seen_subcommand_from report' -l format -x -a '"
    assert [line for line in lines if line.startswith(completes) and "csv" in line]


def test_the_completion_script_knows_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", "bash"]) == 0

    script = capsys.readouterr().out
    assert all(name in script for name in COMMANDS)
    assert subprocess.run(["bash", "-n"], input=script, text=True, check=False).returncode == 0


def test_what_waits_for_a_person_is_listed_for_a_script(tmp_path: Path, typed: Typed) -> None:
    agent = WorkflowAgent(shop(tmp_path / "repo"), "debug", allow_commands=False)
    assert typed(agent.project, "approve", "--json") == (0, '{"commands": [], "shipment": ""}\n')

    agent.open()
    agent.record(HYPOTHESIS)
    agent.record(FINDING)

    status, out = typed(agent.project, "approve", "--json")
    assert (status, PROOF["control"] in parsed(out)["commands"]) == (1, True)


def test_a_new_repository_is_told_as_json(tmp_path: Path) -> None:
    made = parsed(ask_here("init", "gpt", str(tmp_path / "lab"), "--json").stdout)
    example = parsed(ask_here("init", "--example", "sql-time", str(tmp_path / "sql"), "--json").stdout)

    assert "train.py" in made["files"]
    assert (Path(made["folder"]) / "gpt.toml").is_file()
    assert (Path(example["folder"]) / "autoresearch.toml").is_file()
    assert example["cheats"]


PLAN = """goal = "g"
scope = ["value.txt"]
metric = "value"
direction = "lower"
verify = "cat value.txt"
"""


def test_a_plan_that_is_here_is_named_as_the_next_step(project: Project, typed: Typed) -> None:
    project.write("autoresearch.toml", PLAN)

    for command in ("status", "plan"):
        status, out = typed(project, command)
        assert (status, "A plan is here (autoresearch.toml, not committed as it stands): g" in out) == (0, True)
        assert "Next: `autoresearch-mcp check` tries it, then `autoresearch-mcp start`." in out
    project.commit("a plan")
    assert "(autoresearch.toml, committed): g [value, lower is better], scope value.txt" in typed(project, "status")[1]


def test_a_plan_is_checked_and_started_in_a_terminal(project: Project, typed: Typed) -> None:
    assert typed(project, "check")[0] == 2
    project.write("autoresearch.toml", PLAN)
    refused, said = typed(project, "check")
    assert (refused, "nobody agreed yet" in said) == (1, True)

    allowed = main(["--root", str(project.root), "--allow-commands", "check"])
    started, out = typed(project, "--allow-commands", "start")

    assert (allowed, started) == (0, 0)
    assert "baseline 10" in out


def test_a_plan_is_written_for_the_project_one_stands_in(project: Project, typed: Typed) -> None:
    project.write("pyproject.toml", "[project]\nname = 'app'\n[tool.pytest.ini_options]\n").write("app.py", "a = 1\n")
    project.write("test_app.py", "def test_app():\n    assert True\n").commit("an app")

    assert typed(project, "init", "less", "memory")[0] == 1
    refused, out = typed(project, "init", "less", "memory", "--json")
    assert (refused, parsed(out)["written"], bool(parsed(out)["lacking"])) == (1, "", True)
    assert not (project.root / "autoresearch.toml").exists()
    written, out = typed(project, "init", "make", "the", "tests", "faster")
    assert (written, "Faster tests" in out) == (0, True)
    assert 'goal = "make the tests faster"' in project.read("autoresearch.toml")
    refused, out = typed(project, "init", "fewer", "lines")
    assert (refused, "Nothing was written." in out) == (1, True)
    assert "tests faster" in project.read("autoresearch.toml")


def test_what_a_person_is_told_to_do_next_is_no_tool_of_an_agent_s(project: Project, typed: Typed) -> None:
    for words in (("plan", "fewer", "lines"), ("plan", "better", "docs"), ("init", "less", "memory"), ("check",)):
        _, out = typed(project, *words)
        assert not {"check_plan", "start_session", "inspect_project", "playbook with"} & set(out.split())


def test_no_command_hides_another_of_its_name() -> None:
    """The tables of commands are put together, and of two of one name the last would win without a word."""
    folder = Path(commands.__file__).parent
    tables = [
        node
        for file in folder.glob("*.py")
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Dict)
    ]
    names = [
        key.value
        for table in tables
        for key, value in zip(table.keys, table.values, strict=True)
        if isinstance(key, ast.Constant)
        and isinstance(value, ast.Call)
        and getattr(value.func, "id", "") == "CliCommand"
    ]

    assert sorted(map(str, names)) == sorted(COMMANDS)
