"""The page of the tools."""

from __future__ import annotations

import inspect
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import anyio

from autoresearch_mcp.server.app import build_server
from autoresearch_mcp.tools.lab.access import Lab
from autoresearch_mcp.tools.lab.answers import Answer
from autoresearch_mcp.tools.plan.model import Plan
from autoresearch_mcp.tools.verbs.base import Verbs
from autoresearch_mcp.tools.vocabulary import Phase, following

from .markdown import Schema, codes, page, plain, shown, table, text


def tools_page() -> str:
    """Every tool with its arguments and its answer."""
    with tempfile.TemporaryDirectory() as folder:
        listed = anyio.run(build_server(Lab(Path(folder))).list_tools)
    general = Answer.model_json_schema()["properties"]
    return page(
        "# Tools",
        "What an agent can call. No tool takes a number or a verdict. Every tool takes `repo`, a path inside the server's "
        "root, as its last argument; an unknown argument is refused.",
        "Every answer is there as words and as structured content, under 10 kB, each enough alone: most clients give their model "
        "one of the two. A field that holds nothing (null, an empty text or list) is left out of the structured content, and so is "
        "one inside of another field that is what it always is; `phase` and `next` are always there. Every answer may carry",
        _fields(general, {}),
        "A refusal is a tool error with `code`, `message`, `phase` and `next`: see [Refusals](refusals.md).",
        "## Which calls are legal when",
        "Calls that only read are always legal.",
        table(("phase", "next"), [(f"`{phase}`", codes(following(phase))) for phase in Phase]),
        *(_tool(tool.model_dump(mode="json", by_alias=True), set(general)) for tool in listed),
    )


def _tool(tool: Schema, general: set[str]) -> str:
    hints = tool["annotations"]
    kind = "only reads" if hints["readOnlyHint"] else "writes"
    arguments = tool["inputSchema"].get("properties", {})
    required = tool["inputSchema"].get("required", ())
    answer = _answer_of(tool["name"]).model_json_schema()
    own = {name: field for name, field in answer["properties"].items() if name not in general}
    return page(
        f"## {tool['name']}",
        tool["description"],
        f"It {kind}." + (" The same call twice changes nothing more." if hints["idempotentHint"] else ""),
        "**Arguments**" if len(arguments) > 1 else "No arguments but `repo`.",
        _plan_fields(arguments) or _arguments(arguments, required),
        f"**Answer.** {plain(answer.get('description', ''))}",
        _fields(own, answer.get("$defs", {})),
    )


def _answer_of(tool: str) -> type[Answer]:
    """The model of a tool's answer; what is listed for clients has only the names and types of its fields."""
    kinds = (deeper for kind in Verbs.__subclasses__() for deeper in (kind, *kind.__subclasses__()))
    methods = (getattr(kind, tool, None) for kind in kinds)
    answers = (inspect.signature(method, eval_str=True).return_annotation for method in methods if method)
    found: type[Answer] = next(answer for answer in answers if issubclass(answer, Answer))
    return found


def _plan_fields(arguments: Mapping[str, Schema]) -> str:
    if not set(Plan.model_fields) <= set(arguments):
        return ""
    return "The fields of the [plan](plan.md); none of them means the plan file."


def _arguments(arguments: Mapping[str, Schema], required: Sequence[str]) -> str:
    rows = [
        (f"`{name}`", _type(field), "required" if name in required else f"`{shown(field.get('default'))}`", text(field))
        for name, field in arguments.items()
        if name != "repo"
    ]
    return table(("argument", "type", "default", "meaning"), rows) if rows else ""


def _fields(fields: Mapping[str, Schema], known: Mapping[str, Schema]) -> str:
    """A list of an answer's fields; a model that stands in one is spelled out behind it."""
    return "\n".join(f"- `{name}` ({_type(field)}){_meaning(field, known)}" for name, field in fields.items())


def _meaning(field: Schema, known: Mapping[str, Schema]) -> str:
    model = known.get(_model(field), {})
    inner = model.get("properties", {})
    parts = [text(field), plain(model.get("description", "")), f"Fields: {codes(inner)}." if inner else ""]
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
