"""The words of a security audit: what is protected, where trust ends, what can go wrong, and who would do it.

STRIDE is Microsoft's (Kohnfelder and Garg, 1999). OWASP Top 10 is the edition of 2021; its ids mean something else in others.
"""

from __future__ import annotations

from enum import StrEnum

from ..ledger.items import Severity

OWASP_EDITION = 2021


class Asset(StrEnum):
    """What an attacker would want."""

    DATA_STORE = "data-store"
    AUTHENTICATION = "authentication"
    ENDPOINT = "endpoint"
    EXTERNAL_SERVICE = "external-service"
    INPUT = "input"
    CONFIGURATION = "configuration"
    STATIC_ASSET = "static-asset"

    @property
    def priority(self) -> Severity:
        """How bad its loss usually is."""
        return _PRIORITIES[self]


_PRIORITIES = {
    Asset.DATA_STORE: Severity.CRITICAL,
    Asset.AUTHENTICATION: Severity.CRITICAL,
    Asset.ENDPOINT: Severity.HIGH,
    Asset.EXTERNAL_SERVICE: Severity.HIGH,
    Asset.INPUT: Severity.HIGH,
    Asset.CONFIGURATION: Severity.MEDIUM,
    Asset.STATIC_ASSET: Severity.LOW,
}


class Boundary(StrEnum):
    """Where data or control passes from less to more trust."""

    CLIENT_SERVER = "client-server"
    SERVER_DATA = "server-data"
    SERVER_EXTERNAL = "server-external"
    PUBLIC_AUTHENTICATED = "public-authenticated"
    USER_ADMIN = "user-admin"
    BUILD_PRODUCTION = "build-production"
    PROCESS_HOST = "process-host"


class Stride(StrEnum):
    """The six kinds of threat."""

    SPOOFING = "spoofing"
    TAMPERING = "tampering"
    REPUDIATION = "repudiation"
    INFORMATION_DISCLOSURE = "information-disclosure"
    DENIAL_OF_SERVICE = "denial-of-service"
    ELEVATION_OF_PRIVILEGE = "elevation-of-privilege"


class Owasp(StrEnum):
    """The ten categories, by their ids of 2021."""

    A01 = "A01"
    A02 = "A02"
    A03 = "A03"
    A04 = "A04"
    A05 = "A05"
    A06 = "A06"
    A07 = "A07"
    A08 = "A08"
    A09 = "A09"
    A10 = "A10"

    @property
    def label(self) -> str:
        """Its name."""
        return _TITLES[self][0]

    @property
    def advice(self) -> str:
        """What to look for, and what usually helps."""
        return _TITLES[self][1]

    @property
    def address(self) -> str:
        """Its page."""
        words = self.label.replace(" ", "_").replace("(", "%28").replace(")", "%29")
        return f"https://owasp.org/Top10/{self.value}_{OWASP_EDITION}-{words}/"


_TITLES = {
    Owasp.A01: (
        "Broken Access Control",
        "Deny unless allowed; check on the server, for each object, who asks; never trust an id that the client sent.",
    ),
    Owasp.A02: (
        "Cryptographic Failures",
        "Encrypt what is sensitive in transit and at rest with current algorithms; keep keys out of the code; hash passwords slowly.",
    ),
    Owasp.A03: (
        "Injection",
        "Keep data apart from commands: parameters for queries, argument lists for programs, escaping for markup.",
    ),
    Owasp.A04: (
        "Insecure Design",
        "Limit rates and sizes, model abuse as well as use, fail closed, and keep tenants apart by construction.",
    ),
    Owasp.A05: (
        "Security Misconfiguration",
        "No defaults, debugging or directory listings in production; headers set; only what is needed is switched on.",
    ),
    Owasp.A06: (
        "Vulnerable and Outdated Components",
        "Pin and lock dependencies, compare them with advisories, and remove what is not used.",
    ),
    Owasp.A07: (
        "Identification and Authentication Failures",
        "Slow down guessing, end sessions, renew their ids at login, and compare secrets in constant time.",
    ),
    Owasp.A08: (
        "Software and Data Integrity Failures",
        "Verify what is downloaded, deserialised or deployed; give a build no more rights than it needs.",
    ),
    Owasp.A09: (
        "Security Logging and Monitoring Failures",
        "Log what an investigation needs, without secrets, where an attacker cannot change it; alert on it.",
    ),
    Owasp.A10: (
        "Server-Side Request Forgery (SSRF)",
        "Fetch only addresses from a list, resolve names once, and keep internal services out of reach.",
    ),
}


class Attacker(StrEnum):
    """Who looks for a way in."""

    SECURITY_ADVERSARY = "security-adversary"
    SUPPLY_CHAIN = "supply-chain"
    INSIDER = "insider"
    INFRASTRUCTURE = "infrastructure"

    @property
    def aim(self) -> str:
        """What this one goes for."""
        return _AIMS[self]


_AIMS = {
    Attacker.SECURITY_ADVERSARY: "from outside, through every input and endpoint",
    Attacker.SUPPLY_CHAIN: "through dependencies, builds, updates and what is downloaded",
    Attacker.INSIDER: "with an account, or with rights that are too wide, unseen",
    Attacker.INFRASTRUCTURE: "through configuration, hosts, containers, networks and stored secrets",
}
