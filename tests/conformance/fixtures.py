"""What the official conformance suite calls by name, added to a server: tools, prompts and resources that mean nothing else.

The suite asks for features that no tool of ours has (sampling, audio, forms with enumerations). They are added to the
production server's own object, so that every one of its checks runs against the object that is shipped.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import Any, Literal

import anyio
from mcp.server import MCPServer
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.prompts.base import AssistantMessage, UserMessage
from mcp.server.mcpserver.resources import FunctionResource
from mcp.server.mcpserver.tools import Tool
from mcp.shared.exceptions import MCPError
from mcp.types import (
    INVALID_PARAMS,
    MISSING_REQUIRED_CLIENT_CAPABILITY,
    AudioContent,
    CallToolResult,
    CreateMessageRequest,
    CreateMessageRequestParams,
    ElicitRequest,
    ElicitRequestFormParams,
    ElicitResult,
    EmbeddedResource,
    EmptyResult,
    GetPromptResult,
    ImageContent,
    InputRequiredResult,
    ListRootsRequest,
    PromptMessage,
    SamplingMessage,
    SetLevelRequestParams,
    SubscribeRequestParams,
    TextContent,
    TextResourceContents,
    UnsubscribeRequestParams,
)
from pydantic import BaseModel, Field

Ctx = Context[Any, Any]
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4nGP4z8DwHwAFAAH/iZk9HQAAAABJRU5ErkJggg=="
SILENCE = base64.b64encode(
    b"RIFF\x26\0\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0\x40\x1f\0\0\x40\x1f\0\0\x01\0\x08\0data\x02\0\0\0\x80\x80"
).decode()
SECRET = b"only for the suite"
PAUSE_S = 0.05


def add_fixtures(server: MCPServer) -> None:
    """Add everything that the suite names."""
    for add in (_content, _talking, _forms, _headers, _rounds, _changes, _prompts, _resources, _legacy):
        add(server)


def _text(text: str) -> TextContent:
    return TextContent(text=text)


def _note(uri: str, text: str, mime_type: str = "text/plain") -> EmbeddedResource:
    return EmbeddedResource(resource=TextResourceContents(uri=uri, mime_type=mime_type, text=text))


def _content(server: MCPServer) -> None:
    image = ImageContent(data=PIXEL, mime_type="image/png")

    @server.tool(structured_output=False)
    def test_simple_text() -> list[TextContent]:
        """Text."""
        return [_text("This is a simple text response for testing.")]

    @server.tool(structured_output=False)
    def test_image_content() -> list[ImageContent]:
        """An image."""
        return [image]

    @server.tool(structured_output=False)
    def test_audio_content() -> list[AudioContent]:
        """A sound."""
        return [AudioContent(data=SILENCE, mime_type="audio/wav")]

    @server.tool(structured_output=False)
    def test_embedded_resource() -> list[EmbeddedResource]:
        """A resource."""
        return [_note("test://embedded-resource", "This is an embedded resource content.")]

    @server.tool(structured_output=False)
    def test_multiple_content_types() -> list[TextContent | ImageContent | EmbeddedResource]:
        """Several kinds at once."""
        data = json.dumps({"test": "data", "value": 123})
        return [
            _text("Multiple content types test:"),
            image,
            _note("test://mixed-content-resource", data, "application/json"),
        ]

    @server.tool(structured_output=False)
    def test_error_handling() -> str:
        """Always an error."""
        raise ValueError("This tool intentionally returns an error for testing")


def _talking(server: MCPServer) -> None:
    @server.tool(structured_output=False)
    async def test_tool_with_logging(ctx: Ctx) -> str:
        """Three log messages."""
        for message in ("Tool execution started", "Tool processing data", "Tool execution completed"):
            await ctx.log("info", message)
            await anyio.sleep(PAUSE_S)
        return "logged"

    @server.tool(structured_output=False)
    async def test_logging_tool(ctx: Ctx) -> str:
        """One log message, for who asked for any."""
        await ctx.log("info", "logged")
        return "logged"

    @server.tool(structured_output=False)
    async def test_tool_with_progress(ctx: Ctx) -> str:
        """Progress in three steps."""
        for progress in (0, 50, 100):
            await ctx.report_progress(progress, 100)
            await anyio.sleep(PAUSE_S)
        return "done"

    @server.tool(structured_output=False)
    async def test_sampling(prompt: str, ctx: Ctx) -> str:
        """Asks the client's model."""
        asked = [SamplingMessage(role="user", content=_text(prompt))]
        said = await ctx.session.create_message(messages=asked, max_tokens=100)
        return f"LLM response: {said.content.text if isinstance(said.content, TextContent) else said.content}"

    @server.tool(structured_output=False)
    async def test_reconnection(ctx: Ctx) -> str:
        """Closes the stream in the middle; the client comes back for the rest."""
        await ctx.close_sse_stream()
        await anyio.sleep(PAUSE_S)
        return "Reconnection test completed"


class Person(BaseModel):
    """What test_elicitation asks for."""

    username: str = Field(description="User's response")
    email: str = Field(description="User's email address")


class Defaults(BaseModel):
    """A form with a default of every primitive kind."""

    name: str = "John Doe"
    age: int = 30
    score: float = 95.5
    status: Literal["active", "inactive", "pending"] = "active"
    verified: bool = True


def _forms(server: MCPServer) -> None:
    @server.tool(structured_output=False)
    async def test_elicitation(message: str, ctx: Ctx) -> str:
        """Asks the person."""
        return f"User response: {await ctx.elicit(message, Person)}"

    @server.tool(structured_output=False)
    async def test_elicitation_sep1034_defaults(ctx: Ctx) -> str:
        """A form with defaults."""
        said = await ctx.elicit("Please check", Defaults)
        return f"Elicitation completed: action={said.action}"

    @server.tool(structured_output=False)
    async def test_elicitation_sep1330_enums(ctx: Ctx) -> str:
        """A form with every kind of enumeration."""
        plain = {"type": "string", "enum": ["option1", "option2", "option3"]}
        titled = [{"const": f"value{n}", "title": f"Choice {n}"} for n in (1, 2, 3)]
        properties = {
            "untitledSingle": plain,
            "titledSingle": {"type": "string", "oneOf": titled},
            "legacyEnum": {"type": "string", "enum": ["opt1", "opt2", "opt3"], "enumNames": ["One", "Two", "Three"]},
            "untitledMulti": {"type": "array", "items": plain},
            "titledMulti": {"type": "array", "items": {"anyOf": titled}},
        }
        said = await ctx.session.elicit_form("Please choose", {"type": "object", "properties": properties})
        return f"Elicitation completed: action={said.action}"


def _headers(server: MCPServer) -> None:
    async def json_schema_2020_12_tool() -> str:
        return "done"

    address = {
        "$anchor": "addressDef",
        "type": "object",
        "properties": {"street": {"type": "string"}, "city": {"type": "string"}},
    }
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "$defs": {"address": address},
        "properties": {
            "name": {"type": "string"},
            "address": {"$ref": "#/$defs/address"},
            "contactMethod": {"type": "string", "enum": ["phone", "email"]},
            "phone": {"type": "string"},
            "email": {"type": "string"},
        },
        "allOf": [{"anyOf": [{"required": ["phone"]}, {"required": ["email"]}]}],
        "if": {"properties": {"contactMethod": {"const": "phone"}}, "required": ["contactMethod"]},
        "then": {"required": ["phone"]},
        "else": {"required": ["email"]},
        "additionalProperties": False,
    }
    _with_schema(server, json_schema_2020_12_tool, schema)

    async def test_custom_header(region: str) -> str:
        return region

    region = {"type": "string", "x-mcp-header": "Region"}
    _with_schema(
        server, test_custom_header, {"type": "object", "properties": {"region": region}, "required": ["region"]}
    )


def _with_schema(server: MCPServer, function: Any, schema: dict[str, Any]) -> None:  # noqa: ANN401 - any tool
    tool = Tool.from_function(function, description="A tool with a schema of its own.", structured_output=False)
    tool.parameters = schema
    server._tool_manager._tools[tool.name] = tool


def _form(message: str, **properties: str) -> ElicitRequest:
    kinds = {name: {"type": kind} for name, kind in properties.items()}
    schema = {"type": "object", "properties": kinds, "required": list(kinds)}
    return ElicitRequest(params=ElicitRequestFormParams(message=message, requested_schema=schema))


def _question(text: str, most: int = 100) -> CreateMessageRequest:
    asked = [SamplingMessage(role="user", content=_text(text))]
    return CreateMessageRequest(params=CreateMessageRequestParams(messages=asked, max_tokens=most))


def _answered(ctx: Ctx, *names: str) -> bool:
    given = ctx.input_responses or {}
    return all(name in given for name in names)


def _form_said(ctx: Ctx, name: str, field: str) -> str | None:
    """What the person wrote into a field; None if it was not answered as asked."""
    given = (ctx.input_responses or {}).get(name)
    content = given.content if isinstance(given, ElicitResult) else None
    value = (content or {}).get(field)
    return None if value is None else str(value)


def _signed(what: str) -> str:
    return f"{what}.{hmac.new(SECRET, what.encode(), hashlib.sha256).hexdigest()}"


def _opened(state: str | None) -> str:
    what, _, _ = (state or "").rpartition(".")
    if state is None or not hmac.compare_digest(state, _signed(what)):
        raise MCPError(INVALID_PARAMS, "The request state is not what was sent.")
    return what


Round = InputRequiredResult | CallToolResult


def _done(text: str) -> CallToolResult:
    return CallToolResult(content=[_text(text)])


def _rounds(server: MCPServer) -> None:
    @server.tool(structured_output=False)
    async def test_input_required_result_elicitation(ctx: Ctx) -> Round:
        """One form."""
        name = _form_said(ctx, "user_name", "name")
        if name is None:
            return InputRequiredResult(input_requests={"user_name": _form("What is your name?", name="string")})
        return _done(f"Hello, {name}!")

    @server.tool(structured_output=False)
    async def test_input_required_result_sampling(ctx: Ctx) -> Round:
        """One question to the model."""
        if _answered(ctx, "capital_question"):
            return _done(str((ctx.input_responses or {})["capital_question"]))
        return InputRequiredResult(input_requests={"capital_question": _question("What is the capital of France?")})

    @server.tool(structured_output=False)
    async def test_input_required_result_list_roots(ctx: Ctx) -> Round:
        """The client's roots."""
        if _answered(ctx, "client_roots"):
            return _done(str((ctx.input_responses or {})["client_roots"]))
        return InputRequiredResult(input_requests={"client_roots": ListRootsRequest()})

    @server.tool(structured_output=False)
    async def test_input_required_result_request_state(ctx: Ctx) -> Round:
        """A form, and state that comes back."""
        if _answered(ctx, "confirm"):
            return _done("state-ok" if _opened(ctx.request_state) == "asked" else "wrong state")
        return InputRequiredResult(
            input_requests={"confirm": _form("Please confirm", ok="boolean")}, request_state=_signed("asked")
        )

    @server.tool(structured_output=False)
    async def test_input_required_result_multiple_inputs(ctx: Ctx) -> Round:
        """Three questions at once."""
        if _answered(ctx, "user_name", "greeting", "client_roots"):
            return _done(f"all three, state {_opened(ctx.request_state)}")
        asked = {
            "user_name": _form("What is your name?", name="string"),
            "greeting": _question("Generate a greeting", 50),
            "client_roots": ListRootsRequest(),
        }
        return InputRequiredResult(input_requests=asked, request_state=_signed("three"))

    @server.tool(structured_output=False)
    async def test_input_required_result_multi_round(ctx: Ctx) -> Round:
        """One form after the other."""
        at = _opened(ctx.request_state) if ctx.request_state else ""
        if at == "round 2" and _answered(ctx, "step2"):
            return _done("both steps")
        if at == "round 1" and _answered(ctx, "step1"):
            asked = {"step2": _form("Step 2: What is your favorite color?", color="string")}
            return InputRequiredResult(input_requests=asked, request_state=_signed("round 2"))
        asked = {"step1": _form("Step 1: What is your name?", name="string")}
        return InputRequiredResult(input_requests=asked, request_state=_signed("round 1"))

    @server.tool(structured_output=False)
    async def test_input_required_result_tampered_state(ctx: Ctx) -> Round:
        """State that is signed."""
        if ctx.request_state is not None:
            return _done(_opened(ctx.request_state))
        asked = {"confirm": _form("Please confirm", ok="boolean")}
        return InputRequiredResult(input_requests=asked, request_state=_signed("asked"))

    @server.tool(structured_output=False)
    async def test_input_required_result_capabilities(ctx: Ctx) -> Round:
        """Asks only for what the client can do."""
        can = ctx.client_capabilities
        asked: dict[str, Any] = {}
        if can and can.sampling is not None:
            asked["question"] = _question("What is the capital of France?")
        if can and can.elicitation is not None:
            asked["name"] = _form("What is your name?", name="string")
        if not asked or _answered(ctx, *asked):
            return _done("nothing to ask")
        return InputRequiredResult(input_requests=asked)

    @server.tool(structured_output=False)
    async def test_streaming_elicitation(ctx: Ctx) -> Round:
        """A form, on a stream."""
        if _form_said(ctx, "name", "name") is None:
            return InputRequiredResult(input_requests={"name": _form("What is your name?", name="string")})
        return _done("thank you")

    @server.tool(structured_output=False)
    async def test_missing_capability(ctx: Ctx) -> str:
        """Needs a client with sampling."""
        if ctx.client_capabilities is None or ctx.client_capabilities.sampling is None:
            raise MCPError(
                MISSING_REQUIRED_CLIENT_CAPABILITY,
                "This needs sampling.",
                {"requiredCapabilities": {"sampling": {}}},
            )
        return "sampling is there"


def _changes(server: MCPServer) -> None:
    @server.tool(structured_output=False)
    async def test_trigger_tool_change(ctx: Ctx) -> str:
        """Says that tools changed."""
        await ctx.notify_tools_changed()
        return "said"

    @server.tool(structured_output=False)
    async def test_trigger_prompt_change(ctx: Ctx) -> str:
        """Says that prompts changed."""
        await ctx.notify_prompts_changed()
        return "said"


def _prompts(server: MCPServer) -> None:
    @server.prompt()
    def test_simple_prompt() -> str:
        """A simple prompt."""
        return "This is a simple prompt for testing."

    @server.prompt()
    def test_prompt_with_arguments(arg1: str, arg2: str) -> str:
        """A prompt with required arguments."""
        return f"Prompt with arguments: arg1='{arg1}', arg2='{arg2}'"

    @server.prompt()
    def test_prompt_with_embedded_resource(resourceUri: str) -> list[UserMessage | AssistantMessage]:
        """A prompt with a resource."""
        note = _note(resourceUri, "Embedded resource content for testing.")
        return [UserMessage(note), UserMessage("Please process the embedded resource above.")]

    @server.prompt()
    def test_prompt_with_image() -> list[UserMessage | AssistantMessage]:
        """A prompt with an image."""
        image = ImageContent(data=PIXEL, mime_type="image/png")
        return [UserMessage(image), UserMessage("Please analyze the image above.")]

    @server.prompt()
    async def test_input_required_result_prompt(ctx: Ctx) -> InputRequiredResult | GetPromptResult:
        """A prompt that asks first."""
        context = _form_said(ctx, "user_context", "context")
        if context is None:
            asked = {"user_context": _form("What context should the prompt use?", context="string")}
            return InputRequiredResult(input_requests=asked)
        return GetPromptResult(messages=[PromptMessage(role="user", content=_text(f"Context: {context}"))])


def _resources(server: MCPServer) -> None:
    texts = {
        "test://static-text": "This is the content of the static text resource.",
        "test://watched-resource": "Watched resource content",
    }
    for uri, text in texts.items():
        server.add_resource(
            FunctionResource(
                uri=uri, name=uri, description="For the suite.", mime_type="text/plain", fn=lambda text=text: text
            )
        )
    picture = base64.b64decode(PIXEL)
    server.add_resource(
        FunctionResource(
            uri="test://static-binary",
            name="binary",
            description="For the suite.",
            mime_type="image/png",
            fn=lambda: picture,
        )
    )

    @server.resource("test://template/{id}/data", mime_type="application/json")
    def template(id: str) -> str:
        """A template."""
        return json.dumps({"id": id, "templateTest": True, "data": f"Data for ID: {id}"})


def _legacy(server: MCPServer) -> None:
    """Requests that later versions of the protocol took out."""

    async def done(ctx: Any, params: Any) -> EmptyResult:  # noqa: ANN401 - whatever the library passes
        return EmptyResult()

    handlers = {
        "logging/setLevel": SetLevelRequestParams,
        "resources/subscribe": SubscribeRequestParams,
        "resources/unsubscribe": UnsubscribeRequestParams,
    }
    for method, params in handlers.items():
        server._lowlevel_server.add_request_handler(method, params, done)
