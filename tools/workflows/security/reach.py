"""Which machine a command would talk to. A look at its words, not a wall: a program may still call wherever it likes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from ...process.shell import SimpleCommand, scripts

_LOCAL = re.compile(
    r"(?:[\w-]+\.)?localhost|127(?:\.\d{1,3}){3}|0\.0\.0\.0|\[?::1\]?|(?:[\w-]+\.)*(?:example|test|invalid)",
    re.IGNORECASE,
)
"""This machine, and names that lead nowhere (RFC 2606)."""
_ADDRESS = re.compile(r"\b[a-z][a-z0-9+.-]{1,15}://[^\s\"'`()<>\\]{1,300}", re.IGNORECASE)
_PIPE_TO_HOST = re.compile(r"/dev/(?:tcp|udp)/([^/\s\"']{1,200})")
_NO_NETWORK = frozenset("file sqlite jdbc memory data urn chrome about".split())
_TALKERS = frozenset(
    "curl wget aria2c fetch lwp-request http https xh nc ncat netcat socat telnet ftp sftp scp rsync ssh ping traceroute dig"
    " nslookup host whois nmap masscan zmap nikto sqlmap hydra gobuster ffuf wfuzz nuclei ab wrk siege hey vegeta".split()
)
_FIRST_WORD = frozenset("nc ncat netcat telnet ftp sftp ssh ping traceroute dig nslookup host whois nmap hydra".split())


def reaches(command: str) -> str:
    """Return the first thing beyond this machine that a shell command would talk to, as written; empty without any."""
    spoken = [command, *(" ".join(part.words) for script in scripts(command) for part in script)]
    hosts = (host for text in spoken for host in _written(text))
    parts = (host for script in scripts(command) for part in script for host in _of_program(part))
    return next((host for host in (*hosts, *parts) if host and not _LOCAL.fullmatch(host)), "")


def _written(text: str) -> Iterator[str]:
    """Yield hosts of the addresses that stand in a text, wherever they stand."""
    for address in _ADDRESS.findall(text):
        scheme, _, rest = address.partition("://")
        if scheme.lower() not in _NO_NETWORK:
            yield _host(f"//{rest}")
    yield from _PIPE_TO_HOST.findall(text)


def _host(address: str) -> str:
    try:
        return urlsplit(address).hostname or ""
    except ValueError:
        return address


def _of_program(part: SimpleCommand) -> Iterator[str]:
    arguments = [word for word in part.words[1:] if not word.startswith("-")]
    if part.name not in _TALKERS or not arguments:
        return
    if part.name in _FIRST_WORD:
        yield from (_bare(word) for word in arguments[:1] if not word.isdecimal())
    yield from (_bare(word) for word in arguments if _names_host(word))


def _names_host(word: str) -> bool:
    """Tell whether a word without a scheme is a machine: `example.org/a`, `10.0.0.5:80`, `me@host:`, `$HOST`."""
    return bool(
        re.match(r"(?:[\w.-]+@)?(?:[\w-]+\.)+[a-z]{2,}(?:[:/]|$)", word, re.IGNORECASE)
        or re.match(r"\d{1,3}(?:\.\d{1,3}){3}(?:[:/]|$)", word)
        or re.match(r"(?:[\w.-]+@)[\w.-]+:", word)
        or re.match(r"\$\{?\w", word)
    )


def _bare(word: str) -> str:
    if "://" in word:
        return _host(f"//{word.partition('://')[2]}")
    name = word.rpartition("@")[2]
    return re.split(r"[/]" if name.startswith(("$", "[")) else r"[:/]", name, maxsplit=1)[0]
