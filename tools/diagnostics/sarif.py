"""SARIF 2.1.0, the exchange format of static analysis (OASIS standard)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import unquote, urlsplit

from .diagnostic import Diagnostic, Trouble
from .output import ReaderResult, ToolOutput, ToolRequest, Unreadable


def read_sarif(output: ToolOutput, asked: ToolRequest) -> ReaderResult:
    """Results of every run that are not suppressed; notes are left out.

    Raises:
        Unreadable: if it is no SARIF.
    """
    text = output.report or output.stdout
    try:
        log = json.loads(text[text.index("{") :])
        return ReaderResult(tuple(one for run in log["runs"] for one in _results(run, asked)))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise Unreadable(f"no SARIF: {error}") from error


def is_sarif(text: str) -> bool:
    """Whether a text looks like a SARIF log."""
    return text.lstrip().startswith("{") and '"runs"' in text and '"results"' in text


def _results(run: Mapping[str, Any], asked: ToolRequest) -> Iterator[Diagnostic]:
    driver = run["tool"]["driver"]
    levels = {rule["id"]: rule.get("defaultConfiguration", {}).get("level", "") for rule in driver.get("rules") or ()}
    for result in run.get("results") or ():
        rule = str(result.get("ruleId", ""))
        level = result.get("level") or levels.get(rule) or "warning"
        if level in {"note", "none"} or result.get("suppressions") or result.get("kind", "fail") != "fail":
            continue
        place = (result.get("locations") or [{}])[0].get("physicalLocation", {})
        region = place.get("region", {})
        yield Diagnostic(
            trouble=Trouble.WARNING if level == "warning" and asked.trouble is Trouble.BUILD else asked.trouble,
            tool=str(driver.get("name", asked.tool)),
            code=rule,
            message=str(result.get("message", {}).get("text", "")) or rule,
            path=asked.here(_path(str(place.get("artifactLocation", {}).get("uri", "")))),
            line=int(region.get("startLine", 0)),
            column=int(region.get("startColumn", 0)),
        )


def _path(uri: str) -> str:
    return unquote(urlsplit(uri).path if uri.startswith("file:") else uri)
