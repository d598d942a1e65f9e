"""A look at commands before they are sealed. It filters accidents, it is not a sandbox: whoever wants past it gets past."""

from __future__ import annotations

import re
from dataclasses import dataclass

_REFUSED = (
    (r"\brm\s+(?:-\w+\s+)*-\w*[rR]\w*\s+(?:-\w+\s+)*(?:--\s+)?[\"']?(?:/|~|\$HOME|\$\{HOME\})[\"']?(?:\s|/?\*|$|;|&|\|)",
     "it deletes the home or root folder"),
    (r":\s*\(\s*\)\s*\{.*:\s*\|\s*:.*\}", "it is a fork bomb"),
    (r"\b(?:curl|wget)\b[^|;&]*\|\s*(?:sudo\s+)?(?:ba|z|da|k)?sh\b", "it runs what it downloads"),
    (r"\b(?:ba)?sh\s+-c\s+[\"']?\$\((?:curl|wget)\b", "it runs what it downloads"),
    (r"\bmkfs(?:\.\w+)?\b|\bdd\b[^|;&]*\bof=/dev/(?:sd|nvme|vd|hd|mapper)", "it overwrites a disk"),
    (r"\bgit\s+(?:-\S+\s+)*(?:reset|clean|push|commit|checkout|switch|restore|stash|rebase|merge|revert|cherry-pick)\b",
     "it changes the repository, which only the server may do during a session"),
)  # fmt: skip

_WARNED = (
    (r"(?:^|[\s;&|])sudo\s", "it uses sudo"),
    (r"\bchmod\s+(?:-R\s+)?0?777\b", "it opens permissions to everybody"),
    (r"\bcurl\b[^|;&]*(?:-X\s*(?:POST|PUT|DELETE|PATCH)|--data\b|\s-d\s)", "it sends data over the network"),
    (r"(?:https?://[^\s/:@]+:[^\s/@]+@|\b(?:api[_-]?key|token|password|secret)=[^\s$]{6,})", "it holds a credential"),
    (r"(?<![&>|])&\s*(?:$|[^&>\s])", "it leaves a process in the background"),
    (r"\|\|\s*(?:true|:|echo\s+[\"']?[\d.]+)", "it hides a failure, so that a crash can look like a number"),
)


@dataclass(frozen=True)
class Screening:
    """Why a command is refused, if it is, and what to look at twice."""

    refused: str = ""
    warnings: tuple[str, ...] = ()


def screen(command: str) -> Screening:
    """Look at one shell command."""
    refused = next((reason for pattern, reason in _REFUSED if re.search(pattern, command)), "")
    return Screening(refused, tuple(reason for pattern, reason in _WARNED if re.search(pattern, command)))
