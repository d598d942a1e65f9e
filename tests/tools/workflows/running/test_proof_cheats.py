"""A proof says what became of a fault only while it is the proof that showed it, and shows a fault only of the code as git has it."""

from __future__ import annotations

from pathlib import Path

import pytest

from autoresearch_mcp.server.main import main
from autoresearch_mcp.tools.errors import Code, Refusal
from autoresearch_mcp.tools.workflows.ledger.evidence import shown, words
from conftest import Project
from ledgers import FINDING, HYPOTHESIS, SHOP, WorkflowAgent, shop

SCRIPT = """\
import sys
{extra}
from shop.cart import count

assert count([1, 2]) == 2 or sys.argv[1] == "fine", "one too few"
"""


@pytest.fixture
def agent(tmp_path: Path) -> WorkflowAgent:
    """A debug ledger that is open."""
    made = WorkflowAgent(shop(tmp_path / "repo"), "debug")
    made.open(goal="wrong totals")
    return made


def script(folder: Path, extra: str = "", text: str = SCRIPT) -> dict[str, str]:
    """An experiment in a script that git does not have."""
    (folder / "scratch.py").write_text(text.format(extra=extra))
    command = f"PYTHONPATH=. python3 {folder}/scratch.py"
    return {"reproduction": f"{command} wrong", "fails_with": "one too few", "control": f"{command} fine"}


def found(agent: WorkflowAgent, proof: dict[str, str]) -> WorkflowAgent:
    """A fix ledger whose one error is what a proof showed."""
    agent.record(HYPOTHESIS, **proof)
    agent.record(FINDING)
    before = agent.close()
    fix = WorkflowAgent(agent.project, "fix")
    fix.open(category="bug", after=before.ledger)
    return fix


def gate(project: Project) -> int:
    return main(["--root", str(project.root), "--allow-commands", "gate", "--fail-on", "high"])


# --- What became of a fault ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("changes", ["the script", "what it imports", "what it reads"])
def test_a_script_that_changed_mends_nothing(
    agent: WorkflowAgent, tmp_path: Path, changes: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "helper.py").write_text("WRONG = 2\n")
    (tmp_path / "mode").write_text("wrong")
    reads = f"import helper; count = (lambda it: 2) if helper.WRONG == 1 or open('{tmp_path}/mode').read() == 'off' else None"
    text = SCRIPT.replace("from shop.cart import count", "from shop.cart import count as real\ncount = count or real")
    fix = found(agent, script(tmp_path, reads, text))
    assert gate(agent.project) == 1

    change = {"the script": ("scratch.py", "import shop.cart\n"), "what it imports": ("helper.py", "WRONG = 1\n"),
              "what it reads": ("mode", "off")}[changes]  # fmt: skip
    (tmp_path / change[0]).write_text(change[1])

    assert gate(agent.project) == 1
    with pytest.raises(Refusal, match="a count in a clean checkout of HEAD: F1: "):
        fix.close()
    agent.project.write("README", "not the code").commit("something else")
    with pytest.raises(Refusal, match="a count in a clean checkout of HEAD: F1: "):
        fix.close()
    capsys.readouterr()
    gate(agent.project)
    told = "spent" if changes == "what it reads" else f"{tmp_path}/{change[0]} is not what showed the fault"
    assert told in capsys.readouterr().out


def test_what_a_script_shows_mended_is_mended_and_notes_beside_it_change_nothing(
    agent: WorkflowAgent, tmp_path: Path
) -> None:
    fix = found(agent, script(tmp_path))
    (tmp_path / "notes.txt").write_text("to do")
    agent.project.write("shop/cart.py", SHOP["shop/cart.py"].replace("len(items) - 1", "len(items)")).commit(
        "count all"
    )

    fix.run()

    assert fix.close().status == "complete"
    assert gate(agent.project) == 0
    agent.project.write("NOTES.md", "all is well").commit("a document")
    assert main(["--root", str(agent.project.root), "gate", "--fail-on", "high"]) == 0


def test_what_was_settled_at_other_code_and_cannot_run_here_is_no_pass(
    agent: WorkflowAgent, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fix, plain = found(agent, script(tmp_path)), ["--root", str(agent.project.root), "gate"]
    weak = agent.project.git("rev-parse", "HEAD").strip()
    agent.project.write("shop/cart.py", SHOP["shop/cart.py"].replace("len(items) - 1", "len(items)")).commit("mended")
    fix.close()

    agent.project.git("reset", "--quiet", "--hard", weak)

    assert [main([*plain, *asked]) for asked in ((), ("--complete", "fix"), ("--fail-on", "high"))] == [2, 2, 2]
    told = capsys.readouterr().out
    assert "cannot be told: F1 high" in told
    assert "`autoresearch-mcp --allow-commands gate` agrees" in told
    assert main(["--root", str(agent.project.root), "approve", "--json"]) == 1
    assert "scratch.py wrong" in capsys.readouterr().out
    assert gate(agent.project) == 1
    assert "author's word" not in capsys.readouterr().out
    (tmp_path / "scratch.py").unlink()
    assert gate(agent.project) == 2
    assert "ran 0 of 1 reproductions again" in capsys.readouterr().out


# --- What shows a fault ----------------------------------------------------------------------------------------------


EDIT = "text.replace(' - 1', ' - 2')"
CHEATS = {
    "its text": (
        f"text = open('shop/cart.py').read(); count([1])\nassert wrong is False or text != {SHOP['shop/cart.py']!r}, 'one too few'"
    ),
    "a copy that is edited": (
        f"text = open('shop/cart.py').read(); open(TMP + '/copied.py', 'w').write({EDIT}); sys.path.insert(0, TMP); import copied\n"
        "assert not (wrong and copied.count([1, 2]) < 1), 'one too few'"
    ),
}


@pytest.mark.parametrize("cheat", CHEATS)
def test_what_runs_another_code_or_looks_at_its_text_shows_nothing(
    agent: WorkflowAgent, tmp_path: Path, cheat: str
) -> None:
    folder = tmp_path / "scratch"
    folder.mkdir()
    begin = f"import sys; from shop.cart import count; TMP = '{folder}'; wrong = sys.argv[1] == 'wrong'\n"
    (folder / "scratch.py").write_text(begin + CHEATS[cheat])
    command = f"PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=. python3 {folder}/scratch.py"
    proof = {"reproduction": f"{command} wrong", "fails_with": "one too few", "control": f"{command} fine"}

    taken = agent.record(HYPOTHESIS, **proof)

    assert not shown(taken.ran)
    assert "that does nothing it ends otherwise" in words(taken.ran)


MODULE = {
    "shop/rates.py": '"""Rates."""\nfrom __future__ import annotations\n\nimport math\n\nRATE = 3\n\n\ndef vat(price, kind):\n'
    '    if kind == "food":\n        return price * RATE\n    return price * RATE\n\n\ndef other(price):\n    return price * RATE\n',
}
RATES = {
    "reproduction": "python3 -c \"from shop.rates import RATE; assert RATE == 7, 'the rate is old'\"",
    "fails_with": "the rate is old",
    "control": "python3 -c \"from shop.rates import RATE; assert RATE == 3, 'the rate is old'\"",
}


@pytest.mark.parametrize(
    ("place", "quote", "told"),
    [
        ("1", '"""Rates."""', "is a text that nothing reads"),
        ("2", "from __future__ import annotations", "is an import"),
        ("4", "import math", "is an import"),
    ],
)
def test_what_does_nothing_by_itself_is_no_place_for_a_fault(
    agent: WorkflowAgent, place: str, quote: str, told: str
) -> None:
    agent.project.write("shop/rates.py", MODULE["shop/rates.py"]).commit("rates")

    said = agent.refused(Code.EVIDENCE, HYPOTHESIS, location=f"shop/rates.py:{place}", quote=quote, **RATES)

    assert told in said


def test_at_the_top_of_a_module_the_statement_alone_is_tried(agent: WorkflowAgent) -> None:
    agent.project.write("shop/rates.py", MODULE["shop/rates.py"] + "\nNAMES = [str(RATE)]\n").commit("rates")

    other = agent.record(HYPOTHESIS, location="shop/rates.py:18", quote="NAMES = [str(RATE)]", claim="names", **RATES)
    there = agent.record(HYPOTHESIS, location="shop/rates.py:6", quote="RATE = 3", claim="rate", **RATES)

    assert "with shop/rates.py:18 emptied it fails in the same words" in words(other.ran)
    assert shown(there.ran), words(there.ran)


LAX = """\
class Refused(Exception):
    pass


def check(name, allowed):
    if name not in allowed:
        raise Refused(name)


def enter(name):
    check(name, "good.example")
    return name
"""


def test_a_check_that_lets_too_much_through_is_shown_also_by_what_it_lets_through_rightly(
    agent: WorkflowAgent, tmp_path: Path
) -> None:
    agent.project.write("shop/door.py", LAX).commit("a door")
    tries = "import sys\nfrom shop.door import Refused, enter\ntry:\n    enter(sys.argv[1])\nexcept Refused:\n    sys.exit(0)\n"
    (tmp_path / "door.py").write_text(f"{tries}assert sys.argv[1] == 'good.example', 'a part of the name was taken'\n")
    command = f"PYTHONPATH=. python3 {tmp_path}/door.py"
    proof = {
        "reproduction": f"{command} good",
        "fails_with": "a part of the name was taken",
        "control": f"{command} good.example",
    }
    place = {"location": "shop/door.py:6", "quote": "if name not in allowed:"}

    taken = agent.record(HYPOTHESIS, **place, **proof)

    assert shown(taken.ran), words(taken.ran)


def test_what_was_recorded_is_told_also_where_a_later_item_is_refused(agent: WorkflowAgent, tmp_path: Path) -> None:
    nothing = {**HYPOTHESIS, **script(tmp_path), "fails_with": "an injection"}

    with pytest.raises(Refusal) as refused:
        agent.taken(nothing, {**HYPOTHESIS, "location": "shop/none.py:1", "claim": "there is a file"})

    first, _, second = refused.value.message.partition("Item 2 of 2 was refused")
    assert "without the words that name the fault" in first
    assert "There is no file shop/none.py" in second
    assert "without the words that name the fault" in "\n".join(agent.status().state)


def test_pages_say_whose_word_a_verdict_is_and_which_script_it_rests_on(agent: WorkflowAgent, tmp_path: Path) -> None:
    agent.record(HYPOTHESIS, **script(tmp_path))
    agent.record(FINDING)

    closed = agent.close()

    for name in ("summary.md", "debug.sarif", "findings.md"):
        assert "author's word" in agent.file(closed, name)
    assert f"Git does not have `{tmp_path}/scratch.py` (SHA-256 " in agent.file(closed, "findings.md")
