"""Programs that a reader may be expected to have, and what the shell and the package managers do themselves."""

from __future__ import annotations

BUILT_IN = frozenset(
    "cd echo exit export false printf set test trap true [ [[ read unset eval exec source . : local return alias pushd popd "
    "wait kill type command ulimit umask shift for if while case function".split()
)
WELL_KNOWN = frozenset(
    "git gh python python3 pip pip3 pipx uv uvx poetry hatch pdm conda mamba tox nox pytest mypy ruff black isort flake8 node npm "
    "npx yarn pnpm bun deno go cargo rustc rustup java javac mvn gradle dotnet ruby gem bundle rake php composer make cmake ninja "
    "just docker docker-compose podman kubectl helm terraform ansible aws gcloud az heroku fly vercel netlify curl wget tar unzip "
    "zip ssh scp rsync apt apt-get brew dnf yum pacman apk snap sudo ls cp mv rm mkdir cat grep sed awk find head tail sort wc "
    "bower nvm pipenv volta corepack gulp grunt eslint prettier tsc vite webpack rollup jest vitest mocha playwright pre-commit "
    "touch chmod chown ln diff time env which xargs tee less open psql mysql sqlite3 redis-cli nvidia-smi claude codex gemini "
    "systemctl journalctl bash sh zsh jq rg fd code sphinx-build golangci-lint scoop choco winget".split()
)
"""Programs, whether or not this machine has them."""
RUNNERS = frozenset(
    "make tox nox npm pnpm yarn bun go cargo python python3 pip pip3 uv poetry hatch just pytest pre-commit node npx".split()
)
"""Programs whose arguments name something of the repository."""
NODE_COMMANDS = frozenset(
    "add audit bin build cache ci config create dedupe deploy dlx docs env exec explain fetch fund help i info init install "
    "install-test it licenses link list ln login logout ls node outdated pack patch prune publish rebuild remove rm root rb "
    "self-update set setup store t un uninstall unlink update up upgrade upgrade-interactive version versions view why workspace "
    "workspaces global import whoami x pm policies plugin completion doctor approve-builds dist-tag access owner team token".split()
)
"""What npm and its like do themselves, so that it is no script."""
EVERYWHERE = frozenset(("help", "version", "h", "v", "V", "?"))
"""Options that nearly every program takes, declared or not."""
