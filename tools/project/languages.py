"""Which commands a project offers in each language that we know: one function a kind of project."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from typing import Any

from .folders import MAKEFILES, CommandKind, Folder, FolderFinding, ProjectCommand, command_list, table_of, within


def find_go(folder: Folder) -> FolderFinding:
    """Go: the toolchain brings everything but golangci-lint."""
    tested = "go.mod" if folder.ending("_test.go") else ""
    rows = [
        (CommandKind.TEST, "go test ./...", tested),
        (CommandKind.COVERAGE, "go test -cover ./...", tested),
        (CommandKind.LINT, "golangci-lint run", folder.has(".golangci.yml", ".golangci.yaml", ".golangci.toml")),
        (CommandKind.LINT, "go vet ./...", "go.mod"),
        (CommandKind.BUILD, "go build ./...", "go.mod"),
        (CommandKind.BENCHMARK, "go test -run '^$' -bench . ./...", tested),
        (CommandKind.RUN, "go run .", folder.has("main.go")),
    ]
    return FolderFinding(("go",), command_list(rows))


def find_rust(folder: Folder) -> FolderFinding:
    """Rust: Cargo brings tests and clippy; the release binary is the output."""
    manifest, warnings = table_of(folder, "Cargo.toml")
    everything = " --workspace" if "workspace" in manifest else ""
    name = within(manifest, "package").get("name", "")
    outputs = (f"target/release/{name}",) if name and "src/main.rs" in folder.files else ()
    benches = any(file.startswith("benches/") for file in folder.files) or "bench" in manifest
    rows = [
        (CommandKind.TEST, f"cargo test{everything}", "Cargo.toml"),
        (CommandKind.LINT, f"cargo clippy{everything} --all-targets", "Cargo.toml"),
        (CommandKind.BUILD, f"cargo build --release{everything}", "Cargo.toml"),
        (CommandKind.BENCHMARK, "cargo bench", "Cargo.toml" if benches else ""),
        (CommandKind.RUN, f"./{outputs[0]}" if outputs else "", "Cargo.toml" if outputs else ""),
    ]
    return FolderFinding(("cargo",), command_list(rows), outputs, warnings)


def find_java(folder: Folder) -> FolderFinding:
    """Java and Kotlin: Maven or Gradle, through the wrapper where there is one."""
    maven = folder.has("pom.xml")
    gradle = folder.has("build.gradle", "build.gradle.kts", "settings.gradle", "settings.gradle.kts")
    mvn = "./mvnw" if folder.has("mvnw") else "mvn"
    wrapper = "./gradlew" if folder.has("gradlew") else "gradle"
    rows = [
        (CommandKind.TEST, f"{mvn} -B test", maven),
        (CommandKind.BUILD, f"{mvn} -B -DskipTests package", maven),
        (
            CommandKind.LINT,
            f"{mvn} -B checkstyle:check",
            maven if "maven-checkstyle-plugin" in folder.text("pom.xml") else "",
        ),
        (CommandKind.TEST, f"{wrapper} cleanTest test", gradle),
        (CommandKind.BUILD, f"{wrapper} assemble", gradle),
        (CommandKind.BENCHMARK, f"{wrapper} jmh", gradle if "me.champeau.jmh" in folder.all_text else ""),
    ]
    return FolderFinding((*(["maven"] if maven else []), *(["gradle"] if gradle else [])), command_list(rows))


def find_dotnet(folder: Folder) -> FolderFinding:
    """.NET: the `dotnet` command; a solution or project file is the manifest."""
    manifest = next(iter(folder.ending(".sln") + folder.ending("proj")), "")
    tested = manifest if "Microsoft.NET.Test.Sdk" in folder.all_text else ""
    rows = [
        (CommandKind.TEST, "dotnet test", tested),
        (CommandKind.BUILD, "dotnet build --no-incremental", manifest),
        (CommandKind.LINT, "dotnet format --verify-no-changes", folder.has(".editorconfig") and manifest),
    ]
    return FolderFinding(("dotnet",), command_list(rows))


_CMAKE = "cmake -S . -B build && cmake --build build"


def find_c(folder: Folder) -> FolderFinding:
    """C and C++: CMake (out of source, in `build/`), else a makefile, of which targets are known for what they are."""
    cmake, make = folder.has("CMakeLists.txt"), folder.has(*MAKEFILES)
    text = folder.text("CMakeLists.txt")
    tested = "CMakeLists.txt" if re.search(r"\b(enable_testing|add_test|include\s*\(\s*CTest)\b", text) else ""
    outputs = _cmake_outputs(text) if cmake else _make_outputs(folder.text(make))
    rows = [
        (CommandKind.TEST, f"{_CMAKE} && ctest --test-dir build --output-on-failure", tested),
        (CommandKind.BUILD, _CMAKE, cmake),
        (CommandKind.BUILD, "make -B", "" if cmake else make),
        (CommandKind.RUN, f"./{outputs[0]}" if outputs else "", (cmake or make) if outputs else ""),
    ]
    managers = (*(["cmake"] if cmake else []), *(["make"] if make else []))
    return FolderFinding(managers, command_list(rows), outputs)


def _cmake_outputs(text: str) -> tuple[str, ...]:
    named = re.search(r"^\s*add_executable\s*\(\s*([\w.-]+)", text, re.MULTILINE)
    return (f"build/{named[1]}",) if named else ()


def _make_outputs(text: str) -> tuple[str, ...]:
    """Find the program that a makefile links: a variable with a telling name, else the first `-o name` that is no object."""
    named = re.search(
        r"^(?:TARGET|PROGRAM|PROG|BIN|EXE|EXECUTABLE)[ \t]*[:?]?=[ \t]*([\w./-]+)[ \t]*$", text, re.MULTILINE
    )
    linked = (name for name in re.findall(r"^\t.*\s-o[ \t]*([\w./-]+)", text, re.MULTILINE) if not name.endswith(".o"))
    rule = re.search(r"^([\w./-]+)[ \t]*:(?!=).*\n\t.*-o[ \t]*\$@", text, re.MULTILINE)
    found = named[1] if named else next(linked, rule[1] if rule else "")
    return (found,) if found and not found.startswith(("/", "..")) and not found.endswith(".o") else ()


def find_python(folder: Folder) -> FolderFinding:
    """Python: who starts its tools, and which of pytest, coverage, ruff, flake8, mypy, pyright it names."""
    manifest, warnings = table_of(folder, "pyproject.toml")
    tool = within(manifest, "tool")
    managers, prefix = _python_managers(folder, tool)
    tested = any(re.search(r"(^|/)(test_[^/]*|[^/]*_test|conftest)\.py$", name) for name in folder.files)
    pytest = folder.has("pytest.ini") or _named(folder, "pytest")
    if tested and not pytest:
        warnings += ("There are tests, but no manifest names a runner; pytest is assumed.",)
    mypy = "mypy" if within(tool, "mypy").keys() & {"files", "packages", "modules"} else "mypy ."
    rows = [
        (CommandKind.TEST, f"{prefix}pytest -q", pytest or ("test files" if tested else "")),
        (CommandKind.COVERAGE, f"{prefix}pytest -q --cov", _named(folder, "pytest-cov")),
        (
            CommandKind.COVERAGE,
            f"{prefix}coverage run -m pytest -q",
            folder.has(".coveragerc") or _named(folder, "coverage"),
        ),
        (CommandKind.LINT, f"{prefix}ruff check .", folder.has("ruff.toml", ".ruff.toml") or _named(folder, "ruff")),
        (CommandKind.LINT, f"{prefix}flake8 .", folder.has(".flake8") or _named(folder, "flake8")),
        (CommandKind.TYPES, prefix + mypy, folder.has("mypy.ini", ".mypy.ini") or _named(folder, "mypy")),
        (CommandKind.TYPES, f"{prefix}pyright", folder.has("pyrightconfig.json") or _named(folder, "pyright")),
        (CommandKind.TEST, "tox -q", folder.has("tox.ini") or ("pyproject.toml" if "tox" in tool else "")),
        (CommandKind.BENCHMARK, f"{prefix}pytest -q --benchmark-only", _named(folder, "pytest-benchmark")),
        *((CommandKind.BENCHMARK, _script(prefix, name), name) for name in sorted(folder.files) if _is_benchmark(name)),
        *(
            (CommandKind.RUN, _script(prefix, name), name)
            for name in ("main.py", "src/main.py")
            if name in folder.files
        ),
    ]
    return FolderFinding(managers, command_list(rows), (), warnings)


_PYTHON_MANAGERS = (("uv", "uv.lock"), ("poetry", "poetry.lock"), ("pdm", "pdm.lock"), ("pipenv", "Pipfile"))


def _python_managers(folder: Folder, tool: Mapping[str, Any]) -> tuple[tuple[str, ...], str]:
    found = tuple(name for name, lock in _PYTHON_MANAGERS if name in tool or folder.locked(lock))
    extra = ("tox",) if folder.has("tox.ini") or "tox" in tool else ()
    return ((*found, *extra), f"{found[0]} run ") if found else (("pip", *extra), "python -m ")


def _script(prefix: str, name: str) -> str:
    return f"{'python' if prefix == 'python -m ' else prefix + 'python'} {name}"


def _is_benchmark(name: str) -> bool:
    return re.fullmatch(r"(benchmarks?/)?bench(mark)?(_\w+)?\.py", name) is not None


def _named(folder: Folder, tool: str) -> str:
    pattern = re.compile(rf"(?<![\w-]){re.escape(tool)}(?![\w-])")
    return next((name for name, text in sorted(folder.texts.items()) if pattern.search(text)), "")


_NODE_KINDS = {
    "test": CommandKind.TEST, "test:unit": CommandKind.TEST, "lint": CommandKind.LINT, "typecheck": CommandKind.TYPES, "type-check": CommandKind.TYPES,
    "types": CommandKind.TYPES, "build": CommandKind.BUILD, "coverage": CommandKind.COVERAGE, "test:coverage": CommandKind.COVERAGE,
    "bench": CommandKind.BENCHMARK, "benchmark": CommandKind.BENCHMARK,
}  # fmt: skip
_NODE_MANAGERS = (
    ("pnpm", "pnpm-lock.yaml"), ("yarn", "yarn.lock"), ("bun", "bun.lock"), ("bun", "bun.lockb"),
    ("npm", "package-lock.json"),
)  # fmt: skip


def find_node(folder: Folder) -> FolderFinding:
    """JavaScript and TypeScript: the scripts of package.json, and the tools that it names or that are configured."""
    manifest, warnings = table_of(folder, "package.json")
    manager = _node_manager(folder, manifest)
    run = {"pnpm": "pnpm exec ", "bun": "bunx --no-install "}.get(manager, "npx --no-install ")
    scripts = {name: text for name, text in within(manifest, "scripts").items() if isinstance(text, str)}
    named = {*scripts.values(), *within(manifest, "devDependencies"), *within(manifest, "dependencies")}
    words = set(re.findall(r"[@\w/-]+", " ".join(named)))
    configured = {name.split("/")[-1].split(".")[0] for name in folder.files if "/" not in name and ".config." in name}
    offered = [
        ProjectCommand(_NODE_KINDS[name], f"{manager} run {name}", "package.json", text)
        for name, text in scripts.items()
        if name in _NODE_KINDS and "no test specified" not in text
    ]
    eslint = "eslint" in words | configured or folder.has(
        ".eslintrc.json", ".eslintrc.js", ".eslintrc.cjs", ".eslintrc"
    )
    tools = [
        (CommandKind.TEST, f"{run}vitest run", "vitest" in words | configured),
        (CommandKind.TEST, f"{run}jest", "jest" in words | configured),
        (CommandKind.TEST, "node --test", _node_tests(folder) and not words & {"jest", "vitest", "mocha", "ava"}),
        (CommandKind.LINT, f"{run}eslint .", eslint),
        (CommandKind.TYPES, f"{run}tsc --noEmit", folder.has("tsconfig.json")),
        (CommandKind.RUN, "node main.js", folder.has("main.js")),
    ]
    rows = [(kind, text, "package.json or config") for kind, text, found in tools if found]
    return FolderFinding(
        (manager,), (*offered, *command_list(rows)), _node_outputs(scripts.get("build", ""), folder), warnings
    )


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


def find_ruby(folder: Folder) -> FolderFinding:
    """Ruby: Bundler, RSpec or Rake, RuboCop."""
    gemfile = folder.has("Gemfile")
    run = "bundle exec " if gemfile else ""
    rspec = folder.has(".rspec") or _named(folder, "rspec") or _named(folder, "rspec-rails")
    rows = [
        (CommandKind.TEST, f"{run}rspec", rspec),
        (CommandKind.TEST, f"{run}rake test", folder.has("Rakefile") if not rspec else ""),
        (CommandKind.COVERAGE, f"{run}rspec", rspec if _named(folder, "simplecov") else ""),
        (CommandKind.LINT, f"{run}rubocop", folder.has(".rubocop.yml") or _named(folder, "rubocop")),
    ]
    return FolderFinding(("bundler",) if gemfile else ("gem",), command_list(rows))


def find_php(folder: Folder) -> FolderFinding:
    """PHP: Composer, PHPUnit or Pest, PHPStan, PHP_CodeSniffer."""
    manifest, warnings = table_of(folder, "composer.json")
    named = {name: "composer.json" for name in (*within(manifest, "require-dev"), *within(manifest, "require"))}
    unit = folder.has("phpunit.xml", "phpunit.xml.dist") or named.get("phpunit/phpunit", "")
    stan = folder.has("phpstan.neon", "phpstan.neon.dist") or named.get("phpstan/phpstan", "")
    rows = [
        (CommandKind.TEST, "vendor/bin/pest", named.get("pestphp/pest", "")),
        (CommandKind.TEST, "vendor/bin/phpunit", unit),
        (CommandKind.TYPES, "vendor/bin/phpstan analyse", stan),
        (CommandKind.LINT, "vendor/bin/phpcs", folder.has("phpcs.xml") or named.get("squizlabs/php_codesniffer", "")),
    ]
    return FolderFinding(("composer",), command_list(rows), (), warnings)


def find_notebooks(folder: Folder) -> FolderFinding:
    """Notebooks: each can be run from top to bottom."""
    rows = [
        (CommandKind.RUN, f"jupyter nbconvert --to notebook --execute --stdout {shlex.quote(name)} > /dev/null", name)
        for name in folder.ending(".ipynb")[:20]
    ]
    return FolderFinding(commands=command_list(rows))


def find_content(_folder: Folder) -> FolderFinding:
    """Plain content has no commands of its own."""
    return FolderFinding()
