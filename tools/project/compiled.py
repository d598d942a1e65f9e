"""Projects in compiled languages: Go, Rust, Java and Kotlin, .NET, C and C++."""

from __future__ import annotations

import re

from .folders import MAKEFILES, CommandKind, Folder, FolderFinding, command_list, table_of, within


def look_go(folder: Folder) -> FolderFinding:
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


def look_rust(folder: Folder) -> FolderFinding:
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


def look_java(folder: Folder) -> FolderFinding:
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


def look_dotnet(folder: Folder) -> FolderFinding:
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


def look_c(folder: Folder) -> FolderFinding:
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
    """The program that a makefile links: a variable with a telling name, else the first `-o name` that is no object."""
    named = re.search(
        r"^(?:TARGET|PROGRAM|PROG|BIN|EXE|EXECUTABLE)[ \t]*[:?]?=[ \t]*([\w./-]+)[ \t]*$", text, re.MULTILINE
    )
    linked = (name for name in re.findall(r"^\t.*\s-o[ \t]*([\w./-]+)", text, re.MULTILINE) if not name.endswith(".o"))
    rule = re.search(r"^([\w./-]+)[ \t]*:(?!=).*\n\t.*-o[ \t]*\$@", text, re.MULTILINE)
    found = named[1] if named else next(linked, rule[1] if rule else "")
    return (found,) if found and not found.startswith(("/", "..")) and not found.endswith(".o") else ()
