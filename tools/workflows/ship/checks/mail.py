"""What a mail to many people needs besides its text."""

from __future__ import annotations

import re
from collections.abc import Callable

from .markup import HTML
from .places import FoundPlace, Texts

_LEAVING = re.compile(
    r"unsubscribe|opt[- ]?out|abmelden|abbestellen|se désabonner|désinscri|darse de baja|list-unsubscribe",
    re.IGNORECASE,
)
_BODY = re.compile(r"<(?:body|mjml|mj-body)\b", re.IGNORECASE)


def without_a_way_out(texts: Texts) -> tuple[FoundPlace, ...]:
    """Mails whose readers are not told how to get no more of them. A part of a page, without a body, is no mail."""
    mails = {path: text for path, text in texts.items() if not path.endswith(HTML) or _BODY.search(text)}
    return tuple(
        FoundPlace(path, 0, "no way to unsubscribe") for path, text in mails.items() if not _LEAVING.search(text)
    )


def without_plain_text(texts: Texts, exists: Callable[[str], bool]) -> tuple[FoundPlace, ...]:
    """Mails in HTML that have no twin in plain text beside them (the same name, `.txt`)."""
    pages = [path for path, text in texts.items() if path.endswith(HTML) and _BODY.search(text)]
    return tuple(
        FoundPlace(path, 0, "no plain text beside it") for path in pages if not exists(f"{path.rpartition('.')[0]}.txt")
    )
