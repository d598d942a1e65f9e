"""Learning a code base: what is due, what is wrong, repairs that end, and documents that are not ours to change."""

from __future__ import annotations

from pathlib import Path

import pytest

from autoresearch_mcp.tools.errors import Code, Refusal
from autoresearch_mcp.tools.lab.access import Lab
from autoresearch_mcp.tools.workflows.ci_gate import GateDemands, gate_checks
from conftest import Project
from ledgers import WorkflowAgent, shop

GOOD = {
    "README.md": "# Shop\n\nTotals and stock. Run the tests:\n\n```sh\npython3 test_cart.py\n```\n\nMore: [the parts](docs/system-architecture.md#parts).\n",
    "docs/project-overview-pdr.md": "# What it is for\n\nA shop that adds up what is in `shop/cart.py`.\n",
    "docs/codebase-summary.md": "# Where is what\n\n`shop/cart.py` adds up, `shop/db.py` finds items with `find()`.\n",
    "docs/code-standards.md": "# How code is written\n\nFunctions as short as `shop.cart.total`.\n",
    "docs/system-architecture.md": "# How it works\n\n## Parts\n\n`shop/cart.py` knows no data base; `shop/db.py` does.\n",
}
MISMATCH = {
    "kind": "mismatch",
    "location": "shop/cart.py:6",
    "quote": "return len(items) - 1",
    "document": "README.md",
    "says": "Totals and stock.",
    "should_say": "It leaves out one item.",
}


def write(project: Project, documents: dict[str, str]) -> None:
    for path, text in documents.items():
        project.write(path, text)


@pytest.fixture
def agent(tmp_path: Path) -> WorkflowAgent:
    return WorkflowAgent(shop(tmp_path / "repo"), "learn")


@pytest.fixture
def documented(agent: WorkflowAgent) -> WorkflowAgent:
    """A shop whose documents are right and committed."""
    write(agent.project, GOOD)
    agent.project.commit("documents")
    return agent


def test_documents_are_mapped_written_checked_and_handed_over(agent: WorkflowAgent) -> None:
    opened = agent.open(goal="documents")

    assert opened.coverage == [
        "due documents 0/1",
        "valid documents 0/0",
        "claims that hold 0/0",
        "areas described 0/2",
    ]
    assert "Mode init." in opened.state[0]
    assert "`total` function, shop/cart.py:1" in agent.project.read(f"{opened.folder}/scout-context.md")
    assert agent.project.git("status", "--porcelain") == ""
    assert opened.missing == [
        "the documents: write them, then call workflow with `run`, which holds them against the code"
    ]

    write(agent.project, GOOD)
    looked = agent.run()
    closed = agent.close()

    assert looked.missing == []
    assert "9 claims checked, 0 wrong, 0 not checkable." in looked.state
    assert looked.scores == {}
    assert closed.status == "complete"
    assert [Path(file).name for file in closed.files] == [
        "summary.md",
        "scout-context.md",
        "validation-report.md",
        "handoff.json",
    ]
    assert "| `README.md` | 9 | 2 | 0 | 0 | 0 |  |" in agent.file(closed, "validation-report.md")
    assert agent.handoff(closed)["findings"] == []
    assert (closed.next_prompts[0].prompt, closed.next_prompts[0].takes) == ("security", ())


def test_everything_that_is_wrong_is_found_and_the_worst_comes_first(agent: WorkflowAgent) -> None:
    agent.open()
    write(agent.project, GOOD)
    wrong = [
        "# Shop",
        *("`shop/basket.py`, `shop/cart.py:99`, `shop.cart.gone`, `discounts = 3`, [x](gone.md), [y](#gone)",),
        "key: AKIAIOSFODNN7EXAMPLE",
        *("```sh", "./shop/frobnicate --some", "```"),
        *("```python", "from shop.cart import gone, total", "total(price=1)", "```", "It has 4 modules in `shop/`."),
    ]
    agent.project.write("README.md", "\n".join(wrong))
    agent.project.write("Dockerfile", "FROM scratch\n")

    looked = agent.run()

    assert [line.partition("]")[0] for line in looked.missing] == [
        "docs/deployment-guide.md [missing",
        "README.md:3 [secret",
        "README.md:2 [link",
        "README.md:2 [link",
        "README.md:2 [file",
        "README.md:2 [line",
        "README.md:8 [import",
        "README.md:2 [symbol",
        "README.md:9 [signature",
        "README.md:5 [command",
        "README.md:2 [key",
        "README.md:11 [count",
    ]
    assert "AKIA" not in agent.project.read(f"{looked.folder}/validation-report.md")
    assert looked.coverage[:2] == ["due documents 1/2", "valid documents 4/5"]


def test_three_repairs_at_most_and_then_it_ends_as_bounded(agent: WorkflowAgent) -> None:
    agent.open()
    write(agent.project, GOOD)
    for left in (4, 3, 2, 1):
        agent.project.write("README.md", "# Shop\n\n" + "".join(f"`shop/gone{n}.py`\n" for n in range(left)))
        looked = agent.run()

    assert looked.rounds == "3 of 3"
    with pytest.raises(Refusal, match="all repairs are made"):
        agent.run()
    assert agent.close().status == "bounded"


def test_a_repair_that_improves_nothing_ends_the_repairs(agent: WorkflowAgent) -> None:
    agent.open()
    write(agent.project, {**GOOD, "README.md": "`shop/gone.py`"})
    agent.run()
    agent.project.write("README.md", "`shop/gone.py` is gone")
    looked = agent.run()

    assert "left as much wrong" in looked.state[0]
    with pytest.raises(Refusal, match="left as much wrong as there was") as refused:
        agent.run()
    assert refused.value.code is Code.INCOMPLETE
    closed = agent.close()
    assert closed.status == "bounded"
    assert agent.handoff(closed)["findings"][0]["title"] == "README.md: there is no shop/gone.py"
    for asked in (GateDemands(), GateDemands(complete=("learn",))):
        gate = gate_checks(Lab(agent.project.root).for_reading(), asked)
        assert ("learn documents", False, "ended bounded: 1 wrong") in [
            (one.name, one.passed, one.seen) for one in gate
        ]


def test_a_look_at_the_same_again_costs_no_round_also_for_a_new_server(agent: WorkflowAgent) -> None:
    agent.open()
    write(agent.project, {**GOOD, "README.md": "`shop/gone.py`"})
    first = agent.run()

    agent.restart()

    assert agent.run() == first
    agent.project.write("README.md", "`shop/cart.py`")
    assert agent.run().rounds == "1 of 3"
    assert agent.close().status == "complete"


def test_what_is_broken_after_the_last_look_is_found_at_the_close(agent: WorkflowAgent) -> None:
    agent.open()
    write(agent.project, GOOD)
    agent.run()
    agent.project.write("README.md", "`shop/gone.py`")

    with pytest.raises(Refusal, match=r"there is no shop/gone\.py"):
        agent.close()


def test_check_looks_again_at_its_end_and_hands_on_what_a_reader_saw(documented: WorkflowAgent) -> None:
    agent = documented
    assert "Mode check." in agent.open(mode="check").state[0]
    agent.record(MISMATCH)
    agent.project.write("docs/code-standards.md", "`shop/gone.py`\n")
    closed = agent.close()

    assert closed.status == "complete"
    found = [(one["id"], one["title"]) for one in agent.handoff(closed)["findings"]]
    assert found == [
        ("M1", "README.md says: Totals and stock."),
        ("V2", "docs/code-standards.md: there is no shop/gone.py"),
    ]
    assert closed.next_prompts[0].prompt == "learn"


def test_a_mismatch_is_open_until_its_words_are_gone(documented: WorkflowAgent) -> None:
    agent = documented
    agent.open()
    agent.run()
    assert agent.taken(MISMATCH).missing == [
        "README.md [contradiction] `Totals and stock.`: M1: the code says otherwise"
    ]

    with pytest.raises(Refusal, match="M1: the code says otherwise"):
        agent.close()
    agent.project.write("README.md", GOOD["README.md"].replace("Totals and stock.", "Totals, and the stock."))
    reworded = agent.run()
    agent.project.write("README.md", GOOD["README.md"].replace("Totals and stock.", MISMATCH["should_say"]))

    assert reworded.missing == []
    assert any(line.startswith("No longer checked") and "Totals and stock." in line for line in reworded.state)
    assert not any(line.startswith("No longer checked") for line in agent.run().state)
    assert agent.close().status == "complete"


def test_a_document_whose_files_changed_since_is_to_be_read_and_not_wrong(documented: WorkflowAgent) -> None:
    agent = documented
    agent.project.write("shop/db.py", "def find(link, name):\n    return link.find(name)\n").commit("another data base")

    opened = agent.open(mode="update")

    told = "docs/codebase-summary.md (shop/db.py); docs/system-architecture.md (shop/db.py)"
    assert f"Not written since what they describe changed, so read these: {told}." in opened.state
    assert not any("db.py" in line and line.startswith("docs/") for line in opened.state)
    agent.project.write("docs/system-architecture.md", GOOD["docs/system-architecture.md"] + "\nIt asks a link.\n")

    assert agent.run().missing == []
    assert "read these: docs/codebase-summary.md (shop/db.py)." in "\n".join(agent.close().state)


@pytest.mark.parametrize(
    ("code", "item", "told"),
    [
        (Code.EVIDENCE, {**MISMATCH, "says": "It never fails."}, "README.md does not say that"),
        (Code.EVIDENCE, {**MISMATCH, "document": "docs/none.md"}, "There is no docs/none.md"),
        (
            Code.EVIDENCE,
            {**MISMATCH, "document": "notes.txt", "says": "the user's notes"},
            "is no document that was looked at",
        ),
        (Code.EVIDENCE, {**MISMATCH, "quote": "return 5"}, "The quote does not stand"),
        (
            Code.EVIDENCE,
            {"kind": "exempt", "document": "README.md", "text": "x", "explained": "y"},
            "found no claim `x` wrong",
        ),
        (
            Code.EVIDENCE,
            {"kind": "exempt", "document": "README.md", "text": "shop/cart.py", "explained": "y"},
            "found no claim `shop/cart.py` wrong",
        ),
        (Code.BAD_ARGUMENT, {"kind": "skip", "document": "README.md", "because": "no time"}, "is a core document"),
        (Code.BAD_ARGUMENT, {"kind": "skip", "document": "docs/x.md", "because": "no time"}, "is not due"),
        (Code.BAD_ARGUMENT, {"kind": "score", "value": 100}, "`kind` has to be one of mismatch, exempt, skip"),
    ],
)
def test_what_is_not_so_is_refused(documented: WorkflowAgent, code: Code, item: dict[str, str], told: str) -> None:
    agent = documented
    agent.project.write("README.md", GOOD["README.md"] + "\n[x](gone.md)\n").commit("a broken link")
    agent.open()

    assert told in agent.refused(code, item)


def test_an_exempted_claim_is_no_problem_and_does_not_hold_either(documented: WorkflowAgent) -> None:
    agent = documented
    agent.project.write("README.md", GOOD["README.md"] + "\nThe client has `shop/client.toml`.\n")
    agent.open()
    exempt = {
        "kind": "exempt",
        "document": "README.md",
        "text": "shop/client.toml",
        "explained": "It is the client's.",
    }
    agent.record(exempt)
    agent.refused(Code.DUPLICATE, exempt)

    looked = agent.run()
    closed = agent.close()

    assert looked.missing == []
    assert "claims that hold 9/10" in looked.coverage
    assert "`shop/client.toml` in `README.md`: It is the client's." in agent.file(closed, "validation-report.md")


def test_a_password_in_an_example_may_be_exempted_and_a_token_may_not(documented: WorkflowAgent) -> None:
    agent = documented
    agent.project.write("README.md", "# Shop\n\n    password: 'hunter2hunter2'\n\nkey AKIAIOSFODNN7EXAMPLE\n")
    seen = [line for line in agent.open().state if "[secret]" in line]
    example = {"kind": "exempt", "document": "README.md", "explained": "It opens nothing."}

    assert "Only problems of these kinds" in agent.refused(Code.EVIDENCE, example, text=seen[1].split("`")[1])
    assert "AKIA" not in seen[1]
    agent.record(example, text=seen[0].split("`")[1])

    assert [line.partition("]")[0] for line in agent.status().state if "[secret]" in line] == ["README.md:5 [secret"]


def test_a_changelog_tells_of_the_past(documented: WorkflowAgent) -> None:
    history = "# 2.0\n\n`shop/gone.py` and `old_name` are gone, [see](gone.md).\n" + "line\n" * 900
    documented.project.write("CHANGELOG.md", history).commit("history")

    problems = [line for line in documented.open().state if line.startswith("CHANGELOG.md")]

    assert problems == ["CHANGELOG.md:3 [link] `gone.md`: there is no gone.md"]


def test_a_document_that_a_signal_asks_for_may_be_not_wanted(documented: WorkflowAgent) -> None:
    agent = documented
    agent.project.write("Dockerfile", "FROM scratch\n").commit("a container")
    assert "docs/deployment-guide.md (deployment guide, MISSING)" in " ".join(agent.open().state)

    agent.record({"kind": "skip", "document": "docs/deployment-guide.md", "because": "only for tests"})

    assert agent.run().missing == []
    assert agent.close().coverage[0] == "due documents 1/1"


def test_one_document_alone_may_be_asked_for(agent: WorkflowAgent) -> None:
    opened = agent.open(file="codebase summary")
    assert opened.coverage[0] == "due documents 0/1"
    agent.project.write("README.md", "`shop/gone.py`").write(
        "docs/codebase-summary.md", GOOD["docs/codebase-summary.md"]
    )
    assert agent.run().missing == []
    agent.close()

    assert "Due: README.md (readme, there)" in agent.open(file="README.md").state[2]
    assert "there is no shop/gone.py" in agent.run().missing[0]


def test_the_summary_or_a_wiki_alone_may_be_asked_for(agent: WorkflowAgent) -> None:
    agent.project.write("README.md", "`shop/gone.py`")
    agent.open(mode="summarize")
    agent.project.write("docs/codebase-summary.md", GOOD["docs/codebase-summary.md"])
    assert agent.run().missing == []
    agent.close()

    assert "Due: wiki/index.md (wiki/index.md, MISSING)" in agent.open(mode="wiki").state
    agent.project.write("wiki/index.md", "# Index\n\n[Carts](cart.md)\n").write("wiki/cart.md", "`shop/gone.py`\n")
    assert [line.partition(" ")[0] for line in agent.run().missing] == ["wiki/cart.md:1"]


def test_code_that_is_broken_links_out_or_odd_names_hinder_nobody(agent: WorkflowAgent, tmp_path: Path) -> None:
    (tmp_path / "secret.md").write_text("`shop/gone.py`")
    (agent.project.root / "LINK.md").symlink_to(tmp_path / "secret.md")
    agent.project.write("shop/bad.py", "def (:\n").write("docs/ü (1).md", "`shop/gone.py`\n").write(
        "docs/x.bin.md", "\0\0"
    )
    agent.project.commit("odd things")

    problems = agent.open().state

    assert [line for line in problems if "[file]" in line] == [
        "docs/ü (1).md:1 [file] `shop/gone.py`: there is no shop/gone.py"
    ]


SESSIONS = {
    "README.md": "# Shop\n\n```pycon\n>>> from shop.cart import count\n>>> count([1, 2])\n2\n>>> count(5)\n1\n```\n",
    "docs/use.rst": "Use\n===\n\n>>> from shop.cart import total\n>>> total([50, 50], 10)\n10.0\n",
}


def test_sessions_are_run_where_a_person_agreed_and_told_by_what_they_answer(agent: WorkflowAgent) -> None:
    write(agent.project, SESSIONS)
    agent.project.commit("sessions")

    opened = agent.open(mode="check", run_sessions=True)

    assert [line for line in opened.state if "[example]" in line] == [
        "README.md:5 [example] `count([1, 2])`: it answers 1, not 2",
        "README.md:7 [example] `count(5)`: it answers TypeError: object of type 'int' has no len(), not 1",
    ]


def test_sessions_that_nobody_agreed_to_are_not_run_and_not_checkable(tmp_path: Path) -> None:
    agent = WorkflowAgent(shop(tmp_path / "repo"), "learn", allow_commands=False)
    write(agent.project, SESSIONS)
    agent.project.commit("sessions")

    opened = agent.open(mode="check", run_sessions=True)

    assert not any("[example]" in line for line in opened.state)
    report = agent.project.read(f"{opened.folder}/validation-report.md")
    assert "README.md:4 [example] `the Python sessions`: not run: nobody agreed to it." in report


def test_sessions_that_nobody_asked_to_run_are_not_checkable(agent: WorkflowAgent) -> None:
    write(agent.project, SESSIONS)
    agent.project.commit("sessions")

    opened = agent.open(mode="check")

    report = agent.project.read(f"{opened.folder}/validation-report.md")
    assert "README.md:4 [example] `the Python sessions`: not run: open with `run_sessions`" in report


def test_a_wrong_claim_stays_wrong_without_its_backticks(documented: WorkflowAgent) -> None:
    documented.project.write("README.md", "# Shop\n\n`shop/gone.py` calls `shop.cart.gone`, or `shop.cart.sum_up()`.\n")
    documented.open(mode="update")
    documented.project.write(
        "README.md", "# Shop\n\nshop/gone.py calls shop.cart.gone, or:\n\n```console\nsum_up([1])\n```\n"
    )

    looked = documented.run()

    wrong = ["README.md:3 [file]", "README.md:3 [symbol]", "README.md:6 [symbol]"]
    assert [line.partition(" `")[0] for line in looked.missing] == wrong
    documented.project.write("README.md", "# Shop\n")
    assert any("claims checked before" in line for line in documented.run().state)


def test_a_wrong_claim_that_is_worded_so_that_nobody_can_check_it_is_not_told_as_mended(
    documented: WorkflowAgent,
) -> None:
    documented.project.write("README.md", "# Shop\n\n`shop/cart.py` has 90 lines, `shop/db.py` has 80 lines.\n")
    documented.open(mode="update")
    documented.project.write("README.md", "# Shop\n\n`shop/cart.py` has 6 lines, `shop/db.py` is long.\n")

    looked = documented.run()

    (told,) = [line for line in looked.state if line.startswith("No longer checked")]
    assert "has 80 lines" in told or "has 90 lines" in told
    assert told.count("[count]") == 1
    closed = documented.close()
    assert [one["confirmed"] for one in documented.handoff(closed)["findings"]] == [False]
    assert gated(documented.project) == (
        "learn documents",
        None,
        "ended complete: 0 wrong, 1 that were wrong no longer checked",
    )


def gated(project: Project) -> tuple[str, bool | None, str]:
    """What the gate says of the documents, and nothing of the files."""
    checks = gate_checks(Lab(project.root).for_reading(), GateDemands(complete=("learn",)))
    return next((one.name, one.passed, one.seen.partition(";")[0]) for one in checks)


def test_a_page_that_goes_does_not_take_what_is_wrong_in_it_along(documented: WorkflowAgent) -> None:
    documented.project.write("docs/use.md", "`shop/gone.py` and `shop.cart.gone`\n").commit("a page")
    documented.project.write("docs/try.md", "```pycon\n>>> len([1, 2)\n2\n```\n").commit("a session")
    documented.open(mode="update")
    (documented.project.root / "docs/use.md").rename(documented.project.root / "docs/use.txt")
    documented.run()
    documented.project.write("docs/try.md", "```pycon\n>>> len([1, 2])\n2\n```\n")

    (told,) = [line for line in documented.run().state if line.startswith("No longer checked")]

    assert told.endswith(": docs/use.md [missing]: it is gone with 2 wrong claims")
    documented.close()
    assert gated(documented.project)[1:] == (None, "ended complete: 0 wrong, 1 that were wrong no longer checked")


def test_the_gate_looks_at_documents_that_changed_since(documented: WorkflowAgent) -> None:
    documented.open(mode="update")
    documented.run()
    closed = documented.close()
    documented.project.write("README.md", "`shop/gone.py`\n")
    documented.project.write(f"{closed.folder}/summary.md", "All is well.\n")

    checks = gate_checks(Lab(documented.project.root).for_reading(), GateDemands(complete=("learn",), fail_on="low"))

    edited = "; not committed: README.md; not as the ledger gives it: summary.md"
    assert [(one.name, one.passed, one.seen) for one in checks] == [
        ("learn findings", False, "1 at or above low: V1 low"),
        ("learn documents", False, f"ended complete: 1 wrong{edited}"),
        ("learn ledger", True, f"ended complete{edited}"),
    ]
