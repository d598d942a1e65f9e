"""What a client's output says of a leg: tokens, money, limits, failures. Structured fields only; prose only inside of errors."""

from __future__ import annotations

import json
import re
from collections import deque
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from ..lab.legs import Problem

KEPT_LINES, LINE_CHARACTERS = 12, 300
_CLAUDE = {
    "rate_limit": Problem.LIMIT,
    "authentication_failed": Problem.LOGIN,
    "oauth_org_not_allowed": Problem.LOGIN,
    "billing_error": Problem.BILLING,
    "model_not_found": Problem.MODEL,
}
_PROSE = (
    (
        re.compile(r"usage limit|hit your .{0,20}limit|quota|rate.?limit|too many requests|\b429\b", re.IGNORECASE),
        Problem.LIMIT,
    ),
    (
        re.compile(r"not logged in|/login|unauthorized|\b401\b|api.?key|auth method|log ?in", re.IGNORECASE),
        Problem.LOGIN,
    ),
    (
        re.compile(r"ran out of room|context window|prompt is too long|token count.{0,40}exceeds", re.IGNORECASE),
        Problem.OVERFLOW,
    ),
    (re.compile(r"(unknown|unexpected|unrecognized) (option|argument)", re.IGNORECASE), Problem.OLD),
    (re.compile(r"credit balance|billing|payment", re.IGNORECASE), Problem.BILLING),
    (re.compile(r"model.{0,60}(not found|does not exist|not supported)", re.IGNORECASE), Problem.MODEL),
)
_CLOCK = re.compile(
    r"(?:try again|resets)(?: at)? (?:(\w{3})\w* (\d{1,2})\w*,? (?:(\d{4}),? )?(?:at )?)?(\d{1,2}):(\d\d) ?([ap]m)",
    re.IGNORECASE,
)
_SPAN = re.compile(r"(?:try again|resets?) in ((?:\d+ ?(?:d|h|m|s)\w*,? ?(?:and )?)+)", re.IGNORECASE)
_JUST_NOW = timedelta(minutes=10)
"""A clock without seconds may already be past it when the limit ends within this minute."""
_UNITS = {"d": 86400.0, "h": 3600.0, "m": 60.0, "s": 1.0}


class LegOutput:
    """Adds up the output of one leg, line by line. `now` is the time of the leg's begin, in seconds since 1970."""

    def __init__(self, agent: str, now: float) -> None:
        self._read = _READERS.get(agent, _other)
        self._agent, self._now = agent, now
        self.tail: deque[str] = deque(maxlen=KEPT_LINES)
        self.problem: Problem | None = None
        self.reset = 0.0
        self.cost: float | None = None
        self.complete = False
        """Whether the client has told its last count."""
        self.counts: dict[str, int] = {}
        """Tokens by message or step, so that a message that is printed twice counts once."""

    @property
    def tokens(self) -> int:
        """Return the tokens so far, those from a cache included."""
        return sum(self.counts.values())

    def add(self, line: str) -> None:
        """Take one line of the output. What is not as expected is passed over."""
        try:
            event = json.loads(line)
        except ValueError:
            event = None
        if isinstance(event, dict):
            try:
                self._read(self, event)
            except (AttributeError, KeyError, TypeError, ValueError):
                return
        elif line.strip():
            self.say(line)
            self.prose = line

    prose = ""
    """The last line that was no event: of the client itself, or on its standard error."""

    def say(self, text: object) -> None:
        """Keep words for a person to read."""
        words = " ".join(str(text).split())
        if words and words[:LINE_CHARACTERS] != (self.tail[-1] if self.tail else ""):
            self.tail.append(words[:LINE_CHARACTERS])

    def fail(self, text: object, problem: Problem | None = None) -> None:
        """Note a failure, classified by its words unless the client named its kind."""
        self.say(text)
        found = problem or next((kind for words, kind in _PROSE if words.search(str(text))), Problem.OTHER)
        if self.problem in {None, Problem.OTHER}:
            self.problem = found
        if found is Problem.LIMIT:
            self.reset = self.reset or reset_time(str(text), self._now)

    def ended(self, code: int | None) -> None:
        """Take the exit status, which some clients tell by what they print nowhere."""
        known = _CODES.get(self._agent, {}).get(code or 0)
        if known and self.problem in {None, Problem.OTHER}:
            self.problem = known
        elif code and self.problem is None:
            self.fail(self.prose or f"exit status {code}", None if self._agent in _READERS else Problem.OTHER)


_CODES: Mapping[str, Mapping[int, Problem]] = {
    # An HTTP status modulo 256, and 41 of its own.
    "gemini": {41: Problem.LOGIN, 145: Problem.LOGIN, 173: Problem.LIMIT, 144: Problem.OVERFLOW},
}


def reset_time(text: str, now: float) -> float:
    """Return when a limit ends by the words of a client, in seconds since 1970: the next such moment of this machine's clock, or
    after a span. 0 where they do not say.
    """
    if span := _SPAN.search(text):
        return now + sum(int(count) * _UNITS[unit] for count, unit in re.findall(r"(\d+) ?([dhms])", span[1].lower()))
    if not (clock := _CLOCK.search(text)):
        return 0.0
    month, day, year, hour, minute, half = clock.groups()
    here = datetime.fromtimestamp(now).astimezone()
    base = here.astimezone(UTC) if "(UTC)" in text else here
    at = base.replace(hour=int(hour) % 12 + 12 * (half.lower() == "pm"), minute=int(minute), second=0, microsecond=0)
    if month:
        number = datetime.strptime(month[:3], "%b").month
        return at.replace(year=int(year or base.year), month=number, day=int(day)).timestamp()
    return (at if at > base - _JUST_NOW else at + timedelta(days=1)).timestamp()


def _claude(told: LegOutput, event: Mapping[str, Any]) -> None:
    kind = event.get("type")
    if kind == "assistant":
        message = event["message"]
        if usage := message.get("usage"):
            told.counts[message["id"]] = _sum(
                usage, "input_tokens", "output_tokens", "cache_read_input_tokens", "cache_creation_input_tokens"
            )
        texts = [part["text"] for part in message.get("content", ()) if part.get("type") == "text"]
        if error := event.get("error"):
            told.fail(" ".join(texts) or error, _CLAUDE.get(error))
        else:
            for text in texts:
                told.say(text)
    elif kind == "rate_limit_event" and event["rate_limit_info"].get("status") == "rejected":
        told.problem, told.reset = Problem.LIMIT, float(event["rate_limit_info"].get("resetsAt") or 0)
    elif kind == "system" and event.get("subtype") == "init":
        failed = [one for one in event.get("mcp_servers", ()) if one.get("status") == "failed"]
        if failed:
            told.fail("the client could not start the autoresearch server", Problem.SERVER)
    elif kind == "result":
        told.cost, told.complete = float(event.get("total_cost_usd") or 0.0), True
        if event.get("is_error"):
            full = event.get("terminal_reason") == "prompt_too_long"
            told.fail(event.get("result") or event.get("terminal_reason"), Problem.OVERFLOW if full else None)


def _codex(told: LegOutput, event: Mapping[str, Any]) -> None:
    kind = event.get("type")
    if kind == "turn.completed":
        told.counts[str(len(told.counts))] = _sum(event["usage"], "input_tokens", "output_tokens")
        told.complete = True
    elif kind == "turn.failed":
        told.fail(event["error"]["message"])
    elif kind == "error":
        told.say(event["message"])  # also of attempts that are made once more
    elif kind == "item.completed" and event["item"].get("type") == "agent_message":
        told.say(event["item"]["text"])


def _gemini(told: LegOutput, event: Mapping[str, Any]) -> None:
    kind = event.get("type")
    if kind == "result":
        stats = event.get("stats") or {}
        told.counts["all"] = int(stats.get("total_tokens") or 0)
        told.complete = True
        if event.get("status") == "error":
            error = event.get("error") or {}
            told.fail(error.get("message") or error)
    elif kind == "message" and event.get("role") == "assistant":
        told.say(event.get("content", ""))
    elif kind == "error" and event.get("severity") == "error":
        told.fail(event.get("message", ""))


def _opencode(told: LegOutput, event: Mapping[str, Any]) -> None:
    kind, part = event.get("type"), event.get("part") or {}
    if kind == "step_finish":
        tokens = part.get("tokens") or {}
        cache = tokens.get("cache") or {}
        told.counts[part.get("id") or str(len(told.counts))] = _sum(tokens, "input", "output", "reasoning") + _sum(
            cache, "read", "write"
        )
        told.cost = (told.cost or 0.0) + float(part.get("cost") or 0.0)
        told.complete = part.get("reason") == "stop"
    elif kind == "text":
        told.say(part.get("text", ""))
    elif kind == "error":
        error = event.get("error") or {}
        data = error.get("data") or {}
        told.fail(f"{data.get('message') or error.get('name')} {data.get('statusCode') or ''}")


def _other(told: LegOutput, event: Mapping[str, Any]) -> None:
    told.say(json.dumps(event, ensure_ascii=False))


def _sum(counts: Mapping[str, Any], *names: str) -> int:
    return sum(int(counts.get(name) or 0) for name in names)


_READERS: Mapping[str, Callable[[LegOutput, Mapping[str, Any]], None]] = {
    "claude": _claude,
    "codex": _codex,
    "gemini": _gemini,
    "opencode": _opencode,
}
