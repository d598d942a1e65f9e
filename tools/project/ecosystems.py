"""The kinds of project that we know: a new kind is one row here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from .folders import MAKEFILES, Folder, FolderFinding, Language
from .languages import (
    find_c,
    find_content,
    find_dotnet,
    find_go,
    find_java,
    find_notebooks,
    find_php,
    find_ruby,
    find_rust,
)
from .scripting import find_node, find_python

_TEST_FOLDERS = ("tests/**", "test/**", "**/tests/**", "**/test/**")


@dataclass(frozen=True)
class Ecosystem:
    """One kind of project.

    `markers` and `fixed` are shell patterns for a base name: a file that makes its folder a project, a manifest or
    configuration that plans protect. A weak marker counts only with source files below and no such project above, and so
    does a marker below another project whose text has nothing of `owns`. `tests` are globs relative to the project.
    """

    languages: Mapping[str, Language]
    find: Callable[[Folder], FolderFinding]
    markers: tuple[str, ...] = ()
    weak_markers: tuple[str, ...] = ()
    fixed: tuple[str, ...] = ()
    owns: str = ""
    tests: tuple[str, ...] = _TEST_FOLDERS
    nests: bool = True
    everywhere: bool = False


_C = {".c": Language.C, ".h": Language.C}
_CPP = dict.fromkeys((".cc", ".cpp", ".cxx", ".hpp", ".hh"), Language.CPP)
_JAVASCRIPT = dict.fromkeys((".js", ".jsx", ".mjs", ".cjs", ".vue", ".svelte"), Language.JAVASCRIPT)
_TYPESCRIPT = dict.fromkeys((".ts", ".tsx", ".mts", ".cts"), Language.TYPESCRIPT)

ECOSYSTEMS = (
    Ecosystem(
        {".py": Language.PYTHON},
        find_python,
        markers=("pyproject.toml", "setup.py"),
        weak_markers=("setup.cfg", "tox.ini", "Pipfile", "requirements*.txt"),
        fixed=("noxfile.py", "conftest.py", "uv.lock", "poetry.lock", ".coveragerc", "pytest.ini", "*ruff.toml", "*mypy.ini", ".flake8"),
        tests=(*_TEST_FOLDERS, "**/test_*.py", "**/*_test.py"),
    ),
    Ecosystem(
        _JAVASCRIPT | _TYPESCRIPT,
        find_node,
        markers=("package.json",),
        owns=r'"(scripts|dependencies|devDependencies|version|workspaces)"',
        fixed=("package-lock.json", "pnpm-lock.yaml", "yarn.lock", "tsconfig*.json", ".eslintrc*", ".babelrc*", "*.config.*"),
        tests=(*_TEST_FOLDERS, "test-d/**", "**/__tests__/**", *(f"**/*.{word}.{{js,jsx,mjs,cjs,ts,tsx,mts,cts}}" for word in ("test", "spec", "test-d"))),
    ),
    Ecosystem(
        {".go": Language.GO},
        find_go,
        markers=("go.mod",),
        fixed=("go.sum", ".golangci.*"),
        tests=("**/*_test.go", "**/testdata/**"),
    ),
    Ecosystem(
        {".rs": Language.RUST},
        find_rust,
        markers=("Cargo.toml",),
        fixed=("Cargo.lock", "clippy.toml", ".clippy.toml"),
        tests=("tests/**", "**/tests.rs"),
    ),
    Ecosystem(
        {".java": Language.JAVA, ".kt": Language.KOTLIN},
        find_java,
        markers=("pom.xml", "build.gradle", "build.gradle.kts"),
        weak_markers=("settings.gradle", "settings.gradle.kts"),
        fixed=("gradle.properties", "mvnw", "gradlew"),
        tests=("**/src/test/**", "**/*Test.java", "**/*Test.kt"),
        nests=False,
    ),
    Ecosystem(
        {".cs": Language.CSHARP, ".fs": Language.FSHARP},
        find_dotnet,
        markers=("*.sln", "*.csproj", "*.fsproj"),
        fixed=("Directory.Build.props", "global.json", ".editorconfig"),
        tests=("**/*{Test,Tests}/**", "**/*{Test,Tests}.cs", *_TEST_FOLDERS),
        nests=False,
    ),
    Ecosystem(
        _C | _CPP,
        find_c,
        markers=("CMakeLists.txt",),
        weak_markers=MAKEFILES,
        tests=(*_TEST_FOLDERS, "**/test_*.{c,cc,cpp,cxx}", "**/*_test.{c,cc,cpp,cxx}"),
        nests=False,
    ),
    Ecosystem(
        {".rb": Language.RUBY},
        find_ruby,
        markers=("Gemfile", "*.gemspec"),
        weak_markers=("Rakefile",),
        fixed=("Gemfile.lock", ".rubocop.yml", ".rspec"),
        tests=("spec/**", *_TEST_FOLDERS),
    ),
    Ecosystem(
        {".php": Language.PHP},
        find_php,
        markers=("composer.json",),
        weak_markers=("phpunit.xml", "phpunit.xml.dist"),
        fixed=("composer.lock", "phpstan.neon*", "phpcs.xml*"),
        tests=(*_TEST_FOLDERS, "**/*Test.php"),
    ),
    Ecosystem({".ipynb": Language.NOTEBOOK}, find_notebooks, fixed=("requirements*.txt",), tests=(), everywhere=True),
    Ecosystem({".md": Language.MARKDOWN, ".mdx": Language.MARKDOWN}, find_content, tests=(), everywhere=True),
)  # fmt: skip
