"""Signs of accidents and of leaks in a command, looked for in its parsed form. A predicate sees the programs of one script."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from itertools import takewhile

from .shell import SimpleCommand, scripts
from .shell_words import SHELLS

Parts = Sequence[SimpleCommand]
Sign = Callable[[Parts], bool]

_INTERPRETERS = SHELLS | frozenset("python python3 node perl ruby php deno bun".split())
FETCHERS = frozenset("curl wget aria2c fetch lwp-request".split())
_PLACE = r"(?:\.?\*|\.)?"
_HOME = re.compile(
    rf"(?:/|~|\$HOME|\$\{{HOME\}}|/(?:home|Users)(?:/[\w.-]+)?|/(?:root|etc|usr|var|bin|sbin|lib|opt|boot|dev|srv|proc|sys))/?{_PLACE}"
)
_REPOSITORY = re.compile(r"(?:\.|\.git|\$PWD|\$\{PWD\}|\$\(pwd\))(?:/\.?\*?)?|\.?\*|\.\.(?:/\.?\*?)?")
_OUTSIDE = re.compile(r"(?:/|~|\$HOME|\$\{HOME\}|(?:\./)*\.\./|(?:[\w-]+/)+\.\./\.\./)")
_TEMPORARY = re.compile(r"(?:/tmp|/var/tmp|/private/tmp|/dev/shm|/var/folders|\$\{?TMPDIR\}?)/+[^/]")


def deletes_home(parts: Parts) -> bool:
    """Tell whether the home folder, the root, or a folder of the system is deleted."""
    return any(_HOME.fullmatch(place) for part in parts for place in _deleted(part))


def deletes_repository(parts: Parts) -> bool:
    """Tell whether the repository or its history is deleted."""
    return any(_REPOSITORY.fullmatch(place) for part in parts if part.name != "find" for place in _deleted(part))


def deletes_outside(parts: Parts) -> bool:
    """Tell whether a folder is deleted that is neither in the repository nor temporary."""
    places = (place for part in parts for place in _deleted(part))
    return any(_OUTSIDE.match(place) and (not _TEMPORARY.match(place) or "/../" in place) for place in places)


def _deleted(part: SimpleCommand) -> tuple[str, ...]:
    """Return what is removed with all that is in it."""
    if part.name == "find":
        named = {"-name", "-path", "-iname", "-regex"} & set(part.words)
        found = [word + ("/found" if named and len(word) > 1 else "") for word in part.words[1:2] if word[0] != "-"]
        return tuple(found) if "-delete" in part.words else ()
    recursive = any(re.match(r"--recursive$|-[a-zA-Z]*[rR]", word) for word in part.words[1:])
    if part.name not in {"rm", "trash", "rimraf", "srm"} or not (recursive or part.name == "rimraf"):
        return ()
    return tuple(word for word in part.words[1:] if not word.startswith("-"))


def runs_a_download(parts: Parts) -> bool:
    """Fetch and execute: through a pipe, a substitution, or a file."""
    fetches = [place for place, part in enumerate(parts) if part.name in FETCHERS]
    if any(_runs_input(parts[place + 1 :]) or _runs_file(parts[place], parts[place + 1 :]) for place in fetches):
        return True
    return any(_takes_program(part) and any(map(_fetches, part.fed)) for part in parts)


def _fetches(command: str) -> bool:
    return any(part.name in FETCHERS for parts in scripts(command) for part in parts)


def _takes_program(part: SimpleCommand) -> bool:
    """Tell whether what stands in the words, or is fed in, is run: by an interpreter, or as the program itself."""
    runs = part.name in _INTERPRETERS | {"eval", "source", "."}
    if part.name in _INTERPRETERS - SHELLS:
        return any(word.startswith(("<(", "$(", "`")) or word in {"-c", "-e"} for word in part.words[1:])
    return runs or (bool(part.words) and part.words[0].startswith(("$(", "`", "<(")))


def _runs_input(later: Parts) -> bool:
    return any(_reads_program(part) for part in takewhile(lambda part: part.piped, later))


def _reads_program(part: SimpleCommand) -> bool:
    """Tell whether an interpreter takes its program from its input."""
    options = [word for word in part.words[1:] if word.startswith("-")]
    return part.name in _INTERPRETERS and (len(options) == len(part.words) - 1 or bool({"-", "-s"} & set(options)))


def _runs_file(fetch: SimpleCommand, later: Parts) -> bool:
    pairs = zip(fetch.words, fetch.words[1:], strict=False)
    files = {name.removeprefix("./") for option, name in pairs if option in {"-o", "-O", "--output"}}
    files |= {redirect.target.removeprefix("./") for redirect in fetch.redirects if redirect.operator.startswith(">")}
    runs = _INTERPRETERS | {"source", "."}
    run = (word for part in later for word in (part.words if part.name in runs else part.words[:1]))
    return any(word.removeprefix("./") in files for word in run)


_DISK = re.compile(r"/dev/(?:sd|nvme|vd|hd|xvd|mmcblk|disk|rdisk|mapper/|md\d|loop\d)")


def overwrites_a_disk(parts: Parts) -> bool:
    """Tell whether a file system or a whole device is overwritten."""
    return any(_writes_disk(part) for part in parts)


def _writes_disk(part: SimpleCommand) -> bool:
    if part.name.startswith("mkfs") or part.name in {"wipefs", "sgdisk", "fdisk", "parted", "blkdiscard"}:
        return any(_DISK.match(word) for word in part.words) or part.name.startswith("mkfs")
    targets = [redirect.target for redirect in part.redirects if ">" in redirect.operator]
    if part.name == "dd":
        targets += [word.removeprefix("of=") for word in part.words if word.startswith("of=")]
    if part.name in {"tee", "shred", "cp", "cat"}:
        targets += part.words[-1:] if part.name == "cp" else part.words[1:] if part.name != "cat" else ()
    return any(_DISK.match(target) for target in targets)


def changes_history(parts: Parts) -> bool:
    """Tell whether git is told to write."""
    return any(_git_changes(part.words) for part in parts if part.name == "git")


def _git_changes(words: Sequence[str]) -> bool:
    rest = list(words[1:])
    while rest and rest[0].startswith("-"):
        rest = rest[2:] if rest[0] in {"-C", "-c", "--git-dir", "--work-tree", "--namespace"} else rest[1:]
    if not rest or {"--dry-run", "--check", "--stat"} & set(rest):
        return False
    verb, arguments = rest[0], rest[1:]
    if verb in {"stash", "worktree", "notes", "submodule", "bisect"}:
        return arguments[:1] not in (["list"], ["show"], ["status"], ["log"], *([[]] if verb != "stash" else []))
    if verb in {"branch", "tag"}:
        return any(re.match(r"-[a-zA-Z]*[dDmMfC]|--(?:delete|move|force)", word) for word in arguments)
    if verb == "config":
        return not any(re.match(r"--(?:get|list|show)|-l$", word) for word in arguments) and len(arguments) > 1
    return verb in _GIT_CHANGES and not (verb == "clean" and "-n" in arguments)


_GIT_CHANGES = frozenset(
    "reset clean push commit checkout switch restore rebase merge revert cherry-pick am apply pull add rm mv"
    " update-ref symbolic-ref update-index read-tree filter-branch filter-repo replace gc prune".split()
)

_PUBLISHES = {
    "npm": ("publish", "unpublish"), "pnpm": ("publish",), "yarn": ("publish",), "cargo": ("publish", "yank"),
    "twine": ("upload",), "poetry": ("publish",), "uv": ("publish",), "flit": ("publish",), "hatch": ("publish",),
    "gem": ("push",), "docker": ("push",), "podman": ("push",), "helm": ("push",), "vsce": ("publish",),
}  # fmt: skip
_PUBLISHES_TWO = {
    "gh": ("release create", "release upload", "pr create", "pr merge", "issue create", "repo delete"),
    "terraform": ("apply", "destroy"),
    "kubectl": ("apply", "delete"),
}


def publishes(parts: Parts) -> bool:
    """Tell whether something is published, which others get to see and cannot be taken back."""
    for part in parts:
        verbs = [word for word in part.words[1:] if not word.startswith("-")]
        dry = any(word.startswith("--dry-run") or word == "--help" for word in part.words)
        long = any(" ".join(verbs).startswith(words) for words in _PUBLISHES_TWO.get(part.name, ()))
        if not dry and (long or (bool(verbs) and verbs[0] in _PUBLISHES.get(part.name, ()))):
            return True
    return False


def stops_the_machine(parts: Parts) -> bool:
    """Tell whether the machine is stopped for everybody who works on it."""
    everything = (part.words[:1] == ("kill",) and "-1" in part.words[2:] for part in parts)
    return any(part.name in {"shutdown", "reboot", "poweroff", "halt"} for part in parts) or any(everything)


def forks_without_end(command: str) -> bool:
    """Tell whether a function starts itself twice; looked for in the text of the command, because parsed it is gone."""
    return bool(re.search(r"([\w:.]{1,40})\(\)\{[^{}]{0,200}?\1\|\1&", re.sub(r"\s", "", command)))


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
    """Tell whether keys or passwords of the person are read, from their files or from a program that keeps them."""
    return any(_reads_store(part) or _asks_keeper(part) for part in parts)


def _reads_store(part: SimpleCommand) -> bool:
    words = [*part.words[1:], *part.data] if part.name not in _ONLY_NAMES else []
    if part.name in {"grep", "egrep", "fgrep", "rg", "ag", "sed", "awk"} and "-e" not in words:
        words = [word for word in words if not word.startswith("-")][1:]  # the first is what is looked for
    if part.name in {"ssh", "ssh-keygen", "git"}:
        words = []  # a key that is used for what it is there for; that it goes out is said elsewhere
    return any(map(_STORE.match, [*words, *(redirect.target for redirect in part.redirects)]))


def _asks_keeper(part: SimpleCommand) -> bool:
    arguments = " ".join(part.words[1:])
    return any(arguments.startswith(asked) for asked in _KEEPERS.get(part.name, ()))


_SENDERS = FETCHERS | frozenset(
    "nc ncat netcat socat telnet http https xh ftp sftp scp rsync ssh mail sendmail mutt".split()
)


def sends_environment(parts: Parts) -> bool:
    """Tell whether all variables, secrets included, go into something that talks to the network."""
    for place, part in enumerate(parts):
        if part.name in _SENDERS and any(
            re.match(r"\s*(?:env|printenv|export -p|set)\s*(?:$|[|;])", fed) for fed in part.fed
        ):
            return True
        if _prints_all(part) and any(later.name in _SENDERS for later in _piped_into(parts, place)):
            return True
    return False


def prints_environment(parts: Parts) -> bool:
    """Tell whether all variables are printed."""
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
    """Tell whether data goes to another machine."""
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
