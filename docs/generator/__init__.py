"""The pages of the reference, each read off the code that it describes, so that none can say what is no longer so."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from .commands import commands_page
from .files import files_page
from .plan import plan_page
from .prompts import prompts_page
from .refusals import refusals_page
from .tools import tools_page
from .workflows import workflows_page

REFERENCE = Path(__file__).parent.parent / "reference"
PAGES: Mapping[str, Callable[[], str]] = {
    "tools": tools_page,
    "prompts": prompts_page,
    "plan": plan_page,
    "workflows": workflows_page,
    "commands": commands_page,
    "files": files_page,
    "refusals": refusals_page,
}
