from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

from autoresearch_mcp.tools.project.folders import CommandKind, Language
from autoresearch_mcp.tools.project.projects import Project, manifests, recognise
from autoresearch_mcp.tools.project.scan import DeviceKind, devices, missing_tools, nvidia_device, scan

PYPROJECT = """
[project]
name = "shop"
dependencies = ["httpx"]
[dependency-groups]
dev = ["pytest>=9", "pytest-cov", "ruff>=0.15", "mypy"]
[tool.mypy]
strict = true
"""
PACKAGE = json.dumps(
    {
        "name": "web",
        "scripts": {"test": "vitest run", "build": "tsc && vite build", "lint": "eslint src"},
        "devDependencies": {"vitest": "^3", "eslint": "^9", "typescript": "^5", "vite": "^7"},
    }
)

# what lies in the repository, its manifests, then: languages, package managers, some commands, a source and a test glob
CASES = {
    "python with uv": (
        {"pyproject.toml": PYPROJECT, "uv.lock": "", "src/shop/cart.py": "", "tests/test_cart.py": ""},
        (Language.PYTHON,),
        ("uv",),
        {"uv run pytest -q", "uv run pytest -q --cov", "uv run ruff check --no-fix .", "uv run mypy ."},
        "src/**/*.py",
        "tests/**",
    ),
    "python with poetry": (
        {"pyproject.toml": "[tool.poetry]\nname='a'\n[tool.pytest.ini_options]\n", "a/x.py": "", "a/test_x.py": ""},
        (Language.PYTHON,),
        ("poetry",),
        {"poetry run pytest -q"},
        "a/**/*.py",
        "**/test_*.py",
    ),
    "python with tox and pip": (
        {"setup.py": "", "tox.ini": "[testenv]\ndeps = pytest\n", "requirements.txt": "flake8\n", "a.py": ""},
        (Language.PYTHON,),
        ("pip", "tox"),
        {"tox -q", "python -m flake8 ."},
        "*.py",
        None,
    ),
    "typescript with pnpm and vite": (
        {"package.json": PACKAGE, "pnpm-lock.yaml": "", "tsconfig.json": "{}", "src/a.ts": "", "src/a.test.ts": ""},
        (Language.TYPESCRIPT,),
        ("pnpm",),
        {"pnpm run test", "pnpm exec vitest run", "pnpm exec eslint .", "pnpm exec tsc --noEmit", "pnpm run build"},
        "src/**/*.ts",
        "**/*.test.{js,jsx,mjs,cjs,ts,tsx,mts,cts}",
    ),
    "javascript with yarn and jest": (
        {
            "package.json": json.dumps({"packageManager": "yarn@4.1.0", "devDependencies": {"jest": "^30"}}),
            "lib/a.js": "",
            "__tests__/a.js": "",
        },
        (Language.JAVASCRIPT,),
        ("yarn",),
        {"npx --no-install jest"},
        "lib/**/*.js",
        "**/__tests__/**",
    ),
    "go": (
        {"go.mod": "module x\n", "main.go": "", "pkg/a.go": "", "pkg/a_test.go": "", ".golangci.yml": ""},
        (Language.GO,),
        ("go",),
        {"go test ./...", "golangci-lint run", "go vet ./...", "go build ./...", "go test -run '^$' -bench . ./..."},
        "pkg/**/*.go",
        "**/*_test.go",
    ),
    "rust": (
        {"Cargo.toml": "[package]\nname = 'calc'\n", "src/main.rs": "", "tests/it.rs": ""},
        (Language.RUST,),
        ("cargo",),
        {"cargo test", "cargo clippy --all-targets", "cargo build --release"},
        "src/**/*.rs",
        "tests/**",
    ),
    "java with maven": (
        {"pom.xml": "<project/>", "src/main/java/A.java": "", "src/test/java/ATest.java": ""},
        (Language.JAVA,),
        ("maven",),
        {"mvn -B test", "mvn -B -DskipTests package"},
        "src/**/*.java",
        "**/src/test/**",
    ),
    "gradle modules below one settings file": (
        {"settings.gradle": "", "gradlew": "", "app/build.gradle": "", "app/src/main/java/A.java": ""},
        (Language.JAVA,),
        ("gradle",),
        {"./gradlew cleanTest test", "./gradlew assemble"},
        "app/**/*.java",
        None,
    ),
    ".net": (
        {
            "Shop.sln": "",
            "Shop/Shop.csproj": "<Project/>",
            "Shop/Cart.cs": "",
            "Shop.Tests/Shop.Tests.csproj": '<PackageReference Include="Microsoft.NET.Test.Sdk" />',
            "Shop.Tests/CartTests.cs": "",
        },
        (Language.CSHARP,),
        ("dotnet",),
        {"dotnet test", "dotnet build --no-incremental"},
        "Shop/**/*.cs",
        "**/*{Test,Tests}/**",
    ),
    "c with cmake": (
        {"CMakeLists.txt": "enable_testing()\nadd_executable(app main.c)\n", "main.c": "", "lib/CMakeLists.txt": ""},
        (Language.C,),
        ("cmake",),
        {"cmake -S . -B build && cmake --build build && ctest --test-dir build --output-on-failure"},
        "*.c",
        None,
    ),
    "c++ with make": (
        {"Makefile": "app: a.cpp\n\tg++ a.cpp -o app\ncheck: app\n\t./app\nbench:\n\t./app\n", "a.cpp": ""},
        (Language.CPP,),
        ("make",),
        {"make -B", "make check", "make bench"},
        "*.cpp",
        None,
    ),
    "ruby": (
        {"Gemfile": "gem 'rspec'\ngem 'rubocop'\n", "lib/a.rb": "", "spec/a_spec.rb": ""},
        (Language.RUBY,),
        ("bundler",),
        {"bundle exec rspec", "bundle exec rubocop"},
        "lib/**/*.rb",
        "spec/**",
    ),
    "php": (
        {
            "composer.json": json.dumps({"require-dev": {"phpunit/phpunit": "^12", "phpstan/phpstan": "^2"}}),
            "src/A.php": "",
            "tests/ATest.php": "",
        },
        (Language.PHP,),
        ("composer",),
        {"vendor/bin/phpunit", "vendor/bin/phpstan analyse"},
        "src/**/*.php",
        "tests/**",
    ),
    "notebooks": (
        {"study/a b.ipynb": "{}"},
        (Language.NOTEBOOK,),
        (),
        {"jupyter nbconvert --to notebook --execute --stdout 'study/a b.ipynb' > /dev/null"},
        "**/*.ipynb",
        None,
    ),
    "plain content": ({"README.md": "", "posts/a.md": ""}, (Language.MARKDOWN,), (), set(), "**/*.md", None),
    "loose scripts": ({"tool.py": ""}, (Language.PYTHON,), ("pip",), set(), "*.py", None),
}


def only(files: dict[str, str]) -> Project:
    (project,) = recognise(tuple(files), files)
    return project


@pytest.mark.parametrize("name", CASES)
def test_a_project_is_known_by_its_files(name: str) -> None:
    files, languages, managers, commands, source, tests = CASES[name]

    project = only(files)

    assert project.root == ""
    assert project.languages == languages
    assert project.package_managers == managers
    assert commands <= {command.text for command in project.commands}
    assert source in project.sources
    assert project.tests == (() if tests is None else (tests,))


def test_a_monorepo_gives_one_project_a_folder_and_kind() -> None:
    files = {
        "package.json": json.dumps({"workspaces": ["packages/*"]}),
        "pnpm-lock.yaml": "",
        "uv.lock": "",
        "packages/app/package.json": PACKAGE,
        "packages/app/src/main.ts": "",
        "api/pyproject.toml": PYPROJECT,
        "api/shop.py": "",
        "api/tests/test_shop.py": "",
        "core/go.mod": "module core\n",
        "core/a.go": "",
        "README.md": "",
    }
    found = recognise(tuple(files), files)

    assert [(project.root, project.languages[0]) for project in found] == [
        ("", Language.JAVASCRIPT),
        ("", Language.MARKDOWN),
        ("api", Language.PYTHON),
        ("core", Language.GO),
        ("packages/app", Language.TYPESCRIPT),
    ]
    api, app = found[2], found[4]
    assert api.sources == ("api/*.py",)
    assert api.tests == ("api/tests/**",)
    assert api.package_managers == ("uv",), "the lock file of the workspace speaks for its packages"
    assert app.package_managers == ("pnpm",)


def test_a_deeper_project_owns_its_files() -> None:
    files = {"pyproject.toml": PYPROJECT, "a/x.py": "", "plugins/p/pyproject.toml": PYPROJECT, "plugins/p/y.py": ""}

    outer, inner = recognise(tuple(files), files)

    assert outer.sources == ("a/**/*.py",)
    assert inner.sources == ("plugins/p/*.py",)


def test_requirements_in_a_folder_of_a_project_are_no_project() -> None:
    files = {"pyproject.toml": PYPROJECT, "a.py": "", "docs/requirements.txt": "sphinx", "docs/conf.py": ""}

    assert [project.root for project in recognise(tuple(files), files)] == [""]


def test_projects_in_test_data_are_not_projects_of_the_repository() -> None:
    files = {"go.mod": "module x\n", "a.go": "", "testdata/b/go.mod": "", "node_modules/c/package.json": "{}"}

    assert [project.root for project in recognise(tuple(files), files)] == [""]


def test_a_makefile_alone_does_not_make_a_c_project() -> None:
    files = {"Makefile": "test:\n\ttrue\n", "README.md": ""}

    assert [project.languages for project in recognise(tuple(files), files)] == [(Language.MARKDOWN,)]


def test_targets_of_a_makefile_are_commands_of_the_project_beside_it() -> None:
    project = only({"pyproject.toml": "", "a.py": "", "Makefile": "VERSION := 1\nlint: a.py\n\t./lint.sh\n"})

    assert [(c.kind, c.text, c.source) for c in project.commands] == [(CommandKind.LINT, "make lint", "Makefile")]


def test_a_test_script_that_npm_wrote_is_no_test() -> None:
    script = 'echo "Error: no test specified" && exit 1'
    project = only({"package.json": json.dumps({"scripts": {"test": script}}), "a.js": ""})

    assert project.of_kind(CommandKind.TEST) == ()


@pytest.mark.parametrize(
    ("script", "output"),
    [
        ("vite build", ("dist",)),
        ("next build", (".next/static",)),
        ("react-scripts build", ("build",)),
        ("vite build --outDir public/js", ("public/js",)),
        ("esbuild src/a.js --bundle --outfile=out/a.js", ("out/a.js",)),
        ("esbuild a.js --outdir=..", ()),
        ("node scripts/make.js", ()),
    ],
)
def test_the_output_folder_of_a_bundle_is_told_from_the_build_script(script: str, output: tuple[str, ...]) -> None:
    assert only({"package.json": json.dumps({"scripts": {"build": script}}), "a.js": ""}).outputs == output


@pytest.mark.parametrize(("name", "text"), [("package.json", "{"), ("pyproject.toml", "a ="), ("Cargo.toml", "[[")])
def test_a_broken_manifest_is_a_warning(name: str, text: str) -> None:
    project = only({name: text})

    assert project.warnings[0].startswith(f"{name} cannot be read")


def test_tests_beside_sources_are_taken_out_of_the_sources() -> None:
    project = only({"go.mod": "", "a/x.go": "", "a/x_test.go": ""})

    assert project.sources == ("a/**/*.go", "!**/*_test.go")


def test_a_sub_projects_globs_are_anchored_at_the_root() -> None:
    project = only({"go/core/go.mod": "", "go/core/a/x.go": "", "go/core/a/x_test.go": ""})

    assert project.sources == ("go/core/a/**/*.go", "!go/core/**/*_test.go")
    assert "go/core/go.mod" in project.fixed


def test_scan_reads_manifests_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_bytes(b"# caf\xe9\n")
    (tmp_path / "a.py").write_text("secret", encoding="utf-8")

    assert scan(tmp_path, ["pyproject.toml", "a.py", "gone/package.json"]) == {"pyproject.toml": "# caf\ufffd\n"}


def test_scan_neither_leaves_the_root_nor_reads_huge_or_special_files(tmp_path: Path) -> None:
    root = tmp_path / "root"
    for folder in ("linked", "huge", "pipe"):
        (root / folder).mkdir(parents=True)
    (tmp_path / "outside.json").write_text("{}", encoding="utf-8")
    (root / "linked/package.json").symlink_to(tmp_path / "outside.json")
    (root / "huge/package.json").write_text(" " * 600_000, encoding="utf-8")
    os.mkfifo(root / "pipe/package.json")

    assert scan(root, ["linked/package.json", "huge/package.json", "pipe/package.json"]) == {}


def test_manifests_near_the_root_come_first() -> None:
    assert manifests(["z/y/package.json", "a/go.mod", "setup.cfg", "a/x.go"]) == (
        "setup.cfg",
        "a/go.mod",
        "z/y/package.json",
    )


def test_the_processor_is_a_device() -> None:
    cpu = devices()[0]

    assert cpu.kind is DeviceKind.CPU
    assert cpu.name
    assert cpu.cores >= 1
    assert cpu.memory_bytes > 2**20


def test_a_gpu_is_read_from_a_line_of_nvidia_smi() -> None:
    device = nvidia_device("NVIDIA H200, 143771 MiB, 550.54.15")

    assert device is not None
    assert (device.kind, device.name, device.memory_bytes) == (DeviceKind.CUDA, "NVIDIA H200", 143771 * 2**20)
    assert nvidia_device("No devices were found") is None


def test_missing_tools_are_those_that_start_a_step_and_are_not_there() -> None:
    commands = [
        f"cd sub && {os.path.basename(sys.executable)} -m x",
        "A=1 no-such-tool-1 --flag no-such-argument",
        "out=$({ no-such-tool-2 x; } 2>&1); echo no-such-argument | no-such-tool-3 'a | no-such-argument'",
        "vendor/bin/no-such-script && no-such-tool-1",
        "if no-such-tool-4; then true; fi",
    ]

    assert missing_tools(commands) == ("no-such-tool-1", "no-such-tool-2", "no-such-tool-3", "no-such-tool-4")
