"""What a security ledger takes: what is protected, where trust ends, what was tested, found, and mended.

STRIDE is Microsoft's (Kohnfelder and Garg, 1999). OWASP Top 10 is the edition of 2021; its ids mean something else in others.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, ClassVar, Literal, Self

from pydantic import BeforeValidator, Field

from ..ledger.items import Cited, Confidence, ItemOutcome, Note, Options, Provable, Severity, Text, listed

OWASP_EDITION = 2021


class Asset(StrEnum):
    """What an attacker would want, with how bad its loss usually is."""

    priority: Severity

    def __new__(cls, word: str, priority: Severity) -> Self:
        made = str.__new__(cls, word)
        made._value_, made.priority = word, priority
        return made

    DATA_STORE = "data-store", Severity.CRITICAL
    AUTHENTICATION = "authentication", Severity.CRITICAL
    ENDPOINT = "endpoint", Severity.HIGH
    EXTERNAL_SERVICE = "external-service", Severity.HIGH
    INPUT = "input", Severity.HIGH
    CONFIGURATION = "configuration", Severity.MEDIUM
    STATIC_ASSET = "static-asset", Severity.LOW


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
    """The ten categories by their ids of 2021, each with its label, and what to look for and what usually helps."""

    label: str
    advice: str

    def __new__(cls, id: str, label: str, advice: str) -> Self:
        made = str.__new__(cls, id)
        made._value_, made.label, made.advice = id, label, advice
        return made

    A01 = (
        "A01",
        "Broken Access Control",
        "Deny unless allowed; check on the server, for each object, who asks; never trust an id that the client sent.",
    )
    A02 = (
        "A02",
        "Cryptographic Failures",
        "Encrypt what is sensitive in transit and at rest with current algorithms; keep keys out of the code; hash passwords slowly.",
    )
    A03 = (
        "A03",
        "Injection",
        "Keep data apart from commands: parameters for queries, argument lists for programs, escaping for markup.",
    )
    A04 = (
        "A04",
        "Insecure Design",
        "Limit rates and sizes, model abuse as well as use, fail closed, and keep tenants apart by construction.",
    )
    A05 = (
        "A05",
        "Security Misconfiguration",
        "No defaults, debugging or directory listings in production; headers set; only what is needed is switched on.",
    )
    A06 = (
        "A06",
        "Vulnerable and Outdated Components",
        "Pin and lock dependencies, compare them with advisories, and remove what is not used.",
    )
    A07 = (
        "A07",
        "Identification and Authentication Failures",
        "Slow down guessing, end sessions, renew their ids at login, and compare secrets in constant time.",
    )
    A08 = (
        "A08",
        "Software and Data Integrity Failures",
        "Verify what is downloaded, deserialised or deployed; give a build no more rights than it needs.",
    )
    A09 = (
        "A09",
        "Security Logging and Monitoring Failures",
        "Log what an investigation needs, without secrets, where an attacker cannot change it; alert on it.",
    )
    A10 = (
        "A10",
        "Server-Side Request Forgery (SSRF)",
        "Fetch only addresses from a list, resolve names once, and keep internal services out of reach.",
    )

    @property
    def address(self) -> str:
        """Its page on owasp.org."""
        words = self.label.replace(" ", "_").replace("(", "%28").replace(")", "%29")
        return f"https://owasp.org/Top10/{self.value}_{OWASP_EDITION}-{words}/"


class SecurityOptions(Options):
    """What to audit, and what to insist on."""

    diff: bool = Field(False, description="Look only at files that changed since the last audit on this branch.")
    fix: bool = Field(
        False, description="Mend confirmed critical and high findings too; otherwise files are only read."
    )
    fail_on: Severity | None = Field(
        None, description="critical|high|medium|low|info: the audit ends as failed with a finding this bad or worse."
    )


AssetId = Annotated[str, Field(pattern=r"^A\d+$")]
BoundaryId = Annotated[str, Field(pattern=r"^B\d+$")]


class AssetItem(Cited):
    """Something worth protecting, cited where the code keeps, makes or uses it."""

    prefix: ClassVar[str] = "A"
    place_format: ClassVar[str] = "{location} as {asset}"
    subject_format: ClassVar[str] = "{name}"

    kind: Literal["asset"] = "asset"
    name: Text = Field(description="What it is, in a few words.")
    asset: Asset
    loss: Text = Field(description="What an attacker gains, or its owner loses.")


class BoundaryItem(Cited):
    """A place where data or control enters from less trust, cited where it does, and what can be reached from there."""

    prefix: ClassVar[str] = "B"
    subject_format: ClassVar[str] = "{name} {crosses}"
    title_format: ClassVar[str] = "{name}"

    kind: Literal["boundary"] = "boundary"
    name: Text = Field(description="The entry point, in a few words.")
    boundary: Boundary
    crosses: Text = Field(description="What crosses it, from whom to whom.")
    reaches: Annotated[tuple[AssetId, ...], BeforeValidator(listed)] = Field(
        min_length=1, description="The assets behind it, e.g. A1, A3."
    )

    @property
    def place(self) -> str:
        return f"{self.location} to {', '.join(self.reaches)}"


class ThreatTest(Cited):
    """A test of one cell: one threat to one asset across one boundary."""

    asset: AssetId = Field(description="e.g. A1")
    boundary: BoundaryId = Field(description="e.g. B1; it has to reach the asset.")
    stride: Stride
    owasp: Owasp = Field(description="A01 to A10, edition of 2021.")

    @property
    def cell(self) -> tuple[str, str, Stride]:
        """The cell of the matrix that it tests."""
        return self.asset, self.boundary, self.stride


class Cleared(ThreatTest):
    """A cell that was tested and held: what was tried, and the code that withstands it."""

    prefix: ClassVar[str] = "C"
    place_format: ClassVar[str] = "{location} for {stride} of {asset} across {boundary}"
    subject_format: ClassVar[str] = "{tried}"

    kind: Literal["cleared"] = "cleared"
    tried: Text = Field(description="The attack that you tried or followed through the code.")
    holds: Text = Field(description="Why it fails: the quote is the line that stops it.")

    @property
    def settles(self) -> ItemOutcome:
        return ItemOutcome.DISPROVEN


class SecurityFinding(Provable, ThreatTest):
    """A weakness that can be attacked, cited where it is."""

    prefix: ClassVar[str] = "V"
    subject_format: ClassVar[str] = "{summary}"

    kind: Literal["finding"] = "finding"
    summary: Text = Field(description="The weakness in one sentence.")
    severity: Severity
    confidence: Confidence = Field(
        description="confirmed needs a reproduction, which talks to no other machine, and stands once the server saw it fail."
    )
    scenario: Text = Field(description="The attack, step by step: who sends what, and what happens.")
    impact: Text = Field(description="What the attacker has then.")
    mitigation: Text = Field(description="What to change.")
    cwe: str = Field("", pattern=r"^(CWE-\d{1,5})?$", description="e.g. CWE-89")


class Health(StrEnum):
    """The state of a dependency."""

    FINE = "fine"
    UNPINNED = "unpinned"
    OUTDATED = "outdated"
    UNMAINTAINED = "unmaintained"
    VULNERABLE = "vulnerable"
    UNKNOWN = "unknown"


class Dependency(Cited):
    """One dependency, cited where it is declared."""

    prefix: ClassVar[str] = "D"

    kind: Literal["dependency"] = "dependency"
    name: Text
    health: Health
    why: Text = Field(description="What you base that on.")
    version: Note = ""
    advisory: Note = Field("", description="The id of a published advisory.")

    @property
    def title(self) -> str:
        return f"{self.name} {self.version}".strip() + f": {self.health}"


class Remedy(Cited):
    """An attempt to mend a confirmed critical or high finding, committed, and cited as it now stands."""

    prefix: ClassVar[str] = "R"
    place_format: ClassVar[str] = ""  # a second attempt may be at the same place
    title_format: ClassVar[str] = "{finding}: {change}"

    kind: Literal["remedy"] = "remedy"
    finding: str = Field(pattern=r"^V\d+$", description="e.g. V1")
    change: Text = Field(description="What you changed, and why that ends the attack.")
