"""What a client hears when something fails that nobody foresaw: a refusal like every other, and the log has the rest."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.shared.exceptions import MCPError
from mcp.types import INTERNAL_ERROR, INVALID_PARAMS
from pydantic import ValidationError

from ..tools.errors import Code, Refusal
from ..tools.text.redaction import redact_json
from ..tools.vocabulary import Phase, Tool

logger = logging.getLogger(__name__)


def as_refusal(error: BaseException) -> Refusal:
    """Return the refusal that an error amounts to. What stands in the way of a file of ours is named with its place."""
    if isinstance(error, Refusal):
        return error
    if isinstance(error, OSError) and error.filename:
        cure = "Move it away or make it readable, then make the same call again."
        place = error.filename2 or error.filename  # the second is what was to be replaced
        return Refusal(Code.DISK, f"{os.fsdecode(place)}: {error.strerror}. {cure}")
    cause = f"Something failed inside the server ({type(error).__name__}); its log says what."
    return Refusal(Code.INTERNAL, f"{cause} Call status to see how things stand, and report this if it happens again.")


def as_protocol_error(error: BaseException) -> MCPError:
    """Return the same for what is no tool, with the code and the next calls beside the message."""
    refusal = as_refusal(error)
    return MCPError(INTERNAL_ERROR, refusal.message, _data(refusal.code, refusal.message))


def _data(code: str, message: str) -> dict[str, object]:
    return {"code": code, "message": message, "next": [Tool.STATUS]}


async def answer_always(ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
    """Have every request answered, with something that can be sent (a middleware of the protocol library)."""
    try:
        result = await call_next(_with_texts(ctx))
    except (MCPError, ValidationError):
        raise
    except Exception as error:
        if (words := str(error)).startswith("Unknown prompt"):
            raise MCPError(INVALID_PARAMS, words, _data(Code.BAD_ARGUMENT, words)) from error
        cause = error.__cause__ or error
        logger.exception("%s failed", ctx.method)
        raise as_protocol_error(cause) from error
    if not isinstance(result, dict):
        return result
    if ctx.method == "tools/call" and result.get("isError") and "structuredContent" not in result:
        result = {**result, "structuredContent": _without_tool(result)}
    return redact_json(result, _sendable)  # type: ignore[no-any-return]


def _with_texts(ctx: ServerRequestContext[Any, Any]) -> ServerRequestContext[Any, Any]:
    """Arguments of prompts are texts; a client may leave one out as null, or give a number."""
    given = (ctx.params or {}).get("arguments")
    if ctx.method != "prompts/get" or not isinstance(given, Mapping):
        return ctx
    texts = {name: _as_text(value) for name, value in given.items() if value is not None}
    return replace(ctx, params={**(ctx.params or {}), "arguments": texts})


def _as_text(value: object) -> object:
    return json.dumps(value) if isinstance(value, bool | int | float) else value


def _without_tool(result: Mapping[str, Any]) -> dict[str, object]:
    """The refusal of a call that reached no tool of ours."""
    words = " ".join(part.get("text", "") for part in result["content"])
    return {"phase": Phase.NO_SESSION, **_data(Code.BAD_ARGUMENT, words)}


def _sendable(text: str) -> str:
    """Half a surrogate pair, out of the name of a file for instance, cannot be sent, and would end the connection."""
    return text.encode(errors="replace").decode() if not text.isascii() else text
