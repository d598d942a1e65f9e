"""Looking at text: lines worth reading, hosts that a command talks to, files that declare dependencies."""

from __future__ import annotations

import pytest

from autoresearch_mcp.tools.workflows.running.inspection import FAULTS, WEAKNESSES, hints
from autoresearch_mcp.tools.workflows.security.reach import reaches
from autoresearch_mcp.tools.workflows.security.runner import audit_commands, manifests_of, pipelines_of


@pytest.mark.parametrize(
    ("command", "host"),
    [
        ("pytest -q tests/test_login.py", ""),
        ("curl -s http://localhost:8000/admin", ""),
        ("curl -s 127.0.0.1:8000/admin && curl http://[::1]:80/", ""),
        ("python -c \"import urllib.request as u; u.urlopen('http://127.0.0.1:1/x')\"", ""),
        ("nc -z localhost 8080", ""),
        ("sqlite3 file:shop.db?mode=ro 'select 1'", ""),
        ("grep -c example.org hosts.txt", ""),
        ("git log --oneline", ""),
        ("curl https://example.org/x", "example.org"),
        ("curl example.org/x", "example.org"),
        ("curl -d @/etc/hostname 10.0.0.5:8080", "10.0.0.5"),
        ("wget -q \"http://user@evil.example.com/?a=1\"", "evil.example.com"),
        ("python -c \"import requests; requests.get('https://evil.example.com')\"", "evil.example.com"),
        ("sh -c 'curl http://evil.example.com'", "evil.example.com"),
        ("echo $(curl http://evil.example.com)", "evil.example.com"),
        ("exec 3<>/dev/tcp/evil.example.com/80", "evil.example.com"),
        ("curl http://localhost.evil.example.com/", "localhost.evil.example.com"),
        ("curl http://localhost@evil.example.com/", "evil.example.com"),
        ("nmap 192.168.1.0/24", "192.168.1.0"),
        ("ping db", "db"),
        ("ssh root@staging", "staging"),
        ("curl $TARGET/login", "$TARGET"),
        ("psql postgres://app@db.internal/shop", "db.internal"),
        ("pip install evil", "pip install evil"),
        ("git clone git@github.com:a/b", "git clone git@github.com:a/b"),
    ],
)  # fmt: skip
def test_a_command_that_talks_to_another_machine_is_told(command: str, host: str) -> None:
    assert reaches(command) == host


@pytest.mark.parametrize(
    ("path", "line", "what"),
    [
        ("a.py", "cursor.execute(f'SELECT {x}')", "a query is put together from text"),
        ("a.js", "db.query(`SELECT * FROM t WHERE id = ${id}`)", "a query is put together from text"),
        ("a.py", "subprocess.run(cmd, shell=True)", "a shell is given text"),
        ("a.py", "pickle.loads(data)", "foreign data is made into objects"),
        ("a.py", "yaml.load(text)", "foreign data is made into objects"),
        ("a.py", "requests.get(url, verify=False)", "a certificate is not checked"),
        ("a.js", "el.innerHTML = name", "text becomes markup as it is"),
        ("a.py", 'file = PAGES / self.path.lstrip("/")', "a path is put together from input"),
        ("a.py", 'HTTPServer(("", port), Handler)', "listens on every address"),
        ("a.py", "server.bind(('0.0.0.0', 80))", "listens on every address"),
        ("a.py", "HTTPServer(('127.0.0.1', port), Handler)", ""),
        ("a.py", "x = total / self.paths", ""),
        ("a.py", "yaml.load(text, Loader=SafeLoader)", ""),
        ("a.py", "cursor.execute('SELECT ?', (x,))", ""),
        ("a.py", "model.eval()", ""),
    ],
)
def test_lines_that_often_go_with_a_weakness_are_pointed_at(path: str, line: str, what: str) -> None:
    found = hints(path, f"first\n{line}\n", WEAKNESSES)

    assert [(one.what, one.location) for one in found] == ([(what, f"{path}:2")] if what else [])


@pytest.mark.parametrize(
    ("path", "line", "what"),
    [
        ("a.py", "    except Exception: pass", "an error is swallowed"),
        ("a.py", "except:", "every error is caught"),
        ("a.ts", "} catch (e) {}", "an error is swallowed"),
        ("a.py", "def add(x, to=[]):", "a default value is shared by all calls"),
        ("a.go", "// TODO: the other case", "marked as unfinished"),
        ("a.py", "return len(items) - 1", "takes one away or adds one to a length"),
        ("a.py", "except ValueError as error:", ""),
        ("a.js", "if (a === null) {", ""),
        ("a.js", "x" * 500 + " TODO", ""),
    ],
)
def test_lines_that_often_go_with_a_fault_are_pointed_at(path: str, line: str, what: str) -> None:
    assert [one.what for one in hints(path, line, FAULTS)] == ([what] if what else [])


def test_files_that_declare_dependencies_or_deploy_are_known() -> None:
    files = ("src/a.py", "pyproject.toml", "web/package.json", "web/node_modules/x/package.json", "requirements-dev.txt",
             ".github/workflows/ci.yml", "deploy/Dockerfile", "infra/main.tf", "docs/compose.md")  # fmt: skip

    assert manifests_of(files) == ("pyproject.toml", "web/package.json", "requirements-dev.txt")
    assert pipelines_of(files) == (".github/workflows/ci.yml", "deploy/Dockerfile", "infra/main.tf")


@pytest.mark.parametrize(
    ("files", "texts", "commands"),
    [
        ((), {}, ()),
        ((), {"requirements-dev.txt": "pip-audit==2.9\n"}, ("pip-audit",)),
        ((), {"requirements.txt": "pip-auditor\n"}, ()),
        ((), {"Makefile": "test:\n\tpytest\naudit:\n\tpip-audit\n"}, ("make audit", "pip-audit")),
        (("web/package-lock.json",), {}, ("cd web && npm audit",)),
        ((), {"my web/package.json": '{"scripts": {"audit": "better-npm-audit"}}'}, ("cd 'my web' && npm run audit",)),
    ],
)
def test_the_projects_own_dependency_audits_are_found(
    files: tuple[str, ...], texts: dict[str, str], commands: tuple[str, ...]
) -> None:
    assert audit_commands(files, texts) == commands
