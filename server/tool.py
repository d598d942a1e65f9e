"""Turns a plain typed method into an MCP tool: flat arguments, structured answers, refusals instead of exceptions."""

from __future__ import annotations

import functools
import inspect
import logging
import time
from base64 import b64encode
from collections.abc import Awaitable, Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Any

import anyio.from_thread
import anyio.to_thread
from mcp.server.apps import client_supports_apps
from mcp.server.elicitation import ElicitationResult
from mcp.server.mcpserver import Context, Resolve
from mcp.server.mcpserver.exceptions import ToolError
from mcp.server.mcpserver.tools import Tool as ServerTool
from mcp.types import CallToolResult, ImageContent, TextContent, ToolAnnotations
from pydantic import BaseModel, ConfigDict, PrivateAttr, ValidationError

from ..tools.errors import Code, Refusal
from ..tools.lab.access import Lab
from ..tools.lab.answers import Answer, Refused
from ..tools.lab.jobs import CALLER, PROGRESS, Caller
from ..tools.text.arguments import understood, unusable, wrong_words
from ..tools.text.redaction import redact_json, redactor
from ..tools.vocabulary import Tool, following
from .failures import as_refusal
from .parameters import declare, flat, folded, keyword, type_of, untitled
from .patience import caller_of

if TYPE_CHECKING:
    from .consenting import ConsentQuestion

logger = logging.getLogger(__name__)

READS = ToolAnnotations(read_only_hint=True, destructive_hint=False, idempotent_hint=True, open_world_hint=False)
# Local writers: they only ever undo their own commits, so they destroy nothing.
WRITES = ToolAnnotations(read_only_hint=False, destructive_hint=False, idempotent_hint=False, open_world_hint=False)
REPEATS = ToolAnnotations(read_only_hint=False, destructive_hint=False, idempotent_hint=True, open_world_hint=False)

PROGRESS_EVERY_S = 1.0
# Clients with tool search show such a tool's schema at once.
_ALWAYS_LOAD = {"anthropic/alwaysLoad": True}
VIEW_DATA = "autoresearch/view"
"""The key of `_meta` that a view finds its data under."""


@dataclass(frozen=True)
class HostPage:
    """A page that hosts of MCP Apps show beside a tool's answers: its address, and what it shows of a repository."""

    uri: str
    data: Callable[[str], dict[str, Any]]


class GatedTool(ServerTool):
    """A tool whose bad arguments are refused like everything else that can be cured."""

    _lab: Lab = PrivateAttr()
    _answer: type[Answer] = PrivateAttr()

    @classmethod
    def answering(
        cls,
        function: Callable[..., object],
        lab: Lab,
        answer: type[Answer],
        unlisted: Collection[str],
        **described: Any,  # noqa: ANN401
    ) -> GatedTool:
        """Make a tool of a function. Unknown arguments are refused, and the schemas hold nothing that only costs tokens."""
        made = cls.from_function(function, structured_output=False, **described)
        assert isinstance(made, GatedTool)
        made._lab, made._answer = lab, answer
        known = made.fn_metadata.arg_model
        made.fn_metadata.arg_model = type(known.__name__, (known,), {"model_config": ConfigDict(extra="forbid")})
        made.parameters = {**untitled(made.parameters), "additionalProperties": bool(unlisted)}
        for name in unlisted:
            del made.parameters["properties"][name]
        return made

    @cached_property
    def output_schema(self) -> dict[str, Any] | None:
        """The schema of the answer. Made when it is first listed, because twenty of them would hold up the start."""
        return _listed_schema(self._answer)

    async def run(self, arguments: dict[str, Any], context: Context[Any, Any], convert_result: bool = False) -> Any:  # noqa: ANN401
        """Run the tool; see the base class."""
        try:
            if problem := unusable(arguments):
                raise Refusal(Code.BAD_ARGUMENT, problem)
            meant = understood(arguments, self.fn_metadata.arg_model.model_fields)
            return await super().run(meant, context, convert_result)
        except Refusal as error:
            refusal = error
        except ToolError as error:
            refusal = self._refusal(error.__cause__ or error)
        repo = arguments.get("repo", "")
        return await anyio.to_thread.run_sync(_refused, self._lab, refusal, repo if isinstance(repo, str) else "")

    def _refusal(self, error: BaseException) -> Refusal:
        if isinstance(error, ValidationError):
            return Refusal(Code.BAD_ARGUMENT, _argument_problems(error, self.parameters))
        logger.error("%s failed", self.name, exc_info=error)
        return as_refusal(error)


@functools.cache
def _listed_schema(answer: type[Answer]) -> dict[str, Any]:
    """Its own fields and their types, which is all that a client checks and a model reads, and of those that any answer may have
    the two that are always there.
    """
    whole = answer.model_json_schema()
    known, required = whole.get("$defs", {}), whole["required"]
    listed = {
        name: field
        for name, field in whole["properties"].items()
        if name in required or name not in Answer.model_fields
    }
    fields = {name: {"type": type_of(field, known)} for name, field in listed.items()}
    return {"type": "object", "properties": fields, "required": required}


def tool(
    lab: Lab,
    method: Callable[..., Answer],
    title: str,
    hints: ToolAnnotations,
    *,
    always_load: bool = False,
    asks: ConsentQuestion | None = None,
    may_last: bool = False,
    view: HostPage | None = None,
    unlisted: type[BaseModel] | None = None,
) -> GatedTool:
    """Register a method: its docstring is the description, its parameters the arguments, its answer the output schema.

    One that `may_last` is done as a job, which goes on when the client no longer waits. A `view` is shown by hosts that
    can; for them its data comes beside the answer, where no model reads it. The fields of an `unlisted` model are taken all the
    same: another tool lists them, and a model that reads the list need not read them twice.
    """
    signature = inspect.signature(method, eval_str=True)
    parameters = dict(signature.parameters)

    def verb(given: Mapping[str, object]) -> Answer:
        return method(**folded(parameters, given))

    if may_last:
        lab.jobs.register(Tool(method.__name__), signature.return_annotation, verb)

    async def call(ctx: Context[Any, Any], consent: object = None, **arguments: object) -> CallToolResult:
        client = ctx.session.client_params
        caller = caller_of(client.client_info.name if client else "")
        work = functools.partial(_as_job, lab, Tool(method.__name__)) if may_last else verb
        remember = functools.partial(asks.remember, lab, consent) if asks else dict
        bound = functools.partial(_call, lab, work, arguments, remember, caller, _listener(ctx))
        try:
            result = await anyio.to_thread.run_sync(bound, abandon_on_cancel=True)
            if view is None or result.is_error or not client_supports_apps(ctx):
                return result
            return await anyio.to_thread.run_sync(_with_view, result, view, str(arguments.get("repo", "")))
        finally:
            caller.gone.set()

    arguments = {"ctx": keyword("ctx", Context)}
    if asks:
        arguments["consent"] = keyword(
            "consent", Annotated[ElicitationResult[BaseModel], Resolve(_resolver(lab, asks))]
        )
    call.__name__, call.__doc__ = method.__name__, inspect.getdoc(method)
    declare(call, {**arguments, **flat(parameters)})
    meta = {**(_ALWAYS_LOAD if always_load else {}), **({"ui": {"resourceUri": view.uri}} if view else {})} or None
    hidden = unlisted.model_fields if unlisted else ()
    return GatedTool.answering(
        call, lab, signature.return_annotation, hidden, title=title, annotations=hints, meta=meta
    )


def _resolver(lab: Lab, question: ConsentQuestion) -> Callable[..., Awaitable[object]]:
    """What the protocol library runs to fill in a person's answer, which no agent can give."""

    async def ask(ctx: Context[Any, Any], **given: object) -> object:
        return await question.ask(lab, ctx, given)

    declare(ask, {"ctx": keyword("ctx", Context), **{name: keyword(name, Any) for name in question.arguments}})
    return ask


def _call(
    lab: Lab,
    work: Callable[[Mapping[str, object]], Answer],
    arguments: dict[str, Any],
    remember: Callable[[Mapping[str, Any]], dict[str, Any]],
    caller: Caller,
    listener: Callable[[float, str], None],
) -> CallToolResult:
    CALLER.set(caller)
    token = PROGRESS.set(listener)
    try:
        return _result(work(remember(arguments)))
    except Refusal as refusal:
        return _refused(lab, refusal, str(arguments.get("repo", "")))
    except Exception as error:
        logger.exception("a call failed")
        return _refused(lab, as_refusal(error), str(arguments.get("repo", "")))
    finally:
        PROGRESS.reset(token)


def _as_job(lab: Lab, tool: Tool, arguments: Mapping[str, object]) -> Answer:
    """The answer of a job, or that it goes on."""
    job = lab.jobs.start(tool, arguments, lambda: lab.read_now(tool, str(arguments.get("repo", ""))))
    return job.answer_within(lab.jobs.patience_s, PROGRESS.get())


def _result(answer: Answer, is_error: bool = False) -> CallToolResult:
    """Make the result of an answer. Every answer leaves here: whatever was quoted on the way, no secret and no escape sequence does."""
    redact = redactor()
    pictures = [ImageContent(data=b64encode(png).decode(), mime_type="image/png") for png in answer.pictures()]
    return CallToolResult(
        content=[TextContent(type="text", text=redact(answer.text())), *pictures],
        structured_content=redact_json(answer.content(), redact),
        is_error=is_error,
    )


def _with_view(result: CallToolResult, view: HostPage, repo: str) -> CallToolResult:
    return result.model_copy(update={"meta": {VIEW_DATA: redact_json(view.data(repo), redactor())}})


def _refused(lab: Lab, refusal: Refusal, repo: str) -> CallToolResult:
    """Make the result of a refusal: the one place where an error that can be cured becomes an answer."""
    phase = refusal.phase or lab.whereabouts(repo)
    choices = list(refusal.following or following(phase))
    answer = Refused(phase=phase, next=choices, code=refusal.code, message=refusal.message)
    return _result(answer, is_error=True)


def _argument_problems(error: ValidationError, schema: Mapping[str, Any]) -> str:
    more = ["the plan's fields"] if schema["additionalProperties"] else []
    known = ", ".join([*schema["properties"], *more])
    parts = []
    for issue in error.errors():
        name = ".".join(str(part) for part in issue["loc"])
        if issue["type"] == "extra_forbidden":
            parts.append(f"There is no argument `{name}`; known are: {known}.")
        else:
            parts.append(f"`{name}`: {wrong_words(issue)}.")
    return " ".join(parts)


def _listener(ctx: Context[Any, Any]) -> Callable[[float, str], None]:
    """Make what passes progress on to the client, at most once a second and always with a larger number, as the protocol wants
    it, also where one command follows another; a client that is gone does not matter.
    """
    last, told = time.monotonic(), 0.0
    redact = redactor()

    def listen(seconds: float, line: str) -> None:
        nonlocal last, told
        passed = time.monotonic() - last
        if passed < PROGRESS_EVERY_S:
            return
        last, told = time.monotonic(), round(max(seconds, told + passed), 1)
        with suppress(Exception):
            anyio.from_thread.run(ctx.report_progress, told, None, redact(line) or "running")

    return listen
