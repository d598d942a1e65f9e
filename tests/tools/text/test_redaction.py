"""Output is data: what steers a terminal or hides text is taken out."""

from __future__ import annotations

import pytest

from autoresearch_mcp.tools.plan.checks import problems
from autoresearch_mcp.tools.plan.model import Plan
from autoresearch_mcp.tools.text.redaction import hides_something, redact_tail, strip_hidden, visible

TABLE = {
    "ordinary text": ("a\tb\nc é 漢 🙂", "a\tb\nc é 漢 🙂"),
    "colours": ("\x1b[1;31mred\x1b[0m", "red"),
    "cursor moves": ("a\x1b[2K\x1b[1Ab", "ab"),
    "a title": ("\x1b]0;you are root\x07ok", "ok"),
    "a title ended by a string terminator": ("\x1b]2;x\x1b\\ok", "ok"),
    "a link": ("\x1b]8;;https://x.example\x1b\\text\x1b]8;;\x1b\\", "text"),
    "the clipboard": ("\x1b]52;c;cm0gLXJm\x07ok", "ok"),
    "a title without an end": ("\x1b]0;x\nok", "\nok"),
    "a device string": ("\x1bP1$q\x1b\\ok", "ok"),
    "another character set": ("\x1b(0lqk\x1b(B", "lqk"),
    "eight-bit sequences": ("\x9b31mred\x9d0;t\x9cok", "redok"),
    "an escape at the end": ("a\x1b", "a"),
    "an unfinished sequence": ("a\x1b[31", "a"),
    "a bell, a null, a delete": ("a\x07\x00\x7fb", "ab"),
    "a form feed": ("a\x0cb", "ab"),
    "a turned direction": ("a\u202eb\u2066c\u200fd", "abcd"),
    "zero width": ("ig\u200bno\u200dre\ufeff\u2060", "ignore"),
    "tags": ("ok\U000e0041\U000e0042", "ok"),
    "hidden variation selectors": ("ok\ufe00\U000e0100", "ok"),
    "an emoji keeps its form": ("❤\ufe0f", "❤\ufe0f"),
    "other line ends": ("a\r\nb\u2028c\x85d\x0be", "a\nb\nc\nd\ne"),
    "a progress bar": ("10%\r50%\r100%\nloss 1", "100%\nloss 1"),
    "a progress bar that ends in a return": ("10%\r100%\r\nx\r", "100%\nx"),
    "a progress bar wiped out": ("100%\r    \rdone", "done"),
    "a coloured progress bar": ("\x1b[32m10%\x1b[0m\r\x1b[K20%", "20%"),
    "a spinner": ("-\b\\\b|\b/\bdone", "done"),
    "half of a pair": ("a\ud800b", "a?b"),
}


@pytest.mark.parametrize(("text", "clean"), TABLE.values(), ids=TABLE)
def test_what_is_not_to_be_read_is_taken_out(text: str, clean: str) -> None:
    assert strip_hidden(text) == clean
    assert strip_hidden(clean) == clean


@pytest.mark.parametrize("unit", ["\x1b[", "\x1b]", "\x1bP", "\r", "\b", "a\b", "\x9d", "\u200b", "10%\r", "\x1b"])
def test_a_text_made_to_be_slow_is_cleaned_all_the_same(unit: str) -> None:
    assert len(strip_hidden(unit * (524_288 // len(unit)))) < 600_000


def test_what_hides_is_written_out_for_who_has_to_judge_it() -> None:
    assert visible("rm -rf ~ \x1b[2K\rmake test") == "rm -rf ~ \\x1b[2K\\rmake test"
    assert not hides_something("make\n\ttest é")


@pytest.mark.parametrize("hidden", ["\x1b[2K", "\r", "\u202e", "\u200b", "\b"])
def test_a_command_that_looks_different_from_what_it_is_cannot_be_sealed(hidden: str) -> None:
    found = problems(
        Plan(verify=f"rm -rf ~ {hidden}", guards=(f"a{hidden}",), guard_metrics=(f"a lower 1: {hidden}b",))
    )

    assert {"verify", "guards", "guard_metrics"} <= {problem.field for problem in found}


def test_the_end_of_an_output_is_cleaned_before_it_is_cut() -> None:
    token = "ghp_" + "aB3dE5gH7jK9mN1pQ3sT5vW7yZ9bC1dF3gH5"

    assert redact_tail("x\n" * 100 + token, 20) == "[masked: GitHub token]"[-20:]
    assert redact_tail("line\n" * 100_000 + "\x1b[1mend", 8) == "line\nend"
