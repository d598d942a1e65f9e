"""Projects in compiled languages: Go, Rust, Java and Kotlin, .NET, C and C++."""

from __future__ import annotations

import re

from .folders import MAKEFILES, Finding, Folder, Kind, command_list, table_of, within


def look_go(folder: Folder) -> Finding:
    """Go: the toolchain brings everything but golangci-lint."""
    tested = "go.mod" if folder.ending("_test.go") else ""
    rows = [
        (Kind.TEST, "go test ./...", tested),
        (Kind.COVERAGE, "go test -cover ./...", tested),
        (Kind.LINT, "golangci-lint run", folder.has(".golangci.yml", ".golangci.yaml", ".golangci.toml")),
        (Kind.LINT, "go vet ./...", "go.mod"),
        (Kind.BUILD, "go build ./...", "go.mod"),
        (Kind.BENCHMARK, "go test -run '^$' -bench . ./...", tested),
        (Kind.RUN, "go run .", folder.has("main.go")),
    ]
    return Finding(("go",), command_list(rows))


def look_rust(folder: Folder) -> Finding:
    """Rust: Cargo brings tests and clippy; the release binary is the output."""
    manifest, warnings = table_of(folder, "Cargo.toml")
    everything = " --workspace" if "workspace" in manifest else ""
    name = within(manifest, "package").get("name", "")
    outputs = (f"target/release/{name}",) if name and "src/main.rs" in folder.files else ()
    benches = any(file.startswith("benches/") for file in folder.files) or "bench" in manifest
    rows = [
        (Kind.TEST, f"cargo test{everything}", "Cargo.toml"),
        (Kind.LINT, f"cargo clippy{everything} --all-targets", "Cargo.toml"),
        (Kind.BUILD, f"cargo build --release{everything}", "Cargo.toml"),
        (Kind.BENCHMARK, "cargo bench", "Cargo.toml" if benches else ""),
        (Kind.RUN, f"./{outputs[0]}" if outputs else "", "Cargo.toml" if outputs else ""),
    ]
    return Finding(("cargo",), command_list(rows), outputs, warnings)


def look_java(folder: Folder) -> Finding:
    """Java and Kotlin: Maven or Gradle, through the wrapper where there is one."""
    maven = folder.has("pom.xml")
    gradle = folder.has("build.gradle", "build.gradle.kts", "settings.gradle", "settings.gradle.kts")
    mvn = "./mvnw" if folder.has("mvnw") else "mvn"
    wrapper = "./gradlew" if folder.has("gradlew") else "gradle"
    rows = [
        (Kind.TEST, f"{mvn} -B test", maven),
        (Kind.BUILD, f"{mvn} -B -DskipTests package", maven),
        (Kind.LINT, f"{mvn} -B checkstyle:check", maven if "maven-checkstyle-plugin" in folder.text("pom.xml") else ""),
        (Kind.TEST, f"{wrapper} cleanTest test", gradle),
        (Kind.BUILD, f"{wrapper} assemble", gradle),
        (Kind.BENCHMARK, f"{wrapper} jmh", gradle if "me.champeau.jmh" in folder.all_text else ""),
    ]
    return Finding((*(["maven"] if maven else []), *(["gradle"] if gradle else [])), command_list(rows))


def look_dotnet(folder: Folder) -> Finding:
    """.NET: the `dotnet` command; a solution or project file is the manifest."""
    manifest = next(iter(folder.ending(".sln") + folder.ending("proj")), "")
    tested = manifest if "Microsoft.NET.Test.Sdk" in folder.all_text else ""
    rows = [
        (Kind.TEST, "dotnet test", tested),
        (Kind.BUILD, "dotnet build --no-incremental", manifest),
        (Kind.LINT, "dotnet format --verify-no-changes", folder.has(".editorconfig") and manifest),
    ]
    return Finding(("dotnet",), command_list(rows))


_CMAKE = "cmake -S . -B build && cmake --build build"


def look_c(folder: Folder) -> Finding:
    """C and C++: CMake (out of source, in `build/`), else a makefile, of which targets are known for what they are."""
    cmake, make = folder.has("CMakeLists.txt"), folder.has(*MAKEFILES)
    text = folder.text("CMakeLists.txt")
    tested = "CMakeLists.txt" if re.search(r"\b(enable_testing|add_test|include\s*\(\s*CTest)\b", text) else ""
    outputs = _cmake_outputs(text) if cmake else _make_outputs(folder.text(make))
    rows = [
        (Kind.TEST, f"{_CMAKE} && ctest --test-dir build --output-on-failure", tested),
        (Kind.BUILD, _CMAKE, cmake),
        (Kind.BUILD, "make -B", "" if cmake else make),
        (Kind.RUN, f"./{outputs[0]}" if outputs else "", (cmake or make) if outputs else ""),
    ]
    managers = (*(["cmake"] if cmake else []), *(["make"] if make else []))
    return Finding(managers, command_list(rows), outputs)


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
