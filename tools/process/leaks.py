"""Signs that a command reads credentials or sends something away, looked for in its parsed form."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from .dangers import FETCHERS
from .shell import SimpleCommand

Parts = Sequence[SimpleCommand]

_STORE = re.compile(
    r"(?:@|[\w.-]+=@?)?(?:~|\$HOME|\$\{HOME\}|/root|/(?:home|Users)/[\w.-]+)/(?:\.ssh(?:/|$)|\.aws(?:/|$)|\.gnupg(?:/|$)|\.netrc|_netrc"
    r"|\.git-credentials|\.kube/config|\.docker/config\.json|\.config/(?:gh|gcloud|op|hub)(?:/|$)|\.npmrc|\.pypirc"
    r"|\.azure(?:/|$)|\.cargo/credentials|\.gem/credentials|\.password-store|Library/Keychains|\.local/share/keyrings"
    r"|\.mozilla/|\.config/google-chrome|\.huggingface/token|\.cache/huggingface/token)"
    r"|/etc/(?:g?shadow|sudoers)|/proc/(?:self|\d+|\*|\$\w+)/environ"
)
# What only names a place, or looks whether it is there.
_ONLY_NAMES = frozenset("echo printf test [ [[ ls stat touch mkdir export cd true : chmod du".split())
_KEEPERS = {
    "security": ("find-generic-password", "find-internet-password", "dump-keychain", "export"),
    "secret-tool": ("lookup", "search"),
    "pass": ("show",),
    "op": ("read", "item"),
    "gpg": ("--export-secret-keys",),
    "gh": ("auth token",),
    "aws": ("configure get", "configure export-credentials", "secretsmanager get-secret-value"),
    "gcloud": ("auth print-access-token", "auth print-identity-token", "secrets versions"),
    "az": ("account get-access-token",),
    "git": ("credential fill",),
    "vault": ("read", "kv get"),
    "kubectl": ("get secret",),
}


def reads_credentials(parts: Parts) -> bool:
    """Keys and passwords of the person, from their files or from a program that keeps them."""
    return any(_reads_store(part) or _asks_keeper(part) for part in parts)


def _reads_store(part: SimpleCommand) -> bool:
    words = [*part.words[1:], *part.data] if part.name not in _ONLY_NAMES else []
    if part.name in {"grep", "egrep", "fgrep", "rg", "ag", "sed", "awk"} and "-e" not in words:
        words = [word for word in words if not word.startswith("-")][1:]  # the first is what is looked for
    if part.name in {"ssh", "ssh-keygen", "git"}:
        words = []  # a key that is used for what it is there for; that it goes out is said elsewhere
    return any(map(_STORE.match, [*words, *(redirect.target for redirect in part.redirects)]))


def _asks_keeper(part: SimpleCommand) -> bool:
    said = " ".join(part.words[1:])
    return any(said.startswith(asked) for asked in _KEEPERS.get(part.name, ()))


_SENDERS = FETCHERS | frozenset(
    "nc ncat netcat socat telnet http https xh ftp sftp scp rsync ssh mail sendmail mutt".split()
)


def sends_environment(parts: Parts) -> bool:
    """All variables, secrets included, into something that talks to the network."""
    for place, part in enumerate(parts):
        if part.name in _SENDERS and any(
            re.match(r"\s*(?:env|printenv|export -p|set)\s*(?:$|[|;])", fed) for fed in part.fed
        ):
            return True
        if _prints_all(part) and any(later.name in _SENDERS for later in _piped_into(parts, place)):
            return True
    return False


def prints_environment(parts: Parts) -> bool:
    """All variables, into the output."""
    return any(_prints_all(part) and not list(_piped_into(parts, place)) for place, part in enumerate(parts))


def _prints_all(part: SimpleCommand) -> bool:
    if any(">" in redirect.operator and not redirect.operator.endswith("&") for redirect in part.redirects):
        return False
    bare = part.words in {("env",), ("printenv",), ("export", "-p"), ("declare", "-x"), ("set",)}
    return bare or (part.name in {"env", "printenv"} and part.words[1:] in {("-0",), ("--null",)})


def _piped_into(parts: Parts, place: int) -> Iterator[SimpleCommand]:
    for later in parts[place + 1 :]:
        if not later.piped:
            return
        yield later


def sends(parts: Parts) -> bool:
    """Data to another machine."""
    return any(_sends_out(part) for part in parts)


def _sends_out(part: SimpleCommand) -> bool:
    if part.name in FETCHERS | {"http", "https", "xh"}:
        return _requests(part)
    if part.name in {"scp", "rsync"}:
        return any(re.match(r"(?:[\w.-]+@)?[\w.-]+:|rsync://", word) for word in part.words[1:] if word[:1] != "-")
    if part.name in {"nc", "ncat", "netcat", "socat", "telnet", "ftp", "sftp", "ssh"}:
        return (
            len(part.words) > 1
            and not _here(" ".join(part.words))
            and not {"-l", "-V", "-h", "--version"} & set(part.words)
        )
    if part.name in {"aws", "gsutil", "gcloud", "rclone", "s3cmd"}:
        copies = {"cp", "sync", "mv", "copy", "put"} & set(part.words)
        return bool(copies) and bool(re.search(r"\w:", part.words[-1]))
    return part.name in {"mail", "sendmail", "mutt"} or any(
        re.match(r"/dev/(?:tcp|udp)/(?!localhost|127\.)", redirect.target) for redirect in part.redirects
    )


def _here(text: str) -> bool:
    hosts = re.findall(r"(?:^| )(?:https?://)?([\w.\[\]:-]+\.\w+|localhost|\[::1\])(?=[:/ ]|$)", text)
    return bool(hosts) and all(re.match(r"localhost|127\.|0\.0\.0\.0|\[::1\]", host) for host in hosts)


def _requests(part: SimpleCommand) -> bool:
    text = " ".join(part.words[1:])
    if _here(text):
        return False
    return bool(re.search(r"(?:^| )(?:-X|--request|--method)?[ =]?(?:POST|PUT|DELETE|PATCH)\b", text)) or bool(
        re.search(
            r"(?:^| )(?:-[a-zA-Z]*[dFT]|--data\S*|--form\S*|--json|--upload-file|--post-\S+|--body-\S+)(?:[ =]|$)", text
        )
    )
