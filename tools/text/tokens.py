"""The forms that credentials have, for masking. Each is tried only where a text holds its hint, so ordinary text costs little.

Every form has an exact prefix or says what it is: digests, UUIDs, numbers and plain base64 fit none of them. All
repetitions are bounded or possessive, so that no text makes a search slow.
"""

from __future__ import annotations

import re
from dataclasses import dataclass


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
    """Whether a variable is likely to hold a secret, by its name or by a password in the address that it holds."""
    return bool(_SECRET.search(name) or _URL_WITH_PASSWORD.search(value))
