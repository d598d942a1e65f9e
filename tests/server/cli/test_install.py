"""Registering with clients: what each wants stands where it looks, and nothing else changes."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest

from autoresearch_mcp.server.main import main
from autoresearch_mcp.tools.doctor.clients import REGISTRATIONS, Client
from conftest import Project

PLACES = {
    Client.CLAUDE_CODE: (".mcp.json", ("mcpServers", "autoresearch")),
    Client.CLAUDE_DESKTOP: ("~/.config/Claude/claude_desktop_config.json", ("mcpServers", "autoresearch")),
    Client.CODEX: ("~/.codex/config.toml", ("mcp_servers", "autoresearch")),
    Client.CURSOR: ("~/.cursor/mcp.json", ("mcpServers", "autoresearch")),
    Client.VSCODE: (".vscode/mcp.json", ("servers", "autoresearch")),
    Client.GEMINI: ("~/.gemini/settings.json", ("mcpServers", "autoresearch")),
    Client.OPENCODE: ("~/.config/opencode/opencode.json", ("mcp", "autoresearch")),
}


def file_of(project: Project, client: Client) -> Path:
    name = PLACES[client][0]
    return Path(name).expanduser() if name.startswith("~") else project.root / name


def install(project: Project, client: Client, *flags: str) -> int:
    return main(["--root", str(project.root), "install", "--client", client, *flags])


def entry(file: Path, path: tuple[str, ...]) -> Any:  # noqa: ANN401 - any JSON
    text = file.read_text()
    found: Any = tomllib.loads(text) if file.suffix == ".toml" else json.loads(text)
    for name in path:
        found = found[name]
    return found


@pytest.mark.parametrize("client", Client)
def test_each_client_finds_the_command_with_its_absolute_path(project: Project, client: Client) -> None:
    assert install(project, client) == 0

    found = entry(file_of(project, client), PLACES[client][1])
    command = found["command"] if isinstance(found["command"], list) else [found["command"], *found["args"]]
    assert Path(command[0]).is_absolute()
    assert command[-2:] == ["--root", str(project.root)]


@pytest.mark.parametrize("client", Client)
def test_what_else_a_file_holds_stays_and_the_entry_can_be_taken_out_again(project: Project, client: Client) -> None:
    file = file_of(project, client)
    file.parent.mkdir(parents=True, exist_ok=True)
    top = PLACES[client][1][0]
    before = (
        f'model = "x" # mine\n\n[{top}.other]\ncommand = "other"\n\n[profile]\na = 1\n'
        if file.suffix == ".toml"
        else json.dumps({"mine": {"ä": [1]}, top: {"other": {"command": "other"}}}, indent=4, ensure_ascii=False) + "\n"
    )
    file.write_text(before)
    file.chmod(0o640)

    assert install(project, client) == 0
    after = file.read_text()
    assert install(project, client) == 0
    assert file.read_text() == after
    assert entry(file, (top, "other")) == {"command": "other"}
    assert file.stat().st_mode & 0o777 == 0o640

    assert install(project, client, "--remove") == 0
    assert file.read_text() == before


def test_a_file_of_codex_keeps_its_comments_and_an_older_entry_is_replaced(project: Project) -> None:
    file = file_of(project, Client.CODEX)
    file.parent.mkdir(parents=True)
    file.write_text(
        '# mine\n[mcp_servers.autoresearch]\ncommand = "old"\n\n[mcp_servers.autoresearch.env]\nA = "1"\n\n[other]\nb = 2 # two\n'
    )

    assert install(project, Client.CODEX) == 0

    text = file.read_text()
    assert text.startswith("# mine\n")
    assert "b = 2 # two" in text
    assert "old" not in text
    assert tomllib.loads(text)["mcp_servers"]["autoresearch"]["required"] is True


@pytest.mark.parametrize(
    ("client", "text"),
    [
        (Client.VSCODE, '{\n  // mine\n  "servers": {}\n}\n'),
        (Client.CURSOR, "[1, 2]"),
        (Client.GEMINI, '{"mcpServers": 3}'),
        (Client.CODEX, "this is not toml"),
        (Client.CODEX, 'mcp_servers = { other = { command = "x" } }\n'),
    ],
)
def test_a_file_that_could_not_be_changed_safely_is_left_as_it_is(
    project: Project, client: Client, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    file = file_of(project, client)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)

    assert install(project, client) == 1

    assert file.read_text() == text
    told = capsys.readouterr().err
    assert "was left as it is" in told
    assert "autoresearch" in told.partition("by hand:")[2]


def test_printing_writes_nothing(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    assert install(project, Client.CODEX, "--print") == 0

    shown = capsys.readouterr().out
    assert "[mcp_servers.autoresearch]" in shown
    assert not file_of(project, Client.CODEX).exists()


def test_a_linked_file_stays_a_link(project: Project, tmp_path: Path) -> None:
    real = tmp_path / "dotfiles.json"
    real.write_text("{}")
    link = file_of(project, Client.CURSOR)
    link.parent.mkdir(parents=True)
    link.symlink_to(real)

    assert install(project, Client.CURSOR) == 0

    assert link.is_symlink()
    assert entry(real, ("mcpServers", "autoresearch"))


def test_every_client_on_the_command_line_is_known_and_no_other(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["install", "--client", "nobody"])

    listed = capsys.readouterr().err
    assert all(f"'{client}'" in listed or client in listed for client in REGISTRATIONS)
    assert set(REGISTRATIONS) == set(Client)
