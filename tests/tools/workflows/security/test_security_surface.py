"""Hosts that a command talks to, and the audits of a project's dependencies."""

from __future__ import annotations

import pytest

from autoresearch_mcp.tools.workflows.security.reach import reaches
from autoresearch_mcp.tools.workflows.security.runner import audit_commands


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
    ],
)  # fmt: skip
def test_a_command_that_talks_to_another_machine_is_told(command: str, host: str) -> None:
    assert reaches(command) == host


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
