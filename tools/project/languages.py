"""Which commands a project offers in each language that we know: one function a kind of project. Python and Node stand apart."""

from __future__ import annotations

import re
import shlex
from dataclasses import replace
from posixpath import dirname

from . import recipes
from .folders import MAKEFILES, CommandKind, Folder, FolderFinding, command_list, table_of, within


def find_go(folder: Folder) -> FolderFinding:
    """Go: the toolchain brings everything but golangci-lint."""
    tested = "go.mod" if folder.ending("_test.go") else ""
    rows = [
        (CommandKind.TEST, "go test ./...", tested),
        (CommandKind.COVERAGE, "go test -cover ./...", tested),
        (CommandKind.LINT, "golangci-lint run", folder.has(".golangci.yml", ".golangci.yaml", ".golangci.toml")),
        (CommandKind.LINT, "go vet ./...", "go.mod"),
        (CommandKind.BUILD, "go build ./...", "go.mod"),
        (CommandKind.BENCHMARK, "go test -run '^$' -bench . ./...", tested if _go_benchmarks(folder) else ""),
    ]
    commands = sorted({dirname(name) for name in folder.files if re.fullmatch(r"(cmd/[^/]+/)?main\.go", name)})
    shipped = recipes.go_program(f"./{commands[0]}" if commands[0] else ".") if commands else ""
    return FolderFinding(("go",), command_list(rows), shipped=shipped)


def _go_benchmarks(folder: Folder) -> bool:
    start = f"{folder.root}/" if folder.root else ""
    return folder.tools.programs is None or any(start + name in folder.tools.benchmarks for name in folder.files)


def find_rust(folder: Folder) -> FolderFinding:
    """Rust: Cargo brings tests and clippy; the release binary is the output."""
    manifest, warnings = table_of(folder, "Cargo.toml")
    everything = " --workspace" if "workspace" in manifest else ""
    name = within(manifest, "package").get("name", "")
    outputs = (f"target/release/{name}",) if name and "src/main.rs" in folder.files else ()
    benches = [file[8:-3] for file in folder.ending(".rs") if re.fullmatch(r"benches/[^/]+\.rs", file)]
    named = " ".join(f"--bench {name}" for name in benches)
    criterion = f"cargo bench {named} -- --output-format bencher" if folder.naming("criterion") else ""
    rows = [
        (CommandKind.TEST, f"cargo test{everything}", "Cargo.toml"),
        (CommandKind.LINT, f"cargo clippy{everything} --all-targets", "Cargo.toml"),
        (CommandKind.BUILD, f"cargo build --release{everything}", "Cargo.toml"),
        (CommandKind.BENCHMARK, criterion or f"cargo bench {named}", "Cargo.toml" if benches else ""),
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
    jar = f"{mvn} -B -q -DskipTests clean package" if maven else f"{wrapper} clean assemble"
    shipped = recipes.jars(jar, "target" if maven else "build/libs")
    return FolderFinding(
        (*(["maven"] if maven else []), *(["gradle"] if gradle else [])), command_list(rows), shipped=shipped
    )


def find_dotnet(folder: Folder) -> FolderFinding:
    """.NET: the `dotnet` command; a solution or project file is the manifest."""
    manifest = next(iter(folder.ending(".sln") + folder.ending("proj")), "")
    tested = manifest if "Microsoft.NET.Test.Sdk" in folder.all_text else ""
    rows = [
        (CommandKind.TEST, "dotnet test", tested),
        (CommandKind.BUILD, "dotnet build --no-incremental", manifest),
        (CommandKind.LINT, "dotnet format --verify-no-changes", folder.has(".editorconfig") and manifest),
    ]
    shipped = recipes.dotnet_output() if manifest else ""
    return FolderFinding(("dotnet",), command_list(rows), shipped=shipped)


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


def find_ruby(folder: Folder) -> FolderFinding:
    """Ruby: Bundler, RSpec or Rake, RuboCop."""
    gemfile = folder.has("Gemfile")
    run = "bundle exec " if gemfile else ""
    rspec = folder.has(".rspec") or folder.naming("rspec") or folder.naming("rspec-rails")
    rows = [
        (CommandKind.TEST, f"{run}rspec", rspec),
        (CommandKind.TEST, f"{run}rake test", folder.has("Rakefile") if not rspec else ""),
        (CommandKind.COVERAGE, f"{run}rspec", rspec if folder.naming("simplecov") else ""),
        (CommandKind.LINT, f"{run}rubocop", folder.has(".rubocop.yml") or folder.naming("rubocop")),
    ]
    gemspec = next((name for name in folder.ending(".gemspec") if "/" not in name), "")
    shipped = recipes.gem(gemspec) if gemspec else ""
    return FolderFinding(("bundler",) if gemfile else ("gem",), command_list(rows), shipped=shipped)


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
    there = folder.tools.programs is None or folder.root in folder.tools.vendored
    commands = tuple(replace(one, needs="" if there else "composer install") for one in command_list(rows))
    return FolderFinding(("composer",), commands, (), warnings)


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
