"""What to say to the agent: one markdown file a prompt, with `$names` for what is filled in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from string import Template


@dataclass(frozen=True)
class Prompt:
    """One prompt file: its header, and a text whose `$names` are its arguments and the live state."""

    name: str
    title: str
    description: str
    arguments: Mapping[str, str]
    body: Template

    @property
    def shows(self) -> frozenset[str]:
        """Return the names that its text has filled in."""
        return frozenset(self.body.get_identifiers())

    def render(self, values: Mapping[str, str]) -> str:
        """Return the text with every name filled in; an argument that was not given reads `(not given)`."""
        given = {name: value.strip() or "(not given)" for name, value in values.items()}
        absent = dict.fromkeys(self.arguments, "(not given)")
        return self.body.substitute({**absent, **given})


def load_prompts() -> dict[str, Prompt]:
    """Load every prompt by name, in the order of the names."""
    found = sorted(file.name for file in files(__package__).iterdir() if file.name.endswith(".md"))
    return {name.removesuffix(".md"): _load(name) for name in found}


def _load(name: str) -> Prompt:
    _, header, body = (files(__package__) / name).read_text(encoding="utf-8").split("---\n", 2)
    fields = dict(line.split(": ", 1) for line in header.splitlines() if line.strip())
    arguments = {key.removeprefix("argument "): text for key, text in fields.items() if key.startswith("argument ")}
    return Prompt(name.removesuffix(".md"), fields["title"], fields["description"], arguments, Template(body.strip()))
