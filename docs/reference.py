"""The pages of the reference, each read off the code that it describes, so that none can say what is no longer so."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import StrEnum
from importlib import import_module
from inspect import cleandoc, getdoc
from pathlib import Path
from types import ModuleType
from typing import Any

import anyio
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from autoresearch_mcp.prompts import load_prompts
from autoresearch_mcp.server.app import build_server
from autoresearch_mcp.server.commands import COMMANDS, Command
from autoresearch_mcp.server.main import make_parser
from autoresearch_mcp.tools.answers import Answer
from autoresearch_mcp.tools.errors import Code
from autoresearch_mcp.tools.lab import Lab
from autoresearch_mcp.tools.rules import scores
from autoresearch_mcp.tools.rules.ledgers.craft import Craft
from autoresearch_mcp.tools.rules.ledgers.forms import choices
from autoresearch_mcp.tools.rules.ledgers.items import Item, Workflow
from autoresearch_mcp.tools.rules.ledgers.options import Options
from autoresearch_mcp.tools.rules.ledgers.registry import craft
from autoresearch_mcp.tools.rules.phase import Phase, following
from autoresearch_mcp.tools.rules.plan import PLAN_FILE, Plan
from autoresearch_mcp.tools.rules.results import COLUMNS, RESULTS_FILE

Schema = Mapping[str, Any]


# --- tools -----------------------------------------------------------------------------------------------------------


def tools_page() -> str:
    """Every tool with its arguments and its answer."""
    with tempfile.TemporaryDirectory() as folder:
        listed = anyio.run(build_server(Lab(Path(folder))).list_tools)
    general = Answer.model_json_schema()["properties"]
    return _page(
        "# Tools",
        "What an agent can call. No tool takes a number or a verdict. Every tool takes `repo`, a path inside the server's "
        "root, as its last argument; an unknown argument is refused.",
        "Every answer is there as words and as structured content, under 10 kB, and carries",
        _fields(general, {}),
        "A refusal is a tool error with `code`, `message`, `phase` and `next`: see [Refusals](refusals.md).",
        "## Which calls are legal when",
        "Calls that only read are always legal.",
        _table(("phase", "next"), [(f"`{phase}`", _codes(following(phase))) for phase in Phase]),
        *(_tool(tool.model_dump(mode="json", by_alias=True), set(general)) for tool in listed),
    )


def _tool(tool: Schema, general: set[str]) -> str:
    hints = tool["annotations"]
    kind = "only reads" if hints["readOnlyHint"] else "writes"
    arguments = tool["inputSchema"].get("properties", {})
    required = tool["inputSchema"].get("required", ())
    answer = tool["outputSchema"]
    own = {name: field for name, field in answer["properties"].items() if name not in general}
    return _page(
        f"## {tool['name']}",
        tool["description"],
        f"It {kind}." + (" The same call twice changes nothing more." if hints["idempotentHint"] else ""),
        "**Arguments**" if len(arguments) > 1 else "No arguments but `repo`.",
        _plan_fields(arguments) or _arguments(arguments, required),
        f"**Answer.** {_plain(answer.get('description', ''))}",
        _fields(own, answer.get("$defs", {})),
    )


def _plan_fields(arguments: Mapping[str, Schema]) -> str:
    if not set(Plan.model_fields) <= set(arguments):
        return ""
    more = [name for name in arguments if name not in Plan.model_fields and name != "repo"]
    told = "The fields of the [plan](plan.md); none of them means the plan file."
    return told + (f" Beside them: {_codes(more)}.\n\n{_arguments({name: arguments[name] for name in more}, ())}" if more else "")


def _arguments(arguments: Mapping[str, Schema], required: Sequence[str]) -> str:
    rows = [
        (f"`{name}`", _type(field), "required" if name in required else f"`{_shown(field.get('default'))}`", _text(field))
        for name, field in arguments.items()
        if name != "repo"
    ]
    return _table(("argument", "type", "default", "meaning"), rows) if rows else ""


def _fields(fields: Mapping[str, Schema], known: Mapping[str, Schema]) -> str:
    """A list of an answer's fields; a model that stands in one is spelled out behind it."""
    return "\n".join(f"- `{name}` ({_type(field)}){_meaning(field, known)}" for name, field in fields.items())


def _meaning(field: Schema, known: Mapping[str, Schema]) -> str:
    model = known.get(_model(field), {})
    inner = model.get("properties", {})
    parts = [_text(field), _plain(model.get("description", "")), f"Fields: {_codes(inner)}." if inner else ""]
    told = " ".join(part for part in parts if part)
    return f": {told}" if told else ""


def _model(field: Schema) -> str:
    """The name of the model that a field holds, alone, in a list, or beside null."""
    inner = [field, field.get("items", {}), *field.get("anyOf", ())]
    return next((one["$ref"].rpartition("/")[2] for one in inner if "$ref" in one), "")


def _type(field: Schema) -> str:
    if "anyOf" in field:
        return " or ".join(_type(part) for part in field["anyOf"])
    if "enum" in field:
        return ", ".join(map(str, field["enum"]))
    if field.get("type") == "array":
        return f"list of {_type(field.get('items', {}))}"
    return str(field.get("type") or field.get("$ref", "any").rpartition("/")[2])


# --- prompts ---------------------------------------------------------------------------------------------------------


def prompts_page() -> str:
    """Every prompt with its arguments."""
    return _page(
        "# Prompts",
        "What to say to an agent, one prompt a workflow and one for the loop. Every argument is optional. In Claude Code a "
        "prompt is a command, such as `/mcp__autoresearch__debug`; in a client without prompts say *use the debug playbook*: "
        "the tool [`playbook`](tools.md#playbook) has the same texts.",
        *(
            _page(
                f"## {prompt.name}",
                f"{prompt.description}.",
                _table(("argument", "meaning"), [(f"`{name}`", _cell(text)) for name, text in prompt.arguments.items()]),
            )
            for prompt in load_prompts().values()
        ),
    )


# --- plan ------------------------------------------------------------------------------------------------------------


def plan_page() -> str:
    """Every field of a plan."""
    return _page(
        "# Plan",
        f"The keys of `{PLAN_FILE}`, which are also the arguments of `check_plan` and `start_session`. The plan is sealed at "
        "the start of a session. `goal`, `scope`, `metric`, `direction` and `verify` are required.",
        _table(
            ("key", "default", "meaning"),
            [(f"`{name}`", f"`{_shown(field.default)}`", _cell(field.description or "")) for name, field in Plan.model_fields.items()],
        ),
    )


# --- workflows -------------------------------------------------------------------------------------------------------


def workflows_page() -> str:
    """Every workflow: options, items, rounds and scores."""
    return _page(
        "# Workflows",
        "A workflow keeps a ledger: the agent reports items with `record`, the server checks each at the door, computes "
        "coverage and scores, and says what is missing. [How to take one from start to end](../how-to/workflows.md).",
        "Options that all of them take:",
        _model_table(Options, "option"),
        "Fields that every item may have: `kind`, which is required, and `upstream`, "
        f"{_cell(Item.model_fields['upstream'].description or '')[0].lower()}{_cell(Item.model_fields['upstream'].description or '')[1:]}",
        "A score without an upper bound grows with the number of items: it counts work, not quality.",
        *(_workflow(workflow, craft(workflow)) for workflow in Workflow),
    )


def _workflow(name: Workflow, rules: Craft) -> str:
    own = {key: field for key, field in rules.options.model_fields.items() if key not in Options.model_fields}
    rounds = ", ".join(f"{depth} {most or 'unbounded'}" for depth, most in rules.rounds.items())
    return _page(
        f"## {name}",
        cleandoc(rules.__doc__ or ""),
        f"Rounds by depth: {rounds}." + (f" Usually followed by {_codes(rules.onwards)}." if rules.onwards else ""),
        "**Options**" if own else "",
        _table(("option", "default", "meaning"), [_option(rules.options, key, field) for key, field in own.items()]) if own else "",
        *(_item(kind) for kind in rules.items.values()),
        "**Scores**" if _scores(rules) else "",
        "\n".join(f"- `{one.__name__}`: {_plain(getdoc(one) or '')}" for one in _scores(rules)),
    )


def _item(kind: type[Item]) -> str:
    hidden = {"kind", "upstream", *kind.filled}
    word = kind.model_fields["kind"].default
    rows = [
        (f"`{name}`", "required" if field.is_required() else "optional", _with_words(kind, name, field))
        for name, field in kind.model_fields.items()
        if name not in hidden
    ]
    return _page(f"**Item `{word}`.** {_plain(getdoc(kind) or '')}", _table(("field", "", "meaning"), rows))


def _option(model: type[BaseModel], name: str, field: FieldInfo) -> tuple[str, str, str]:
    return f"`{name}`", f"`{_shown(field.get_default(call_default_factory=True))}`", _with_words(model, name, field)


def _model_table(model: type[BaseModel], first: str) -> str:
    rows = [_option(model, name, field) for name, field in model.model_fields.items()]
    return _table((first, "default", "meaning"), rows)


def _with_words(model: type[BaseModel], name: str, field: FieldInfo) -> str:
    """What a field is, with the words that it may hold unless they stand there already."""
    told, words = _cell(field.description or ""), choices(model, name)
    listed = f"One of {', '.join(words)}." if words and not all(word in told for word in words) else ""
    return " ".join(part for part in (told, listed) if part)


def _scores(rules: Craft) -> list[Callable[..., object]]:
    """The formulas that a workflow's module uses, in the order of the file that holds them all."""
    home: ModuleType = import_module(type(rules).__module__)
    used = {name for name, value in vars(home).items() if getattr(value, "__module__", "") == scores.__name__}
    return [value for name, value in vars(scores).items() if name in used and callable(value) and not isinstance(value, type)]


# --- commands --------------------------------------------------------------------------------------------------------


def commands_page() -> str:
    """Every command with what it takes and how it exits."""
    parser = make_parser()
    return _page(
        "# Commands",
        "`autoresearch-mcp` alone serves MCP on standard input and output. These options come before a command:",
        _options(parser, skip=("command",)),
        "Refused options, and a name that is no command, end with status 2. `--json` prints one object and nothing else.",
        *(_command(name, command) for name, command in COMMANDS.items()),
    )


def _command(name: str, command: Command) -> str:
    parser = argparse.ArgumentParser(prog=f"autoresearch-mcp {name}", formatter_class=_Wide)
    for argument in command.arguments:
        parser.add_argument(*argument.names, **argument.options)
    usage = parser.format_usage().removeprefix("usage: ").strip()
    return _page(
        f"## {name}",
        f"{command.help[0].upper()}{command.help[1:]}.",
        f"```\n{usage}\n```",
        _options(parser),
        command.says,
        command.exits,
    )


class _Wide(argparse.HelpFormatter):
    """Usage on one line, however wide the terminal is."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, width=1000)


def _options(parser: argparse.ArgumentParser, skip: Sequence[str] = ()) -> str:
    rows = [
        (", ".join(f"`{_cell(name)}`" for name in action.option_strings or (action.metavar or action.dest,)), _help(action))
        for action in parser._actions
        if action.dest not in skip and not isinstance(action, argparse._HelpAction)
    ]
    return _table(("argument", "meaning"), rows) if rows else ""


def _help(action: argparse.Action) -> str:
    told = _cell((action.help or "") % vars(action))
    listed = ", ".join(map(str, action.choices or ()))
    return f"{told}: {listed}" if listed and listed not in told else told


# --- files -----------------------------------------------------------------------------------------------------------


def files_page() -> str:
    """What is on disk."""
    return _page("# Files", FILES.format(plan=PLAN_FILE, results=RESULTS_FILE, columns=_codes(COLUMNS)))


FILES = """\
## In the repository

| file | what it is | who writes it |
|---|---|---|
| `{plan}` | the plan: [its keys](plan.md). Commit it: that is how you agree to its commands | you |
| `{results}` | one row an iteration: [the results file](../tutorial.md#the-results-file). Columns: {columns} | the server; git ignores it through `.git/info/exclude` |
| `autoresearch/WORKFLOW-DATE-WORDS/` | what a closed workflow leaves: `summary.md`, `handoff.json` and its own files | the server; ignored by git in the same way |

## In git's own folder

All of this is in `.git/autoresearch/`; in a linked worktree, in the folder of the repository that it belongs to.

| file | what it is |
|---|---|
| `journal.db` | the truth: every attempt, sample, receipt and reason, in a hash chain. SQLite; to move a session, move this |
| `lock` | held while a call writes. Death releases it; there is nothing to clean up |
| `job.json`, `intent.json`, `runs/` | the call, the step on git and the run that are under way: see [when something dies](../recovery.md) |

## In your home folder

| place | what it is |
|---|---|
| `~/.cache/autoresearch/` | the second checkout in which a noisy metric is measured, one a repository; `finish_session` removes it. Elsewhere with `XDG_CACHE_HOME` |
| `~/.cache/autoresearch-mcp/` | packed text for the GPT harness (elsewhere with `AUTORESEARCH_CACHE`); the recorded lists of a server whose code was changed |
| `~/.local/state/autoresearch-mcp/` | `server.log`, the token of `serve --http`, what clients passed on to the server. Elsewhere with `XDG_STATE_HOME` |
"""


# --- refusals --------------------------------------------------------------------------------------------------------

REFUSALS: Mapping[Code, str] = {
    Code.OUT_OF_ORDER: "The call is not legal in this phase. `next` names those that are.",
    Code.NO_SESSION: "There is no open session on this branch: another branch, or none was started.",
    Code.SESSION_ACTIVE: "A session is open already. Its plan is sealed; finish it first.",
    Code.SESSION_ENDED: "A budget is used up, the target reached or the ruler broken. Call `finish_session`.",
    Code.BUSY: "Another call or server is at work here. `wait`, or make the same call again.",
    Code.NOT_A_REPOSITORY: "No git repository there, or one that cannot be worked in, such as a bare one.",
    Code.OUTSIDE_ROOT: "The path lies outside the folder that the server was started for.",
    Code.GIT: "git refused a step; its words are in the message.",
    Code.DISK: "The disk is full or may not be written. Make space; the same call goes on.",
    Code.BAD_NAME: "A branch of that name exists, or git allows no such name.",
    Code.BAD_PLAN: "A field of the plan is missing or wrong. The message has one line a problem, with its cure.",
    Code.GATE_FAILED: "Something stands in the way of a start: uncommitted changes, a red guard, a number that cannot be read.",
    Code.CONSENT_NEEDED: "Nobody agreed to a command or a variable. The message lists the ways to agree; an agent has none.",
    Code.OUTSIDE_SCOPE: "A file outside the scope was changed. Nothing was committed; the message says how to put it back.",
    Code.PROTECTED: "A file that the number rests on was changed, or one that would be read in its place.",
    Code.MACHINE_CHANGED: "Another machine, Python or tool than at the start: numbers cannot be compared.",
    Code.JOURNAL_BROKEN: "The journal cannot be read, or is not what was written. The message names the file.",
    Code.REPEAT: "This change was tried before in the session.",
    Code.HEAD_MOVED: "Somebody else moved the branch. Nothing is undone or built on it.",
    Code.BAD_ARGUMENT: "An argument is unknown or has no legal value.",
    Code.MISSING_FIELD: "An item lacks a field that its kind takes.",
    Code.EVIDENCE: "The quote does not stand at that place in git, or a cited command did not show what was claimed.",
    Code.DUPLICATE: "The ledger holds this item already; the message names it.",
    Code.SECRET: "The item holds what looks like a key, token or password. Describe it, do not quote it.",
    Code.SEALED: "It may not be seen or changed yet: findings before all are in, options of an open ledger.",
    Code.NOT_OPEN: "No ledger of this workflow is open on this branch. Call `workflow` with `open`.",
    Code.INCOMPLETE: "The workflow may not end yet; the message lists what is missing.",
    Code.SATURATED: "Nothing new has come for so long that the workflow is over. Close it.",
    Code.APPROVAL_NEEDED: "A step that cannot be undone waits for a person's yes.",
    Code.SUPPRESSED: "The change hides an error instead of mending it.",
}


def refusals_page() -> str:
    """Every code of a refusal."""
    return _page(
        "# Refusals",
        "A refusal changed nothing. It is a tool error whose structured content has `code`, `message` (what is wrong, then the "
        "next step), `phase` and `next`. On the command line it goes to standard error, with status 2.",
        _table(("code", "what it means"), [(f"`{code}`", REFUSALS[code]) for code in Code]),
    )


# --- markdown --------------------------------------------------------------------------------------------------------


def _page(*parts: str) -> str:
    return "\n\n".join(part.strip() for part in parts if part.strip()) + "\n"


def _table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _text(field: Schema) -> str:
    return _cell(field.get("description", ""))


def _plain(text: str) -> str:
    return " ".join(text.split())


def _cell(text: str) -> str:
    """Text for a cell of a table: on one line, without a bar that would end the cell."""
    return _plain(text).replace("|", "\\|")


def _codes(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _shown(value: object) -> str:
    """A default as a plan file or a call would write it."""
    match value:
        case "" | () | None | []:
            return "[]" if isinstance(value, (tuple, list)) else '""'
        case bool():
            return str(value).lower()
        case StrEnum():
            return value.value
        case _:
            return str(value)


PAGES: Mapping[str, Callable[[], str]] = {
    "tools": tools_page,
    "prompts": prompts_page,
    "plan": plan_page,
    "workflows": workflows_page,
    "commands": commands_page,
    "files": files_page,
    "refusals": refusals_page,
}

if __name__ == "__main__":
    sys.stdout.write(PAGES[sys.argv[1]]())
