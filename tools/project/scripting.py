"""Which commands a Python or a Node project offers, typed as this machine has their tools."""

from __future__ import annotations

import re
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import replace
from typing import Any

from ..plan.scope import Scope
from . import recipes
from .folders import CommandKind, Folder, FolderFinding, ProjectCommand, command_list, table_of, within


def find_python(folder: Folder) -> FolderFinding:
    """Python: who starts its tools on this machine, and which of pytest, coverage, ruff, flake8, mypy, pyright it names."""
    manifest, warnings = table_of(folder, "pyproject.toml")
    tool = within(manifest, "tool")
    managers, prefix = _python_managers(folder, tool)
    tested = any(re.search(r"(^|/)(test_[^/]*|[^/]*_test|conftest)\.py$", name) for name in folder.files)
    pytest = folder.has("pytest.ini") or folder.naming("pytest")
    if tested and not pytest:
        warnings += ("There are tests, but no manifest names a runner; pytest is assumed.",)
    python, package = python_of(prefix), _package(folder, manifest)
    path = f"PYTHONPATH={package.rpartition('/')[0] or '.'} "  # a script's own folder is on the path, and not the package's
    rows = [
        (CommandKind.TEST, "tox -q", folder.has("tox.ini") or ("pyproject.toml" if "tox" in tool else "")),
        *(
            (CommandKind.BENCHMARK, f"{path}{python} {name}", name)
            for name in sorted(folder.files)
            if _is_benchmark(name)
        ),
    ]
    tools = _python_tools(folder, tool, (pytest or "test files") if tested else "")
    commands = tuple(_module(folder, prefix, *row) for row in tools if row[-1])
    if any(re.fullmatch(r"src/\w+/__init__\.py", name) for name in folder.files) and not _finds_src(folder, prefix):
        commands = tuple(replace(one, text=f"PYTHONPATH=src {one.text}") if _runs_it(one) else one for one in commands)
    shipped = recipes.wheel(python) if {"project", "build-system"} & manifest.keys() or folder.has("setup.py") else ""
    return FolderFinding(
        managers,
        (*commands, *command_list(rows)),
        (),
        warnings,
        shipped=shipped,
        python=python,
        package=package,
    )


def _python_tools(folder: Folder, tool: Mapping[str, Any], tested: str) -> list[tuple[CommandKind, str, str, str]]:
    """Return rows of kind, text, module and the file that tells of it."""
    mypy = "mypy" if within(tool, "mypy").keys() & {"files", "packages", "modules"} else "mypy ."
    plain = folder.has(".coveragerc") or folder.naming("coverage")
    return [
        (CommandKind.TEST, "pytest -q", "pytest", tested),
        (CommandKind.COVERAGE, "pytest -q --cov", "pytest_cov", folder.naming("pytest-cov")),
        (CommandKind.COVERAGE, "coverage run -m pytest -q", "coverage", plain),
        (
            CommandKind.LINT,
            "ruff check --no-fix .",
            "ruff",
            folder.has("ruff.toml", ".ruff.toml") or folder.naming("ruff"),
        ),
        (CommandKind.LINT, "flake8 .", "flake8", folder.has(".flake8") or folder.naming("flake8")),
        (CommandKind.TYPES, mypy, "mypy", folder.has("mypy.ini", ".mypy.ini") or folder.naming("mypy")),
        (CommandKind.TYPES, "pyright", "pyright", folder.has("pyrightconfig.json") or folder.naming("pyright")),
        (CommandKind.BENCHMARK, "pytest -q --benchmark-only", "pytest_benchmark", folder.naming("pytest-benchmark")),
    ]


def _finds_src(folder: Folder, prefix: str) -> bool:
    """Tell whether the tests find the package below `src` without an installation: by their settings, or as the manager
    installs it. An installed copy would be measured in place of the files that change.
    """
    return not prefix.endswith(" -m ") or re.search(r"pythonpath\W.*\bsrc\b", folder.all_text) is not None


def _runs_it(command: ProjectCommand) -> bool:
    return command.kind in {CommandKind.TEST, CommandKind.COVERAGE, CommandKind.BENCHMARK}


def _module(folder: Folder, prefix: str, kind: CommandKind, text: str, module: str, source: str) -> ProjectCommand:
    """Return a command that runs a module, and how that module is installed where it is missing."""
    python = python_of(prefix)
    known = folder.tools.modules.get(folder.root) if prefix.endswith(" -m ") else None
    missing = known is not None and module not in known
    bare = text.split()[0]
    if missing and module == bare != "pytest" and folder.tools.programs and folder.tools.has(bare):
        return ProjectCommand(kind, text, source)
    needs = f"{python} -m pip install {module.replace('_', '-')}" if missing else ""
    return ProjectCommand(kind, prefix + text, source, needs=needs)


_PYTHON_MANAGERS = (
    ("uv", "uv.lock"),
    ("poetry", "poetry.lock"),
    ("pdm", "pdm.lock"),
    ("pipenv", "Pipfile"),
    ("hatch", "hatch.toml"),
)


def _python_managers(folder: Folder, tool: Mapping[str, Any]) -> tuple[tuple[str, ...], str]:
    """Return the managers that the project names, and how it starts a module here: by its environment, a manager that is
    installed, or the machine's Python.
    """
    found = tuple(name for name, lock in _PYTHON_MANAGERS if name in tool or folder.locked(lock))
    extra = ("tox",) if folder.has("tox.ini") or "tox" in tool else ()
    usable = next((name for name in found if name != "hatch" and folder.tools.has(name)), "")
    plain = "python" if folder.tools.has("python") or not folder.tools.has("python3") else "python3"
    own = folder.tools.pythons.get(folder.root, "")
    prefix = f"{usable} run " if usable and not own else f"{own or plain} -m "
    return (*(found or ("pip",)), *extra), prefix


def python_of(prefix: str) -> str:
    """Return how Python is typed, from how its modules are: `python` of `python -m `, `uv run python` of `uv run `."""
    return prefix.removesuffix(" -m ") if prefix.endswith(" -m ") else f"{prefix}python"


def _package(folder: Folder, manifest: Mapping[str, Any]) -> str:
    """Return the package that is imported, with the folder before it that has to be on the path; empty where there is none."""
    found = [name.removesuffix("/__init__.py") for name in folder.ending("/__init__.py")]
    tops = [
        name
        for name in found
        if re.fullmatch(r"(src/)?[A-Za-z_]\w*", name) and not name.startswith(("test", "docs", "bench"))
    ]
    wanted = str(within(manifest, "project").get("name", "")).replace("-", "_").lower()
    return next((name for name in tops if name.rpartition("/")[2].lower() == wanted), tops[0] if len(tops) == 1 else "")


def _is_benchmark(name: str) -> bool:
    return re.fullmatch(r"(benchmarks?/|perf/)?bench(mark)?(_\w+)?\.py", name) is not None


_NODE_KINDS = {
    "test": CommandKind.TEST, "test:unit": CommandKind.TEST, "lint": CommandKind.LINT, "typecheck": CommandKind.TYPES, "type-check": CommandKind.TYPES,
    "types": CommandKind.TYPES, "build": CommandKind.BUILD, "coverage": CommandKind.COVERAGE, "test:coverage": CommandKind.COVERAGE,
    "bench": CommandKind.BENCHMARK, "benchmark": CommandKind.BENCHMARK,
}  # fmt: skip
_NODE_MANAGERS = (
    ("pnpm", "pnpm-lock.yaml"), ("yarn", "yarn.lock"), ("bun", "bun.lock"), ("bun", "bun.lockb"),
    ("npm", "package-lock.json"),
)  # fmt: skip


_FIXED_TIME = frozenset(("benchmark", "tinybench", "mitata", "benny", "bench"))
"""Libraries whose benchmarks run for a fixed time, however fast the code is: their wall-clock time says nothing."""


def find_node(folder: Folder) -> FolderFinding:
    """JavaScript and TypeScript: the scripts of package.json, and the tools that it names or that are configured."""
    manifest, warnings = table_of(folder, "package.json")
    manager = _node_manager(folder, manifest)
    run = {"pnpm": "pnpm exec ", "bun": "bunx --no-install "}.get(manager, "npx --no-install ")
    scripts = {name: text for name, text in within(manifest, "scripts").items() if isinstance(text, str)}
    packages = {*within(manifest, "devDependencies"), *within(manifest, "dependencies")}
    installed = not packages or folder.tools.programs is None or folder.root in folder.tools.node_modules
    needs = "" if installed else f"{manager} install"
    named = (word.removeprefix("./") for text in scripts.values() for word in re.findall(r"[\w./-]+", text))
    return FolderFinding(
        (manager,),
        (*_node_scripts(scripts, packages, manager, needs), *_node_tools(folder, scripts, packages, run, needs)),
        _node_outputs(scripts.get("build", ""), folder),
        warnings,
        fixed=tuple(dict.fromkeys(name for name in named if name in folder.files and not _entry(name, manifest))),
        shipped=recipes.npm_package(f"{manager} run build" if "build" in scripts else "")
        if _is_published(manifest) and ("build" in scripts or _ships_code(manifest, folder))
        else "",
    )


def _node_scripts(
    scripts: Mapping[str, str], packages: AbstractSet[str], manager: str, needs: str
) -> tuple[ProjectCommand, ...]:
    """Return the scripts of package.json whose names say what they are for."""
    endless = {CommandKind.BENCHMARK} if packages & _FIXED_TIME else set()
    return tuple(
        ProjectCommand(_NODE_KINDS[name], f"{manager} run {name}", "package.json", text, needs=needs)
        for name, text in scripts.items()
        if name in _NODE_KINDS and "no test specified" not in text and _NODE_KINDS[name] not in endless
    )


def _node_tools(
    folder: Folder, scripts: Mapping[str, str], packages: AbstractSet[str], run: str, needs: str
) -> tuple[ProjectCommand, ...]:
    """Return the tools that package.json names or that are configured, as `run` starts them."""
    words = set(re.findall(r"[@\w/-]+", " ".join({*scripts.values(), *packages})))
    known = words | {name.split(".")[0] for name in folder.files if "/" not in name and ".config." in name}
    vitest, jest, measured = "vitest" in known, "jest" in known, any("@vitest/coverage" in one for one in packages)
    timed = vitest and any(".bench." in name for name in folder.files)
    eslint = "eslint" in known or folder.has(".eslintrc.json", ".eslintrc.js", ".eslintrc.cjs", ".eslintrc")
    rows = [
        (CommandKind.TEST, "vitest run", vitest),
        (CommandKind.TEST, "jest", jest),
        (CommandKind.COVERAGE, "vitest run --coverage", measured),
        (CommandKind.COVERAGE, "jest --coverage", jest),
        (CommandKind.LINT, "eslint .", eslint),
        (CommandKind.TYPES, "tsc --noEmit", folder.has("tsconfig.json")),
        (CommandKind.BENCHMARK, "vitest bench", timed),
    ]
    source = "package.json or config"
    found = [ProjectCommand(kind, run + text, source, needs=needs) for kind, text, seen in rows if seen]
    plain = _node_tests(folder) and not words & {"jest", "vitest", "mocha", "ava", "tape", "tap", "uvu"}
    return (*found, *([ProjectCommand(CommandKind.TEST, "node --test", source)] if plain else []))


def _is_published(manifest: Mapping[str, Any]) -> bool:
    return (
        not manifest.get("private")
        and bool(manifest.get("name"))
        and bool({"main", "module", "exports", "files", "bin", "browser"} & manifest.keys())
    )


def _ships_code(manifest: Mapping[str, Any], folder: Folder) -> bool:
    """Tell whether tracked code is in the package as it stands, and is what it runs; else nothing that is edited makes it smaller."""
    named = [name.removeprefix("./") for key in ("main", "module") if isinstance(name := manifest.get(key), str)]
    entries = [{name, f"{name}.js", f"{name}/index.js"} & folder.files for name in named]
    if not all(entries):
        return False
    code = [name for name in folder.files if re.search(r"(?<!\.d)\.[cm]?[jt]sx?$", name)]
    listed = manifest.get("files")
    globs = [str(one).removeprefix("./").rstrip("/*") for one in listed] if isinstance(listed, list) else [""]
    packed = Scope([wanted for glob in globs for wanted in (glob, f"{glob}/**" if glob else "**") if wanted])
    return any(entries) or any(map(packed.matches, code))


def _entry(name: str, manifest: Mapping[str, Any]) -> bool:
    """Tell whether a file that a script names is the program itself: what it builds from, or what it ships."""
    return name.startswith(("src/", "lib/")) or name in {
        str(manifest.get(key, "")).removeprefix("./") for key in ("main", "module", "source", "browser")
    }


def _node_manager(folder: Folder, manifest: Mapping[str, Any]) -> str:
    wished = str(manifest.get("packageManager", "")).split("@")[0]
    locked = next((name for name, lock in _NODE_MANAGERS if folder.locked(lock)), "npm")
    return wished if wished in {"npm", "pnpm", "yarn", "bun"} else locked


def _node_tests(folder: Folder) -> bool:
    return any(re.search(r"(^|/)test/[^/]+\.[cm]?js$|[.-]test\.[cm]?js$", name) for name in folder.files)


_BUNDLERS = {"next": ".next/static", "react-scripts": "build", "vite": "dist", "webpack": "dist", "tsup": "dist",
             "rollup": "dist", "parcel": "dist", "rspack": "dist", "ng": "dist", "astro": "dist"}  # fmt: skip


def _node_outputs(build: str, folder: Folder) -> tuple[str, ...]:
    named = re.search(r"(?i)--?(?:outdir|out-dir|outfile|dist-dir|output-path|dir|file|o)[= ]['\"]?([\w./-]+)", build)
    if named and named[1] not in {".", "./", "/"} and ".." not in named[1]:
        return (named[1].removeprefix("./").rstrip("/"),)
    return tuple({output: None for tool, output in _BUNDLERS.items() if re.search(rf"\b{tool}\b", build)})[:1]
