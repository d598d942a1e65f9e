"""Registering with clients: what each wants stands where it looks, and nothing else changes."""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from autoresearch_mcp.server.main import main
from autoresearch_mcp.tools.doctor.clients import REGISTRATIONS, Client
from conftest import Project

PLACES = {
    Client.CLAUDE_CODE: ("~/.claude.json", ("projects", "ROOT", "mcpServers", "autoresearch")),
    Client.CLAUDE_DESKTOP: ("~/.config/Claude/claude_desktop_config.json", ("mcpServers", "autoresearch")),
    Client.CODEX: ("~/.codex/config.toml", ("mcp_servers", "autoresearch")),
    Client.CURSOR: (".cursor/mcp.json", ("mcpServers", "autoresearch")),
    Client.VSCODE: (".vscode/mcp.json", ("servers", "autoresearch")),
    Client.GEMINI: ("~/.gemini/settings.json", ("mcpServers", "autoresearch")),
    Client.OPENCODE: ("~/.config/opencode/opencode.json", ("mcp", "autoresearch")),
}
BEFORE = {
    Client.CLAUDE_CODE: """{
  "userID": "a1",
  "projects": {
    "/elsewhere": {"mcpServers": {"autoresearch": {"command": "mine"}}},
    "ROOT": {
      "allowedTools": [],
      "mcpServers": {
        "other": {"type": "stdio", "command": "other", "args": [], "env": {"KEY": "k-1"}}
      },
      "hasTrustDialogAccepted": true
    }
  }
}
""",
    Client.CLAUDE_DESKTOP: '{\n\t"mcpServers": {\n\t\t"other": {\n\t\t\t"command": "other",\n\t\t\t"env": { "Ä": "ä" }\n\t\t}\n\t},\n\t"theme": "dark"\n}',
    Client.CODEX: """# my settings
model = "gpt" # the quick one

[mcp_servers.other]
command = "other"
args = [
    "--one", # why
]

[mcp_servers.other.env]
KEY = "k-1"


# which profile
[profiles.night]
model = "gpt"
""",
    Client.CURSOR: """{
  // shared by the team
  "mcpServers": {
    "other": { "command": "other", "args": ["-y"], "env": { "KEY": "${env:KEY}" } }, // needs KEY
    /* "old": { "command": "old" } */
  },
}
""",
    Client.VSCODE: """{\r
    // https://example.org/"quoted"
    "inputs": [{ "id": "key", "type": "promptString" }],\r
    "servers": {\r
        "other": { "type": "http", "url": "https://example.org/mcp" } // theirs\r
    }\r
}\r
""",
    Client.GEMINI: '{\n    "theme": "Default", /* light */\n    "mcpServers": {"other": {"command": "other", "trust": true}}\n}\n',
    Client.OPENCODE: """{
  "$schema": "https://opencode.ai/config.json",
  "mcp": {
    "other": {
      "type": "local",
      "command": ["other"], // no arguments
      "environment": { "KEY": "k-1" },
    },
  },
  "permission": { "bash": "ask" },
}
""",
}
OLD = {
    Client.CODEX: (
        '\n[mcp_servers.autoresearch] # ours\ncommand = "/old/bin/autoresearch-mcp" # the first\n'
        'args = ["--allow-commands"]\nstartup_timeout_sec = 20\n\n[mcp_servers.autoresearch.env]\nTOKEN = "t-1" # mine\n'
    ),
    Client.OPENCODE: '{"mcp": {"autoresearch": {"type": "local", "command": ["/old/bin/autoresearch-mcp", "--allow-commands"], "environment": {"TOKEN": "t-1"}, "timeout": 9 /* s */}}}',
}
USUAL_OLD = '"autoresearch": {"command": "uvx", "args": ["--from", "x", "autoresearch-mcp", "--allow-commands"], "env": {"TOKEN": "t-1"}, "timeout": 9 /* s */}'


@pytest.fixture(autouse=True)
def no_client_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    monkeypatch.setattr(sys, "argv", [str(Path(sys.executable).with_name("autoresearch-mcp"))])
    for name in ("CLAUDE_CONFIG_DIR", "CODEX_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)


def file_of(project: Project, client: Client) -> Path:
    name = PLACES[client][0]
    return Path(name).expanduser() if name.startswith("~") else project.root / name


def written(project: Project, client: Client, text: str) -> Path:
    file = file_of(project, client)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(text.replace("ROOT", str(project.root)).encode())
    return file


def install(project: Project, client: Client, *flags: str) -> int:
    main_flags = [flag for flag in flags if flag == "--allow-commands"]
    rest = [flag for flag in flags if flag not in main_flags]
    return main([*main_flags, "--root", str(project.root), "install", "--client", client, *rest])


def entry(project: Project, client: Client, file: Path) -> Any:  # noqa: ANN401 - any JSON
    text = file.read_bytes().decode()
    plain = re.sub(r'("(?:[^"\\]|\\.)*")|//[^\r\n]*|/\*.*?\*/|,(?=\s*(?:(?://[^\n]*|/\*.*?\*/)\s*)*[}\]])', r"\1", text)
    found: Any = tomllib.loads(text) if file.suffix == ".toml" else json.loads(plain)
    for name in PLACES[client][1]:
        found = found[str(project.root) if name == "ROOT" else name]
    return found


def words(found: Any) -> list[str]:  # noqa: ANN401 - any JSON
    command = found["command"]
    return list(command) if isinstance(command, list) else [command, *found["args"]]


@pytest.mark.parametrize("client", Client)
def test_each_client_finds_the_command_with_its_absolute_path(project: Project, client: Client) -> None:
    assert install(project, client) == 0

    found = words(entry(project, client, file_of(project, client)))
    assert Path(found[0]).is_absolute()
    assert found[-2:] == ["--root", str(project.root)]


@pytest.mark.parametrize("client", Client)
def test_what_else_a_file_holds_keeps_every_byte_and_the_entry_can_be_taken_out_again(
    project: Project, client: Client
) -> None:
    file = written(project, client, BEFORE[client])
    before = file.read_bytes()
    file.chmod(0o640)

    assert install(project, client) == 0
    after = file.read_bytes()
    assert entry(project, client, file)
    assert install(project, client) == 0
    assert file.read_bytes() == after
    assert file.stat().st_mode & 0o777 == 0o640

    shutil.rmtree(Path(os.environ["XDG_STATE_HOME"]) / "autoresearch-mcp")  # no copy to go back to
    assert install(project, client, "--remove") == 0
    assert file.read_bytes() == before


@pytest.mark.parametrize("client", Client)
def test_an_entry_that_is_there_keeps_its_variables_options_and_limits(
    project: Project, client: Client, capsys: pytest.CaptureFixture[str]
) -> None:
    *above, _ = PLACES[client][1]
    text = OLD.get(client) or "".join(f'{{"{key}": ' for key in above) + f"{{{USUAL_OLD}}}" + "}" * len(above)
    file = written(project, client, text)
    before = file.read_text()
    old = entry(project, client, file)

    assert install(project, client) == 0

    new = entry(project, client, file)
    assert {key: value for key, value in new.items() if key in old and key not in {"command", "args"}} == {
        key: value for key, value in old.items() if key not in {"command", "args"}
    }
    assert "--allow-commands" in words(new)
    assert "old" not in " ".join(words(new))
    assert "--from" not in words(new)
    comment = "# mine" if client is Client.CODEX else "/* s */"
    assert comment in file.read_text()
    told = capsys.readouterr().out
    assert re.search(r"command: .* -> ", told)
    assert "kept: " in told
    assert Path(re.search(r"as it was: (\S+)", told)[1]).read_text() == before  # type: ignore[index]


@pytest.mark.parametrize(
    ("client", "text"),
    [
        (Client.CURSOR, "[1, 2]"),
        (Client.GEMINI, '{"mcpServers": 3}'),
        (Client.GEMINI, '{"mcpServers": null}'),
        (Client.VSCODE, '{"servers": {"autoresearch": "x"}}'),
        (Client.VSCODE, '{"servers": {'),
        (Client.CODEX, "this is not toml"),
        (Client.CODEX, "mcp_servers = 3\n"),
    ],
)
def test_a_file_that_could_not_be_changed_safely_is_left_as_it_is(
    project: Project, client: Client, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    file = written(project, client, text)

    assert install(project, client) == 1

    assert file.read_text() == text
    told = capsys.readouterr().err
    assert "was left as it is" in told
    assert "autoresearch" in told.partition("by hand:")[2]


@pytest.mark.parametrize(
    ("client", "text"),
    [
        (Client.GEMINI, '{"theme": "x"}\n'),
        (Client.GEMINI, '{\n  // nothing yet\n  "mcpServers": {}\n}\n'),
        (Client.CODEX, 'mcp_servers = { other = { command = "x" } } # in one line\n'),
        (Client.CODEX, '[mcp_servers]\nother.command = "x"\n'),
        (Client.CODEX, 'model = "x"'),
        (Client.CODEX, ""),
    ],
)
def test_odd_files_come_back_as_they_were(project: Project, client: Client, text: str) -> None:
    file = written(project, client, text)

    assert install(project, client) == 0
    assert entry(project, client, file)
    assert install(project, client, "--remove") == 0

    assert file.read_text() == text


@pytest.mark.parametrize(
    ("before", "left"),
    [
        ('{"theme": "x"}\n', {"theme": "x", "new": 1}),
        ('{"theme": "x", "mcpServers": {}}\n', {"theme": "x", "mcpServers": {}, "new": 1}),
        ("", {"new": 1}),
    ],
)
def test_an_empty_table_stays_only_where_it_was_there_before_us(
    project: Project, before: str, left: dict[str, Any]
) -> None:
    file = written(project, Client.GEMINI, before) if before else file_of(project, Client.GEMINI)
    assert install(project, Client.GEMINI) == 0
    file.write_text(json.dumps({**json.loads(file.read_text()), "new": 1}))  # the client wrote something of its own

    assert install(project, Client.GEMINI, "--remove") == 0

    assert json.loads(file.read_text()) == left


def test_a_comment_in_a_table_that_holds_nothing_else_keeps_it(project: Project) -> None:
    text = '{"mcpServers": {\n  // none yet\n  "autoresearch": {"command": "x"}\n}}\n'
    file = written(project, Client.GEMINI, text)

    assert install(project, Client.GEMINI, "--remove") == 0

    assert "// none yet" in file.read_text()


def test_comments_before_the_next_table_stay_with_it_when_an_entry_is_taken_out(project: Project) -> None:
    file = written(project, Client.CODEX, f"# mine\n{OLD[Client.CODEX]}\n# about other\n[other]\nb = 2 # two\n")

    assert install(project, Client.CODEX, "--remove") == 0

    assert file.read_text() == "# mine\n\n# about other\n[other]\nb = 2 # two\n"


def test_editors_are_told_of_the_project_that_is_open_and_git_does_not_see_the_file(
    project: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(project.root)
    for client in (Client.CURSOR, Client.VSCODE):
        assert main(["install", "--client", client]) == 0

        assert words(entry(project, client, file_of(project, client)))[1:] == ["--root", "${workspaceFolder}"]
        assert file_of(project, client).stat().st_mode & 0o777 != 0o600
        assert "keeps it out of git" in capsys.readouterr().out
    assert project.git("status", "--porcelain") == ""


def test_a_file_that_git_has_is_told_of(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    written(project, Client.VSCODE, "{}\n")
    project.git("add", ".")
    project.git("commit", "-qm", "Settings")

    assert install(project, Client.VSCODE) == 0

    assert "look before you commit it" in capsys.readouterr().out


def test_an_older_entry_for_all_projects_is_told_of(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    everywhere = Path("~/.cursor/mcp.json").expanduser()
    everywhere.parent.mkdir(parents=True)
    everywhere.write_text('{"mcpServers": {"autoresearch": {"command": "x", "args": ["--root", "/another"]}}}')

    assert install(project, Client.CURSOR) == 0

    assert f"--file {everywhere} --remove" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("client", "variable", "name"),
    [
        (Client.CODEX, "CODEX_HOME", "config.toml"),
        (Client.OPENCODE, "XDG_CONFIG_HOME", "opencode/opencode.jsonc"),
        (Client.CLAUDE_DESKTOP, "XDG_CONFIG_HOME", "Claude/claude_desktop_config.json"),
        (Client.CLAUDE_CODE, "CLAUDE_CONFIG_DIR", ".claude.json"),
    ],
)
def test_clients_are_looked_for_where_variables_say(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, client: Client, variable: str, name: str
) -> None:
    monkeypatch.setenv(variable, str(tmp_path / "settings"))
    file = tmp_path / "settings" / name
    file.parent.mkdir(parents=True)
    file.write_text("# mine\n" if name.endswith("toml") else "{} // mine\n")

    assert install(project, client) == 0

    assert entry(project, client, file)
    assert "mine" in file.read_text()
    assert not file_of(project, client).exists()


CLAUDE = """#!/usr/bin/env python3
import json, pathlib, sys
place = pathlib.Path.home() / ".claude.json"
assert sys.argv[1] == "mcp" and sys.argv[3:5] == ["--scope", "local"], sys.argv
servers = json.loads(place.read_text())["projects"] if place.exists() else {}
mine = servers.setdefault(str(pathlib.Path.cwd()), {"mcpServers": {}})["mcpServers"]
if sys.argv[2] == "remove":
    del mine[sys.argv[5]]
elif sys.argv[5] in mine:
    sys.exit("it is there already")
else:
    mine[sys.argv[5]] = json.loads(sys.argv[6])
place.write_text(json.dumps({"written by": "claude", "projects": servers}))
"""


def test_a_client_with_a_command_for_it_changes_its_own_file(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    claude = tmp_path / "claude"
    claude.write_text(CLAUDE)
    claude.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    old = USUAL_OLD.replace("/* s */", "")
    file = written(project, Client.CLAUDE_CODE, f'{{"projects": {{"ROOT": {{"mcpServers": {{{old}}}}}}}}}')

    assert install(project, Client.CLAUDE_CODE) == 0
    assert json.loads(file.read_text())["written by"] == "claude"
    assert entry(project, Client.CLAUDE_CODE, file)["env"] == {"TOKEN": "t-1"}

    assert install(project, Client.CLAUDE_CODE, "--remove") == 0
    assert json.loads(file.read_text())["projects"][str(project.root)]["mcpServers"] == {}


def test_worktrees_are_the_project_of_their_repository(project: Project, tmp_path: Path) -> None:
    project.git("worktree", "add", "--quiet", str(tmp_path / "tree"), "-b", "tree")

    assert main(["--root", str(tmp_path / "tree"), "install", "--client", "claude-code"]) == 0

    assert entry(project, Client.CLAUDE_CODE, file_of(project, Client.CLAUDE_CODE))


def test_a_named_file_is_written_as_one_that_a_client_is_given(project: Project, tmp_path: Path) -> None:
    file = tmp_path / "ci" / "mcp.json"

    assert install(project, Client.CLAUDE_CODE, "--allow-commands", "--file", str(file)) == 0

    assert words(json.loads(file.read_text())["mcpServers"]["autoresearch"])[-1] == "--allow-commands"


def test_a_server_out_of_a_cache_is_told_of(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    script = tmp_path / "uv" / "archive-v0" / "x" / "bin" / "autoresearch-mcp"
    script.parent.mkdir(parents=True)
    script.symlink_to(Path(sys.executable).with_name("autoresearch-mcp"))
    monkeypatch.setattr(sys, "argv", [str(script)])

    assert install(project, Client.GEMINI) == 0

    assert "uv tool install" in capsys.readouterr().out


def test_printing_writes_nothing(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    assert install(project, Client.CODEX, "--print") == 0

    shown = capsys.readouterr().out
    assert "[mcp_servers.autoresearch]" in shown
    assert not file_of(project, Client.CODEX).exists()


def test_a_plan_that_is_there_is_what_to_say(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    assert install(project, Client.GEMINI) == 0
    assert "say what should get better, for example: " in capsys.readouterr().out
    project.write("autoresearch.toml", 'goal = "g"\n')
    assert install(project, Client.CODEX) == 0
    assert "Check the plan, start the session" in capsys.readouterr().out


def test_a_linked_file_stays_a_link(project: Project, tmp_path: Path) -> None:
    real = tmp_path / "dotfiles.json"
    real.write_text("{}")
    link = file_of(project, Client.GEMINI)
    link.parent.mkdir(parents=True)
    link.symlink_to(real)

    assert install(project, Client.GEMINI) == 0

    assert link.is_symlink()
    assert entry(project, Client.GEMINI, real)


def test_every_client_on_the_command_line_is_known_and_no_other(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["install", "--client", "nobody"])

    listed = capsys.readouterr().err
    assert all(f"'{client}'" in listed or client in listed for client in REGISTRATIONS)
    assert set(REGISTRATIONS) == set(Client)


HOOK_FILES = {
    Client.CLAUDE_CODE: ".claude/settings.local.json",
    Client.CODEX: "~/.codex/hooks.json",
    Client.GEMINI: "~/.gemini/settings.json",
}


@pytest.mark.parametrize("client", HOOK_FILES)
def test_hooks_stand_beside_those_of_others_and_go_without_a_trace(project: Project, client: Client) -> None:
    name = HOOK_FILES[client]
    file = Path(name).expanduser() if name.startswith("~") else project.root / name
    file.parent.mkdir(parents=True, exist_ok=True)
    before = '{\n  "hooks": {\n    "SessionStart": [\n      {\n        "hooks": [\n          {\n            "type": "command",\n'
    before += '            "command": "mine"\n          }\n        ]\n      }\n    ]\n  },\n  "mine": 1 // one\n}\n'
    file.write_text(before)

    assert install(project, client, "--hooks") == 0
    after = file.read_text()
    assert install(project, client, "--hooks") == 0
    assert file.read_text() == after
    hooks = json.loads(after.replace("// one", ""))["hooks"]
    assert [group["hooks"][0]["command"].split()[-1] for group in hooks["SessionStart"]] == ["mine", "hook"]
    assert [
        group["hooks"][0]["timeout"] for event, groups in hooks.items() for group in groups[event == "SessionStart" :]
    ] == [60_000 if client is Client.GEMINI else 60] * (len(hooks))

    assert install(project, client, "--hooks", "--remove") == 0
    assert file.read_text() == before


def test_opencode_gets_a_plugin_that_asks_for_the_state(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    file = Path("~/.config/opencode/plugin/autoresearch.js").expanduser()

    assert install(project, Client.OPENCODE, "--hooks") == 0
    assert re.search(r'= \["/.*", "hook"\]', file.read_text())
    assert install(project, Client.OPENCODE, "--hooks", "--remove") == 0
    assert not file.exists()
    assert install(project, Client.CURSOR, "--hooks") == 1
    assert "claude-code, codex, gemini, opencode" in capsys.readouterr().err
