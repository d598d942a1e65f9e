"""Hides secrets in text that is stored or answered: known values first, then what has the form of a credential.

A net, not a wall: a program that wants to get a secret past it spells the secret backwards. What keeps a secret from a
program is not to pass it on (`process/isolation.py`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import quote


@dataclass(frozen=True)
class CredentialForm:
    """One kind of credential: its name, texts of which one must occur, and the pattern."""

    name: str
    hints: tuple[str, ...]
    pattern: re.Pattern[str]


def _form(name: str, hints: str, pattern: str) -> CredentialForm:
    return CredentialForm(name, tuple(hints.split()), re.compile(pattern))


_MIXED = r"(?=[\w-]{0,60}\d)(?=[\w-]{0,60}[A-Z])"
"""Keys are mixed; long names with dashes, such as `sk-` and the name of a package, are not."""

FORMS = (
    _form("AWS key id", "AKIA ASIA ABIA ACCA", r"(?<!\w)(?P<secret>(?:AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{16})(?!\w)"),
    _form("Google key", "AIza", r"(?<![\w-])(?P<secret>AIza[\w-]{35})(?![\w-])"),
    _form("Google token", "ya29. GOCSPX-", r"(?<![\w-])(?P<secret>(?:ya29\.|GOCSPX-)[\w-]{20,512}+)"),
    _form("Azure key", "AccountKey= SharedAccessKey=", r"(?:Account|SharedAccess)Key=(?P<secret>[\w+/=]{40,120}+)"),
    _form("signed URL", "sig= Signature=", r"[?&](?:sig|X-Amz-Signature|Signature)=(?P<secret>[\w%+/=-]{30,400}+)"),
    _form(
        "GitHub token",
        "ghp_ gho_ ghu_ ghs_ ghr_ github_pat_",
        r"(?<!\w)(?P<secret>gh[pousr]_[A-Za-z0-9]{30,255}+|github_pat_\w{22,255}+)",
    ),
    _form(
        "GitLab token",
        "glpat- gldt- glrt- glptt- glft- glimt- glagent- gloas- glcbt- glsoat- glffct-",
        r"(?<![\w-])(?P<secret>gl(?:pat|dt|rt|ptt|ft|imt|agent|oas|cbt|soat|ffct)-[\w.-]{20,300}+)",
    ),
    _form("Slack token", "xox xapp-", r"(?<![\w-])(?P<secret>(?:xox[abceoprs]|xapp)-(?:\d-)?[\w-]{10,300}+)"),
    _form("Slack hook", "hooks.slack.com", r"hooks\.slack\.com/(?:services|workflows)/(?P<secret>[\w/]{20,200}+)"),
    _form("Anthropic key", "sk-ant-", r"(?<![\w-])(?P<secret>sk-ant-[\w-]{20,300}+)"),
    _form("API key", "sk-", rf"(?<![\w-])(?P<secret>sk-{_MIXED}[\w-]{{20,300}}+)"),
    _form(
        "API key",
        "gsk_ xai- r8_ pplx- nvapi- tgp_v1_ fw_",
        r"(?<![\w-])(?P<secret>(?:gsk_|xai-|r8_|pplx-|nvapi-|tgp_v1_|fw_)(?=[\w-]{0,60}\d)[A-Za-z0-9-]{24,200}+)(?!\w)",
    ),
    _form("Hugging Face token", "hf_ api_org_", r"(?<!\w)(?P<secret>(?:hf_|api_org_)[A-Za-z0-9]{30,64}+)(?!\w)"),
    _form("npm token", "npm_", r"(?<!\w)(?P<secret>npm_[A-Za-z0-9]{36})(?!\w)"),
    _form("PyPI token", "pypi-", r"(?<![\w-])(?P<secret>pypi-Ag[\w-]{50,400}+)"),
    _form("Stripe key", "_live_ _test_", r"(?<!\w)(?P<secret>[rsp]k_(?:live|test)_[A-Za-z0-9]{16,250}+)"),
    _form("SendGrid key", "SG.", r"(?<!\w)(?P<secret>SG\.[\w-]{16,32}\.[\w-]{32,64})(?!\w)"),
    _form("Docker token", "dckr_", r"(?<!\w)(?P<secret>dckr_(?:pat|oat)_[\w-]{20,80}+)"),
    _form("DigitalOcean token", "_v1_", r"(?<!\w)(?P<secret>do[opr]_v1_[a-f0-9]{64})(?!\w)"),
    _form("Databricks token", "dapi", r"(?<!\w)(?P<secret>dapi[a-f0-9]{32}(?:-\d)?)(?!\w)"),
    _form("Telegram token", ":AA", r"(?<!\w)(?P<secret>\d{8,10}:AA[\w-]{33})(?![\w-])"),
    _form("JWT", "eyJ", r"(?<![\w-])(?P<secret>eyJ[\w-]{8,2000}+\.eyJ[\w-]{8,8000}+\.[\w-]{10,2000}+)"),
    _form("password in a URL", "://", r"://[^\s/:@\"'<>]{0,100}+:(?P<secret>(?![\[$<{*])[^\s/@\"'<>]{3,200}+)@"),
    _form(
        "authorization",
        "earer asic uthorization UTHORIZATION",
        r"(?i:(?:authorization[\"']?\s{0,3}[:=]\s{0,3}[\"']?(?:bearer|basic|token)|\bbearer))\s{1,3}"
        r"(?P<secret>(?=[\w.+/~=-]{0,60}\d)[\w.+/~=-]{12,2000}+)",
    ),
)


_SECRET = re.compile(
    r"(^|_|API|ACCESS|SECRET|PRIV|PRIVATE|SSH|GPG)KEYS?(_|\d|ID|$)|TOKEN(?!I[SZ])|SECRET|PASSW|PASSPHRASE|(^|_)PASS(_|$)|(?<!NO_)CREDENTIAL|(^|_)AUTH(_|$)"
    r"|COOKIE|SESSION_ID|MESSAGING_SOCKET",
    re.IGNORECASE,
)
_URL_WITH_PASSWORD = re.compile(r"://[^\s/:@]*:[^\s/@]+@")


def looks_secret(name: str, value: str = "") -> bool:
    """Tell whether a variable is likely to hold a secret, by its name or by a password in the address that it holds."""
    return _named_as_secret(name) or bool(_URL_WITH_PASSWORD.search(value))


@lru_cache(maxsize=1024)  # the same environment is looked through for each answer
def _named_as_secret(name: str) -> bool:
    return bool(_SECRET.search(name))


SHORTEST_VALUE = 8
_NO_SECRETS = frozenset("disabled enabled required optional password username anonymous undefined".split())
# The name must end where the value begins, so that `tokens_per_second = 1` and `password_field: x` are left alone. `PWD=/` is where a
# shell stands.
_ASSIGNED = re.compile(
    r"""(?:passw(?:or)?d|passphrase|secret(?:[_-]?(?:access[_-]?)?key)?|api[_-]?key|access[_-]?key|private[_-]?key"""
    r"""|client[_-]?secret|(?<![a-z])pwd(?!=/)|token)["']?"""
    r"""(?:(?P<tight>=)|\s{0,3}(?::|:?=)\s{0,3}|(?<=d)\s(?=["']))(?:"(?P<double>[^"\n]{6,500}+)"|'(?P<single>[^'\n]{6,500}+)'"""
    r"""|(?P<bare>[^\s"'`,;&|<>()\[\]{}$]{6,500}+)(?![(\[{]))""",
    re.IGNORECASE,
)
_ASSIGNMENT_HINTS = ("passw", "passphrase", "secret", "key", "pwd", "token")
_NO_VALUE = re.compile(
    r"[\W_]*(?:none|null|true|false|undefined|required|optional|string|unknown|placeholder|changeme|example|redacted"
    r"|hidden|masked|x+|\*+|\.+|<.*|\$.*|%.*|\{.*|\[.*|your.*|self\..*|os\.environ.*|process\.env.*|settings\..*|config\..*)[\W_]*",
    re.IGNORECASE,
)
_PLACE = re.compile(r"[\w./@-]*\.[a-z]\w{0,4}:\d{1,6}(?:-\d{1,6})?\.?", re.IGNORECASE)
"""`path.py:5`: where a secret stands, which people have to be told."""
_KEY_BEGINS, _KEY_ENDS = (
    re.compile(r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----"),
    re.compile(r"-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----"),
)


class Masker:
    """Hides what it knows to be secret. `variables` are names and values; those that look secret by name are hidden."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        secret = [name for name in variables if _named_as_secret(name)]
        found = [(spelling, name) for name in secret for spelling in _spellings(name, variables[name])]
        # The longest first: one secret may hold another.
        longest_first = sorted(dict(found).items(), key=lambda item: -len(item[0]))
        self.known = {value: _mark(f"${name}") for value, name in longest_first}
        """Each known value, with the mark in its place."""

    def __call__(self, text: str) -> str:
        """Replace every secret in a text by a mark that names what was there."""
        for value, mark in self.known.items():
            text = text.replace(value, mark)
        text = _without_private_keys(text)
        for form in FORMS:
            if any(hint in text for hint in form.hints):
                text = form.pattern.sub(lambda match, form=form: _hidden(match, form), text)  # type: ignore[misc]
        return _without_assigned(text)


def _mark(what: str) -> str:
    return f"[masked: {what}]"


def _spellings(name: str, value: str) -> Iterator[str]:
    """Yield a value as it stands, as an address or JSON would write it, and the long lines of one that has several."""
    if not _worth_hiding(value) or (value.isdecimal() and "PASS" not in name.upper()):
        return  # `MAX_TOKENS=10000000` is a number like any other
    lines: Iterable[str] = (line.strip() for line in value.splitlines()) if "\n" in value else ()
    for spelling in (value, value.strip(), quote(value, safe=""), value.replace("\n", "\\n"), *lines):
        if len(spelling) >= SHORTEST_VALUE and not spelling.startswith("-----"):
            yield spelling


def _worth_hiding(value: str) -> bool:
    # A path names where a secret lies; hiding it would garble every message about that place.
    return len(value) >= SHORTEST_VALUE and not value.startswith(("/", "~/", "./")) and value.lower() not in _NO_SECRETS


def _hidden(match: re.Match[str], form: CredentialForm) -> str:
    if match["secret"].startswith("[masked"):
        return match[0]
    start, end = match.start("secret") - match.start(), match.end("secret") - match.start()
    return match[0][:start] + _mark(form.name) + match[0][end:]


def _without_private_keys(text: str) -> str:
    if "PRIVATE KEY" not in text:
        return text
    parts: list[str] = []
    place = 0
    for begin in _KEY_BEGINS.finditer(text):
        if begin.start() < place:
            continue
        end = _KEY_ENDS.search(text, begin.end())
        parts += [text[place : begin.start()], _mark("private key")]
        place = end.end() if end else len(text)
    return _without_rest_of_key("".join([*parts, text[place:]]))


def _without_rest_of_key(text: str) -> str:
    """Mask a key whose beginning was cut off: what looks like its lines, up to its end mark."""
    end = _KEY_ENDS.search(text)
    if end is None:
        return text
    before = text[: end.start()].split("\n")
    last = before.pop()
    while before and re.fullmatch(r"[ +>-]?[A-Za-z0-9+/=]{16,80}\s*", before[-1]):
        before.pop()
    return "\n".join([*before, last + _mark("private key") + text[end.end() :]])


def _without_assigned(text: str) -> str:
    low = text.lower()
    return _ASSIGNED.sub(_assigned, text) if any(hint in low for hint in _ASSIGNMENT_HINTS) else text


def _assigned(match: re.Match[str]) -> str:
    group = next(name for name in ("double", "single", "bare") if match[name] is not None)
    value = match[group]
    if _NO_VALUE.fullmatch(value) or not _looks_assigned(match, value, quoted=group != "bare"):
        return match[0]
    start, end = match.start(group) - match.start(), match.end(group) - match.start()
    return match[0][:start] + _mark("assigned secret") + match[0][end:]


def _looks_assigned(match: re.Match[str], value: str, *, quoted: bool) -> bool:
    """Tell whether a value is written out rather than computed, counted or described."""
    mixed = bool(re.search(r"\d", value) and re.search(r"[A-Za-z]", value))
    if match[0].lower().startswith("token"):
        return mixed and len(value) >= 16 and "/" not in value and "." not in value
    if quoted:
        return " " not in value or mixed
    if not match["tight"] and _PLACE.fullmatch(value):
        return False
    if re.fullmatch(r"[\d.+-]+%?", value):
        return bool(match["tight"]) and len(value) >= 8 and value.isdecimal()
    # Bare words with dots are code: `password = settings.value`.
    return (mixed and not re.fullmatch(r"[A-Za-z_]\w*(?:\.\w+)+", value)) or bool(match["tight"] and "." not in value)
