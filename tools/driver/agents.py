"""The clients that a run can drive: how each is called, with no more rights than to read, to edit and to use this server."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

NAME = "autoresearch"
"""What the server is called in every client."""
_CALL_S = 900
"""How long a client waits for one call of a tool; each of ours answers in half a minute."""
PROMPT, CONFIG = "{prompt}", "{mcp_config}"
"""What a command of one's own may name: the text of the leg, and a file of servers as most clients read it."""


@dataclass(frozen=True)
class AgentSettings:
    """What a leg is called with: the server's command line, the folder of our own files, a model and money, if any."""

    server: Sequence[str]
    folder: str
    model: str = ""
    cost_left: float = 0.0
    command: str = ""
    prompt: str = ""


@dataclass(frozen=True)
class Invocation:
    """A command line with what it needs: variables, and files by name. The prompt comes by standard input, if not in it."""

    words: Sequence[str]
    variables: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class DrivenClient:
    """A client: its program, how it is got and logged in, how it is called. `private` where it reads our file only in a folder that
    nobody else can write to. `status` asks it whether somebody is logged in, where a leg would not say: it then answers in the
    words `nobody`. It is not asked where one of the `keys` is in the environment or `provider` in the client's file, nor for a
    model that the person named, where one `lends` models to whoever is not logged in.
    """

    program: str
    package: str
    login: str
    call: Callable[[AgentSettings], Invocation]
    private: bool = False
    status: Sequence[str] = ()
    nobody: str = ""
    keys: Sequence[str] = ()
    provider: tuple[str, str] = ("", "")
    lends: bool = False


def _claude(settings: AgentSettings) -> Invocation:
    servers = {NAME: {"type": "stdio", "command": settings.server[0], "args": [*settings.server[1:]]}}
    words = ["claude", "-p", "--mcp-config", f"{settings.folder}/claude.json", "--strict-mcp-config"]
    words += ["--output-format", "stream-json", "--verbose", "--restricted", "--permission-mode", "acceptEdits"]
    # `acceptEdits` alone would run shell commands; this leaves no tool that could.
    words += [
        "--permission-prompts",
        "none",
        "--tools",
        "Read,Edit,Write,Glob,Grep",
        "--allowedTools",
        f"mcp__{NAME}__*",
    ]
    words += ["--model", settings.model] if settings.model else []
    words += ["--max-budget-usd", f"{settings.cost_left:.2f}"] if settings.cost_left else []
    variables = {"MCP_TIMEOUT": "60000", "MCP_TOOL_TIMEOUT": str(_CALL_S * 1000)}
    return Invocation(words, variables, {"claude.json": json.dumps({"mcpServers": servers})})


def _codex(settings: AgentSettings) -> Invocation:
    command, *rest = settings.server
    server = f"command={json.dumps(command)},args={json.dumps(rest)},required=true"
    limits = f"startup_timeout_sec=60,tool_timeout_sec={_CALL_S}"
    words = ["codex", "exec", "--json", *(["-m", settings.model] if settings.model else []), "-s", "workspace-write"]
    words += ["-c", f"mcp_servers.{NAME}={{{server},{limits}}}"]
    for key in ("exclude_slash_tmp", "exclude_tmpdir_env_var"):  # else all of /tmp could be written
        words += ["-c", f"sandbox_workspace_write.{key}=true"]
    return Invocation([*words, "-c", 'web_search="disabled"', "--disable", "multi_agent", "--disable", "goals", "-"])


def _gemini(settings: AgentSettings) -> Invocation:
    command, *rest = settings.server
    servers = {NAME: {"command": command, "args": rest, "timeout": _CALL_S * 1000}}
    denied = ("web_fetch", "google_web_search", "invoke_agent", "run_shell_command")
    rules = [f'[[rule]]\ntoolName = "{name}"\ndecision = "deny"\npriority = 300\n' for name in denied]
    rules.append(f'[[rule]]\nmcpName = "{NAME}"\ntoolName = "*"\ndecision = "allow"\npriority = 200\n')
    words = ["gemini", *(["-m", settings.model] if settings.model else []), "-o", "stream-json", "--skip-trust"]
    words += ["--approval-mode", "auto_edit", "--allowed-mcp-server-names", NAME]
    return Invocation(
        [*words, "--policy", f"{settings.folder}/gemini.toml"],
        # Without a second process of its own, which would swallow signals.
        {"GEMINI_CLI_NO_RELAUNCH": "true", "GEMINI_CLI_SYSTEM_SETTINGS_PATH": f"{settings.folder}/gemini.json"},
        {"gemini.json": json.dumps({"mcpServers": servers}), "gemini.toml": "\n".join(rules)},
    )


def _opencode(settings: AgentSettings) -> Invocation:
    server = {"type": "local", "command": [*settings.server], "enabled": True, "timeout": _CALL_S * 1000}
    allowed = ("read", "edit", "glob", "grep", "list", f"{NAME}_*")
    config = {"mcp": {NAME: server}, "permission": {"*": "deny", **dict.fromkeys(allowed, "allow")}}
    words = ["opencode", "run", "--format", "json", *(["-m", settings.model] if settings.model else [])]
    return Invocation(words, {"OPENCODE_CONFIG_CONTENT": json.dumps(config)})


def own_command(settings: AgentSettings) -> Invocation:
    """A command that somebody typed: the prompt stands where it names it, else comes by standard input."""
    command, *rest = settings.server
    config = json.dumps({"mcpServers": {NAME: {"command": command, "args": rest}}})
    file = f"{settings.folder}/servers.json"
    words = [word.replace(CONFIG, file).replace(PROMPT, settings.prompt) for word in shlex.split(settings.command)]
    return Invocation(words, {}, {"servers.json": config})


AGENTS: Mapping[str, DrivenClient] = {
    "claude": DrivenClient("claude", "@anthropic-ai/claude-code", "Start `claude` once and give /login.", _claude),
    "codex": DrivenClient(
        "codex",
        "@openai/codex",
        "Run `codex login` once.",
        _codex,
        status=("codex", "login", "status"),
        nobody=r"(?is).*not logged in.*",
        keys=("CODEX_API_KEY", "OPENAI_API_KEY"),
        provider=("~/.codex/config.toml", "model_provider"),
    ),
    "gemini": DrivenClient(
        "gemini", "@google/gemini-cli", "Start `gemini` once and choose how to sign in.", _gemini, True
    ),
    "opencode": DrivenClient(
        "opencode",
        "opencode-ai",
        "Run `opencode auth login` once, or name a model with --model.",
        _opencode,
        status=("opencode", "models"),
        nobody=r"(opencode/\S+\s*)+",  # free models of its maker's, to which a repository goes only if a person says so
        keys=("OPENCODE_API_KEY",),
        provider=("~/.local/share/opencode/auth.json", '"type"'),
        lends=True,
    ),
}


OWN = "command"


@dataclass(frozen=True)
class DrivenAgent:
    """One whose turn it may be: its client, as `AGENTS` has it or a command of one's own, the model, and a workspace of its own."""

    client: str = OWN
    model: str = ""
    workspace: str = ""

    @property
    def label(self) -> str:
        """Return what its legs call it."""
        return " ".join(filter(None, (self.client, self.model, self.workspace)))

    def call(self, settings: AgentSettings) -> Invocation:
        """Return what a leg of it is called with."""
        return AGENTS[self.client].call(settings) if self.client in AGENTS else own_command(settings)
