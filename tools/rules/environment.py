"""Which environment variables a measured command gets."""

from __future__ import annotations

import re
from collections.abc import Mapping

_SECRET = re.compile(r"KEY|TOKEN|SECRET|PASSW|CREDENTIAL|(^|_)AUTH(_|$)|SESSION_ID|MESSAGING_SOCKET", re.IGNORECASE)
_GIT = re.compile(r"GIT_(?!CONFIG|SSL|SSH|EXEC_PATH|CEILING)")


def measured_environment(inherited: Mapping[str, str], added: Mapping[str, str]) -> dict[str, str]:
    """The inherited environment without what looks like a secret or steers git, plus the names that we set.

    Clients hand their server API keys and session tokens; a program under experiment has no business with them.
    Byte code is not written, because an edit and its undo within one second would leave a stale file behind.
    """
    kept = {name: value for name, value in inherited.items() if not _SECRET.search(name) and not _GIT.match(name)}
    return {"PYTHONDONTWRITEBYTECODE": "1", **kept, **added}
