"""Whether a repository has hooks that git would run at a commit."""

from __future__ import annotations

import os

from .repo import Repo


def has_hook(repo: Repo, name: str) -> bool:
    """Tell whether git might run something. Hooks set up by configuration are left for git to find."""
    settings = repo.settings()
    named = any(key.startswith("hook.") or key == "core.hookspath" for _, key, _ in settings.values)
    return named or os.path.lexists(repo.common_dir / "hooks" / name)


def has_hooks(repo: Repo) -> bool:
    """Tell whether git might run something before a commit is made."""
    return has_hook(repo, "pre-commit") or has_hook(repo, "commit-msg")
