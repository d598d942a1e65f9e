"""The protocol, through an in-memory client, in both of its eras."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Literal

import anyio
import pytest
from called import arguments, structured, text
from mcp import Client
from mcp.shared.exceptions import MCPError
from mcp.types import CallToolResult, ElicitRequestParams, ElicitResult, PromptReference, TextContent

from autoresearch_mcp.prompts import load_prompts
from autoresearch_mcp.server.app import INSTRUCTIONS, build_server
from autoresearch_mcp.tools.lab.access import Lab
from autoresearch_mcp.tools.plan.model import Plan
from autoresearch_mcp.tools.vocabulary import Tool
from conftest import Project

pytestmark = pytest.mark.anyio

Mode = Literal["auto", "legacy"]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def client(project: Project, request: pytest.FixtureRequest) -> AsyncIterator[Client]:
    """A client of a server whose person agreed to every command."""
    mode = getattr(request, "param", "auto")
    async with Client(build_server(Lab(project.root, allow_commands=True)), mode=mode) as client:
        yield client


IN_BOTH_ERAS = pytest.mark.parametrize("client", ["auto", "legacy"], indirect=True)


@IN_BOTH_ERAS
async def test_every_tool_is_listed_once_with_all_it_needs(client: Client) -> None:
    tools = (await client.list_tools()).tools

    assert sorted(tool.name for tool in tools) == sorted(Tool)
    for tool in tools:
        assert tool.title
        assert tool.description
        assert tool.description.startswith("Use "), tool.name
        assert len(tool.description) < 2048
        hints = tool.annotations
        assert hints is not None
        assert None not in {
            hints.read_only_hint,
            hints.destructive_hint,
            hints.idempotent_hint,
            hints.open_world_hint,
        }
        assert (hints.destructive_hint, hints.open_world_hint) == (False, False)


async def test_input_schemas_are_flat_closed_and_end_with_the_repository(client: Client) -> None:
    for tool in (await client.list_tools()).tools:
        schema = json.dumps(tool.input_schema)
        assert "$ref" not in schema
        assert "anyOf" not in schema
        assert tool.input_schema["additionalProperties"] is (tool.name == "start_session"), (
            "which takes a plan's fields too"
        )
        assert list(tool.input_schema["properties"])[-1] == "repo"
        assert "repo" not in tool.input_schema.get("required", [])
        for field in tool.input_schema["properties"].values():
            assert field["type"] in {"string", "integer", "number", "array", "boolean", "object"}


async def test_the_plan_is_passed_field_by_field_and_listed_once(client: Client) -> None:
    tools = {tool.name: tool for tool in (await client.list_tools()).tools}

    assert list(tools["check_plan"].input_schema["properties"]) == [*Plan.model_fields, "repo"]
    assert list(tools["start_session"].input_schema["properties"]) == ["preset", "repo"]
    assert all(field.get("description") for field in list(tools["check_plan"].input_schema["properties"].values())[:-1])


async def test_output_schemas_admit_refusals_too(client: Client) -> None:
    for tool in (await client.list_tools()).tools:
        assert tool.output_schema is not None
        assert tool.output_schema["type"] == "object"
        assert sorted(tool.output_schema["required"]) == ["next", "phase"]
        assert tool.output_schema.get("additionalProperties") is not False
        assert all(field.keys() == {"type"} for field in tool.output_schema["properties"].values()), (
            "the rest costs only"
        )


async def test_the_list_of_tools_is_short(client: Client) -> None:
    """Every client reads it first, and most give it to a model whole."""
    listed = (await client.list_tools()).model_dump(mode="json", by_alias=True, exclude_none=True)

    assert len(json.dumps(listed, ensure_ascii=False, separators=(",", ":")).encode()) <= 40_000


def test_the_first_line_of_the_instructions_says_what_this_is_and_when_to_use_it() -> None:
    first = INSTRUCTIONS.splitlines()[0]

    assert "research lab" in first
    assert "use it to" in first
    assert len(INSTRUCTIONS) < 2048


ASK_FOR_MORE = {"wait", "cancel", "record", "design"}
"""What refuses a call in which nothing is named, where there is nothing."""


async def test_every_optional_argument_may_be_null(client: Client) -> None:
    for tool in (await client.list_tools()).tools:
        schema = tool.input_schema
        needed: dict[str, Any] = {"description": "x", "name": "debug", "workflow": "debug", "item": {}, "text": "x"}
        required = {name: needed[name] for name in schema.get("required", [])}
        nothing = dict.fromkeys(schema["properties"].keys() - required.keys())

        answer = await client.call_tool(tool.name, {**nothing, **required})

        assert structured(answer).get("code") != "bad-argument" or tool.name in ASK_FOR_MORE
        assert "valid" not in structured(answer).get("message", "")


async def test_lists_numbers_and_truths_are_understood_as_clients_write_them(client: Client, project: Project) -> None:
    plan = {
        **arguments(project),
        "scope": "value.txt",
        "protected": '["check.sh"]',
        "guards": "sh check.sh",
        "environment": "",
        "iterations": "3",
        "minutes": "",
        "target": 2.5,
        "network": "true",
    }
    started = structured(await client.call_tool("start_session", plan))
    status = structured(await client.call_tool("status", {"repo": None}))
    sealed = project.lab.for_reading().active.plan

    assert started["baseline"] == 10
    assert status["scope"] == ["value.txt"]
    assert (sealed.scope, sealed.protected, sealed.guards) == (("value.txt",), ("check.sh",), ("sh check.sh",))
    assert (sealed.environment, sealed.iterations, sealed.minutes, sealed.target) == ((), 3, 0, "2.5")
    assert sealed.network is True


async def test_options_are_understood_as_clients_write_them(client: Client) -> None:
    opened = await client.call_tool("workflow", {"name": "scenario", "action": "open", "options": {"scope": "src/**"}})
    nothing = await client.call_tool("workflow", {"name": "scenario", "options": {"scope": None}})

    assert not opened.is_error
    assert not nothing.is_error


@IN_BOTH_ERAS
async def test_a_whole_session_through_the_protocol(client: Client, project: Project) -> None:
    checked = await client.call_tool("check_plan", arguments(project))
    started = await client.call_tool("start_session", arguments(project))
    project.write("value.txt", "8\n")
    kept = await client.call_tool("iterate", {"description": "eight"})
    finished = await client.call_tool("finish_session", {})

    assert structured(checked)["ready"] is True
    assert structured(started)["baseline"] == 10.0
    assert (structured(kept)["status"], structured(kept)["delta"]) == ("keep", -2.0)
    assert structured(finished)["summary"]["best"] == 8.0
    assert structured(finished)["phase"] == "no-session"


async def test_text_and_structured_content_are_each_enough(client: Client, project: Project) -> None:
    await client.call_tool("start_session", arguments(project))
    project.write("value.txt", "12\n")

    result = await client.call_tool("iterate", {"description": "twelve"})

    assert structured(result)["next"][0] == "iterate"
    assert "#1 discard: metric 12 (+2), best 10. Worse by 2." in text(result)
    assert "Next: iterate, commit, finish_session." in text(result)


@IN_BOTH_ERAS
async def test_a_refusal_is_an_error_with_code_message_and_next(client: Client) -> None:
    result = await client.call_tool("verify", {})

    assert result.is_error
    assert structured(result)["code"] == "no-session"
    assert structured(result)["next"] == ["inspect_project", "check_plan", "start_session"]
    assert structured(result)["message"] in text(result)


async def test_bad_arguments_are_refused_like_everything_else(client: Client, project: Project) -> None:
    await client.call_tool("start_session", arguments(project))

    for given, words in (
        ({"description": "x", "metric": 0.1}, "no argument `metric`"),
        ({}, "`description` is empty"),
        ({"description": ["x"]}, "`description`: has to be a text"),
        ({"description": "  "}, "`description` is empty"),
        ({"description": "x", "repo": "/etc"}, "outside"),
        ({"description": "x", "repo": 5}, "`repo`"),
    ):
        result = await client.call_tool("iterate", given)

        assert result.is_error
        assert words in structured(result)["message"]
        assert structured(result)["code"] in {"bad-argument", "outside-root"}
        assert structured(result)["next"]


async def test_no_tool_of_the_loop_lets_the_agent_report_a_number(client: Client, project: Project) -> None:
    await client.call_tool("start_session", arguments(project))
    for tool in ("commit", "verify", "guard", "revert", "log", "iterate"):
        for claim in ({"metric": 1}, {"value": 1}, {"status": "keep"}, {"verify": "echo 1"}, {"command": "echo 1"}):
            result = await client.call_tool(
                tool, {**claim, **({"description": "x"} if tool in {"commit", "iterate"} else {})}
            )
            assert result.is_error
            assert structured(result)["code"] == "bad-argument"


async def test_answers_stay_small_however_long_the_session(client: Client, tmp_path: Path, project: Project) -> None:
    await client.call_tool("start_session", {**arguments(project), "guards": ["true"], "goal": "long " * 200})
    for place in range(40):
        if place % 5 == 0:  # the others cost no run, and say as much
            project.write("value.txt", f"{20 + place}\n")
        await client.call_tool("iterate", {"description": f"try {place} " + "words " * 60, "learned": "much " * 100})

    for tool, given in (
        ("status", {}),
        ("history", {}),
        ("detect_stuck", {}),
        ("report", {}),
        ("history", {"limit": 50}),
    ):
        result = await client.call_tool(tool, given)
        limit = 2048 if tool == "status" else 10_000
        assert len(text(result).encode()) <= limit, tool
        assert len(json.dumps(structured(result)).encode()) <= limit, tool


async def test_the_inspection_of_a_large_monorepo_stays_small(client: Client, project: Project) -> None:
    for place in range(15):
        project.write(
            f"packages/app{place}/package.json", '{"scripts": {"test": "jest", "lint": "eslint .", "build": "x"}}'
        )
        project.write(f"packages/app{place}/src/index.ts", "export {}\n")
        project.write(f"services/api{place}/pyproject.toml", "[tool.pytest.ini_options]\n[tool.ruff]\n[tool.mypy]\n")
        project.write(f"services/api{place}/src/main.py", "x = 1\n")
    project.commit("a monorepo")

    result = await client.call_tool("inspect_project", {"goal": "faster tests"})

    assert structured(result)["candidates"]
    assert len(text(result).encode()) <= 10_000
    assert len(json.dumps(structured(result)).encode()) <= 10_000


@IN_BOTH_ERAS
async def test_progress_flows_while_a_command_runs(client: Client, project: Project) -> None:
    heard: list[tuple[float, str | None]] = []

    async def listen(progress: float, total: float | None, message: str | None) -> None:
        heard.append((progress, message))

    plan = {**arguments(project), "verify": "echo step 1; sleep 1.2; cat value.txt", "read": "last"}
    await client.call_tool("start_session", plan, progress_callback=listen)

    assert heard
    assert [seconds for seconds, _ in heard] == sorted({seconds for seconds, _ in heard})
    assert {message for _, message in heard} - {"running"} == {"step 1"}


async def test_a_cancelled_call_does_not_stop_the_iteration(project: Project) -> None:
    async with Client(build_server(Lab(project.root, allow_commands=True))) as client:
        await client.call_tool("start_session", {**arguments(project), "verify": "sleep 1; cat value.txt"})
        project.write("value.txt", "8\n")
        with anyio.move_on_after(0.5):
            await client.call_tool("iterate", {"description": "eight"})
        with anyio.fail_after(20):
            while structured(await client.call_tool("status", {}))["iterations"] == 0:
                await anyio.sleep(0.1)

        assert structured(await client.call_tool("status", {}))["best"] == 8.0


@IN_BOTH_ERAS
async def test_the_prompt_carries_the_live_state_and_takes_words_or_nothing(client: Client, project: Project) -> None:
    await client.call_tool("start_session", arguments(project))

    listed = (await client.list_prompts()).prompts
    bare = await client.get_prompt("autoresearch", {"goal": "", "iterations": ""})
    named = await client.get_prompt("autoresearch", {"goal": "smaller $value"})

    assert [prompt.name for prompt in listed] == [*load_prompts()]
    assert not any(argument.required for prompt in listed for argument in prompt.arguments or [])
    assert len(bare.messages) == 1
    assert bare.messages[0].role == "user"
    assert isinstance(bare.messages[0].content, TextContent)
    assert "the baseline is 10" in bare.messages[0].content.text
    assert "(not given)" not in bare.messages[0].content.text
    assert isinstance(named.messages[0].content, TextContent)
    assert "Goal given: smaller $value" in named.messages[0].content.text


@IN_BOTH_ERAS
async def test_an_unknown_prompt_argument_is_an_error_that_names_it(client: Client) -> None:
    with pytest.raises(MCPError, match=r"Unknown argument speed\. autoresearch takes: goal, iterations"):
        await client.get_prompt("autoresearch", {"speed": "fast"})


async def test_the_playbook_is_the_prompt_for_clients_without_prompts(client: Client) -> None:
    result = await client.call_tool("playbook", {})
    unknown = await client.call_tool("playbook", {"name": "cook"})

    assert "You run a research lab" in structured(result)["playbook"]
    assert "Use one of: autoresearch" in structured(unknown)["message"]


@IN_BOTH_ERAS
async def test_resources_give_the_status_and_the_results(client: Client, project: Project) -> None:
    await client.call_tool("start_session", arguments(project))

    listed = {str(resource.uri) for resource in (await client.list_resources()).resources}
    status = (await client.read_resource("autoresearch://status")).contents[0]
    results = (await client.read_resource("autoresearch://results")).contents[0]

    assert listed == {"autoresearch://status", "autoresearch://results", "ui://autoresearch/session"}
    assert json.loads(status.text)["baseline"] == 10.0  # type: ignore[union-attr]
    assert re.search(r"^0\t.{7}\t10\t\+0\tpass\tbaseline", results.text, re.MULTILINE)  # type: ignore[union-attr]


# --- Consent ---------------------------------------------------------------------------------------------------------


async def _checked_by(project: Project, answer: ElicitResult | None, mode: Mode) -> tuple[dict[str, Any], list[str]]:
    asked: list[str] = []

    async def person(context: object, question: ElicitRequestParams) -> ElicitResult:
        assert answer is not None
        asked.append(question.message)
        return answer

    callback = None if answer is None else person
    async with Client(build_server(Lab(project.root)), elicitation_callback=callback, mode=mode) as client:  # type: ignore[arg-type]
        return structured(await client.call_tool("check_plan", arguments(project))), asked


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_a_person_who_says_yes_is_shown_the_commands_and_asked_once(project: Project, mode: Mode) -> None:
    yes = ElicitResult(action="accept", content={"agree": True})

    checked, asked = await _checked_by(project, yes, mode)
    again, not_asked = await _checked_by(project, yes, mode)

    assert checked["ready"] is True
    assert len(asked) == 1
    assert "cat value.txt" in asked[0]
    assert "sh check.sh" in asked[0]
    assert again["ready"] is True
    assert not_asked == []


@pytest.mark.parametrize(
    ("answer", "mode"),
    [
        (ElicitResult(action="decline"), "auto"),
        (ElicitResult(action="decline"), "legacy"),
        (ElicitResult(action="cancel"), "legacy"),
        (ElicitResult(action="accept", content={"agree": False}), "auto"),
        (None, "legacy"),
    ],
    ids=["decline", "decline, in the old era", "cancel", "accept without a yes", "a client that cannot ask"],
)
async def test_without_a_yes_no_command_runs_and_the_answer_says_how_to_agree(
    project: Project, answer: ElicitResult | None, mode: Mode
) -> None:
    checked, _ = await _checked_by(project, answer, mode)

    assert checked["ready"] is False
    assert checked["commands"] == ["cat value.txt", "sh check.sh"]
    assert "values" not in checked
    assert any("autoresearch-mcp approve" in gate.get("cure", "") for gate in checked["gates"])


@pytest.mark.parametrize(
    ("prompt", "argument", "typed", "offered"),
    [
        ("debug", "severity", "", ["critical", "high", "medium", "low", "info"]),
        ("debug", "severity", "h", ["high"]),
        ("debug", "chain", "fix, s", ["fix, security", "fix, ship", "fix, scenario"]),
        ("debug", "goal", "", []),
        ("autoresearch", "goal", "x", []),
        ("no-such-prompt", "type", "", []),
    ],
)
async def test_arguments_are_completed_where_it_is_known_what_may_stand_there(
    client: Client, prompt: str, argument: str, typed: str, offered: list[str]
) -> None:
    answer = await client.complete(PromptReference(name=prompt), {"name": argument, "value": typed})

    assert answer.completion.values == offered


async def test_a_workflow_is_driven_over_the_protocol(client: Client, project: Project) -> None:
    opened = structured(await client.call_tool("workflow", {"name": "debug", "action": "open"}))
    item = {"kind": "hypothesis", "location": "app.txt:2", "quote": "two"}

    refused = await client.call_tool("record", {"workflow": "debug", "item": item})

    assert opened["next"][:2] == ["record", "workflow"]
    assert [form["kind"] for form in opened["takes"]] == ["hypothesis", "finding", "withdrawal"]
    assert refused.is_error
    assert structured(refused)["code"] == "missing-field"
    status = structured(await client.call_tool("status", {}))
    assert status["ledgers"] == [opened["ledger"]]


# --- Choosing a plan -------------------------------------------------------------------------------------------------

CHOICE = {"plan": "1. Fewer lines", "iterations": 7, "target": "", "agree": True}


async def _chosen_by(
    root: Path, content: dict[str, Any] | None, mode: Mode, **given: object
) -> tuple[CallToolResult, list[ElicitRequestParams]]:
    asked: list[ElicitRequestParams] = []

    async def person(context: object, question: ElicitRequestParams) -> ElicitResult:
        asked.append(question)
        schema: dict[str, Any] = getattr(question, "requested_schema", {})
        first = schema["properties"].get("plan", {}).get("enum", [""])[0]
        return (
            ElicitResult(action="accept", content={**content, "plan": first} if content else None)
            if content
            else ElicitResult(action="decline")
        )

    async with Client(build_server(Lab(root)), elicitation_callback=person, mode=mode) as client:  # type: ignore[arg-type]
        return await client.call_tool("check_plan", dict(given)), asked


@pytest.fixture
def counted(project: Project) -> Project:
    """A project in which a plan can be found without being told."""
    project.write("app.py", "def double(x):\n    return x + x\n")
    project.write("test_app.py", "from app import double\n\n\ndef test_double():\n    assert double(2) == 4\n")
    project.write("pyproject.toml", '[project]\nname = "app"\nversion = "1"\n[tool.pytest.ini_options]\n')
    return project.commit("an app")


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_where_nothing_says_what_to_measure_the_person_chooses_in_one_form(counted: Project, mode: Mode) -> None:
    result, asked = await _chosen_by(counted.root, CHOICE, mode, goal="fewer lines of code")

    checked = structured(result)
    assert len(asked) == 1
    assert "1. " in asked[0].message
    assert checked["plan"]["goal"] == "fewer lines of code"
    assert checked["plan"]["iterations"] == 7
    assert f"measured by `{checked['plan']['verify']}`" in asked[0].message
    assert "commands" not in checked
    assert checked["values"] != []
    assert json.dumps(checked["plan"]["verify"]) in text(result)


async def test_who_chooses_without_a_yes_has_a_plan_and_nothing_runs(counted: Project) -> None:
    untouched = {"iterations": ""}  # as some forms send a number that was left as it stood
    result, asked = await _chosen_by(counted.root, {**CHOICE, **untouched, "agree": False}, "auto")

    assert len(asked) == 1
    assert structured(result)["plan"]["verify"]
    assert "values" not in structured(result)
    assert structured(result)["commands"] != []


async def test_a_yes_to_a_chosen_plan_is_none_to_what_the_call_puts_beside_it(counted: Project) -> None:
    hidden = "touch evil.txt; cat value.txt"

    result, asked = await _chosen_by(
        counted.root, CHOICE, "auto", goal="fewer lines of code", holdout=hidden, environment=["SECRET"]
    )

    assert hidden not in asked[0].message
    assert structured(result)["commands"] == [hidden, "pass the environment variable SECRET on to these commands"]
    assert not (counted.root / "evil.txt").exists()


async def test_who_does_not_choose_changes_nothing(counted: Project) -> None:
    result, asked = await _chosen_by(counted.root, None, "legacy")

    assert len(asked) == 1
    assert structured(result)["code"] == "bad-plan"


async def test_a_client_that_cannot_ask_is_answered_as_ever(counted: Project) -> None:
    async with Client(build_server(Lab(counted.root)), mode="legacy") as client:
        bare = await client.call_tool("check_plan", {})
        goal = await client.call_tool("check_plan", {"goal": "fewer lines"})

    assert structured(bare)["code"] == "bad-plan"
    assert any("metric: missing" in gate["seen"] for gate in structured(goal)["gates"])


async def test_a_plan_file_or_a_metric_leaves_nothing_to_choose(counted: Project) -> None:
    counted.write(
        "autoresearch.toml",
        'goal = "x"\nscope = ["app.py"]\nmetric = "v"\ndirection = "lower"\nverify = "cat value.txt"\n',
    )

    _, from_file = await _chosen_by(counted.root, {"agree": False}, "auto")
    _, with_metric = await _chosen_by(counted.root, {"agree": False}, "auto", **arguments(counted))
    _, with_goal = await _chosen_by(counted.root, {**CHOICE, "agree": False}, "auto", goal="fewer lines")

    assert [question.message.split()[0] for question in (*from_file, *with_metric)] == ["May", "May"]
    assert [question.message.split()[0] for question in with_goal] == ["What"]


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_a_yes_is_to_the_commands_that_were_shown_not_to_what_the_file_says_by_then(
    project: Project, mode: Mode
) -> None:
    """An agent that edits the plan file while the person reads gains nothing."""
    fields = 'goal = "x"\nscope = ["value.txt"]\nmetric = "v"\ndirection = "lower"\nverify = "{}"\n'
    project.write("autoresearch.toml", fields.format("cat value.txt"))

    async def person(context: object, question: ElicitRequestParams) -> ElicitResult:
        project.write("autoresearch.toml", fields.format("touch evil.txt; cat value.txt"))
        return ElicitResult(action="accept", content={"agree": "cat value.txt" in question.message.splitlines()})

    async with Client(build_server(Lab(project.root)), elicitation_callback=person, mode=mode) as client:  # type: ignore[arg-type]
        checked = structured(await client.call_tool("check_plan", {}))

    assert checked["commands"] == ["touch evil.txt; cat value.txt"]
    assert not (project.root / "evil.txt").exists()


async def test_a_refused_call_is_over_also_for_the_next_server(client: Client, project: Project) -> None:
    await client.call_tool("start_session", arguments(project))
    for description in ("larger", "the same once more"):
        project.write("value.txt", "12\n")
        last = await client.call_tool("iterate", {"description": description})
    assert structured(last)["code"] == "repeat"
    project.write("value.txt", "10\n")

    async with Client(build_server(Lab(project.root, allow_commands=True))) as another:
        status = structured(await another.call_tool("status", {}))
        waited = await another.call_tool("wait", {})

    assert "note" not in status
    assert waited.is_error
    assert status["iterations"] == structured(await client.call_tool("status", {}))["iterations"] == 1
