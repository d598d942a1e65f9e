"""Layouts of projects as people have them, each with the answers that are right for goals in users' words.

A right answer is the title of a plan, or `-`: nothing measures it yet, and what to add is told.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

GOALS = (
    "make the tests faster",
    "smaller bundle",
    "raise test coverage",
    "make parsing faster",
    "we need it to use less memory",
    "better docs",
)
"""Nothing can count the last two by itself: the right answer is a script to fill in, and the workflow `learn`."""

TESTS, COVERAGE, FAST = "Faster tests", "Higher test coverage", "Faster benchmarks"
PACKAGE, BUNDLE, PROGRAM, NOTHING = "Smaller package", "Smaller bundle", "Smaller program", "-"


@dataclass(frozen=True)
class Layout:
    """The files of a project, the right answers to the first four goals, and why its plans fail where the project itself does."""

    answers: tuple[str, str, str, str]
    files: dict[str, str] = field(default_factory=dict)
    why: str = ""


_PY_TEST = "from {0} import double\n\n\ndef test_double():\n    assert double(2) == 4\n"
_PY = '"""A package."""\n\n\ndef double(number):\n    return number + number\n'
_PY_BENCH = "from {0} import double\n\n\ndef test_double_fast(benchmark):\n    assert benchmark(double, 2) == 4\n"


def _python(manifest: str, package: str = "shop", extra: dict[str, str] | None = None) -> dict[str, str]:
    name = package.rpartition("/")[2]
    return {
        "pyproject.toml": manifest,
        "README.md": "# Shop\n\nA package that doubles numbers.\n",
        f"{package}/__init__.py": _PY,
        "tests/test_shop.py": _PY_TEST.format(name),
        ".gitignore": "__pycache__/\n*.egg-info/\nbuild/\n.coverage\n.pytest_cache/\n.benchmarks/\n",
        **(extra or {}),
    }


def _project(dev: str, build: str = "setuptools", more: str = "") -> str:
    backend = {"setuptools": "setuptools.build_meta", "hatchling": "hatchling.build"}[build]
    return (
        f'[build-system]\nrequires = ["{build}"]\nbuild-backend = "{backend}"\n\n[project]\nname = "shop"\nversion = "1"\n\n'
        f'[dependency-groups]\ndev = [{dev}]\n\n[tool.pytest.ini_options]\npythonpath = ["src", "."]\n{more}'
    )


def _node(
    fields: dict[str, Any], sources: dict[str, str] | None = None, test: str = "test/add.test.js"
) -> dict[str, str]:
    return {
        "package.json": json.dumps({"name": "adder", "version": "1.0.0", **fields}, indent=2),
        "README.md": "# Adder\n\nIt adds numbers.\n",
        ".gitignore": "node_modules/\ndist/\npackage-lock.json\n",
        **(sources or {"lib/add.js": "// Adds two numbers.\nexports.add = (a, b) => a + b;\n"}),
        **({test: _NODE_TEST} if test else {}),
    }


_NODE_TEST = (
    'const test = require("node:test");\nconst assert = require("node:assert");\n\n'
    'test("adds", () => assert.equal(require("../lib/add.js").add(1, 2), 3));\n'
)
_ESM = {"src/index.js": "// Adds two numbers.\nexport const add = (a, b) => a + b;\n"}
_TS = {
    "src/index.ts": "// Adds two numbers.\nexport const add = (a: number, b: number): number => a + b;\n",
    "tsconfig.json": json.dumps(
        {
            "compilerOptions": {
                "outDir": "dist",
                "declaration": True,
                "module": "nodenext",
                "strict": True,
                "types": [],
            },
            "include": ["src"],
        }
    ),
}
_VITEST = {
    "test/add.test.ts": 'import { expect, test } from "vitest";\nimport { add } from "../src/index";\n\ntest("adds", () => expect(add(1, 2)).toBe(3));\n'
}
_GO = {
    "go.mod": "module example.org/adder\n\ngo 1.21\n",
    "add.go": "package adder\n\nfunc Add(a, b int) int { return a + b }\n",
    "add_test.go": 'package adder\n\nimport "testing"\n\nfunc TestAdd(t *testing.T) {\n\tif Add(1, 2) != 3 {\n\t\tt.Fatal()\n\t}\n}\n',
}
_RUST = {
    "Cargo.toml": '[package]\nname = "calc"\nversion = "0.1.0"\nedition = "2021"\n',
    ".gitignore": "target/\nCargo.lock\n",
}
_RUST_LIB = "/// Adds.\npub fn add(a: i32, b: i32) -> i32 {\n    a + b\n}\n\n#[cfg(test)]\nmod tests {\n    #[test]\n    fn adds() {\n        assert_eq!(super::add(1, 2), 3);\n    }\n}\n"
_C = '#include <stdio.h>\nint main(void) { puts("3"); return 0; }\n'
_POM = (
    '<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion><groupId>org.example</groupId>'
    "<artifactId>adder</artifactId><version>1</version><properties><maven.compiler.release>17</maven.compiler.release></properties>"
    "<dependencies><dependency><groupId>junit</groupId><artifactId>junit</artifactId><version>4.13.2</version><scope>test</scope></dependency>"
    "</dependencies></project>"
)
_ADDER = "public class Adder { public static int add(int a, int b) { return a + b; } }\n"
_JUNIT = (
    "import static org.junit.Assert.assertEquals;\nimport org.junit.Test;\n\n"
    "public class AdderTest {\n    @Test public void adds() { assertEquals(3, Adder.add(1, 2)); }\n}\n"
)

LAYOUTS: dict[str, Layout] = {
    "Python, src, setuptools": Layout((TESTS, PACKAGE, COVERAGE, NOTHING), _python(_project('"pytest", "pytest-cov"'), "src/shop")),
    "Python, src, not installed": Layout((TESTS, PACKAGE, NOTHING, NOTHING), _python(
        _project('"pytest"').replace('pythonpath = ["src", "."]\n', ""), "src/shop")),
    "Python, flat, setup.py": Layout((TESTS, PACKAGE, NOTHING, NOTHING), {
        "setup.py": "from setuptools import setup\n\nsetup(name='shop', version='1', packages=['shop'])\n", "shop/__init__.py": _PY,
        "tests/test_shop.py": _PY_TEST.format("shop"), "requirements-dev.txt": "pytest\n", "README.md": "# Shop\n",
        ".gitignore": "__pycache__/\n*.egg-info/\nbuild/\n"}),
    "Python, poetry": Layout((TESTS, NOTHING, COVERAGE, NOTHING), _python(
        '[tool.poetry]\nname = "shop"\nversion = "1"\n\n[tool.poetry.group.dev.dependencies]\npytest = "*"\npytest-cov = "*"\n')),
    "Python, uv": Layout((TESTS, PACKAGE, COVERAGE, NOTHING), _python(_project('"pytest", "pytest-cov"'), "src/shop", {"uv.lock": "version = 1\n"})),
    "Python, hatch": Layout((TESTS, PACKAGE, NOTHING, NOTHING), _python(_project('"pytest"', "hatchling"), "src/shop", {"hatch.toml": ""})),
    "Python, pytest-benchmark": Layout((TESTS, PACKAGE, NOTHING, FAST), _python(
        _project('"pytest", "pytest-benchmark"'), "shop", {"tests/test_speed.py": _PY_BENCH.format("shop")})),
    "Python, benchmark script": Layout((TESTS, PACKAGE, NOTHING, FAST), _python(_project('"pytest"'), "shop", {
        "benchmarks/bench_parse.py": "import sys\n\nsys.path.insert(0, '.')\nimport shop\n\nfor number in range(200_000):\n    shop.double(number)\n"})),
    "Python, scripts without tests": Layout((NOTHING, NOTHING, NOTHING, NOTHING), {"tool.py": "print(1)\n", "README.md": "# Tool\n"}),
    "Node, npm, plain": Layout((TESTS, PACKAGE, NOTHING, NOTHING), _node({"main": "lib/add.js", "scripts": {"test": "node --test"}})),
    "Node, pnpm": Layout((TESTS, PACKAGE, NOTHING, NOTHING), _node(
        {"main": "lib/add.js", "scripts": {"test": "node --test"}}) | {"pnpm-lock.yaml": "lockfileVersion: '9.0'\n"}),
    "Node, yarn, jest": Layout((TESTS, PACKAGE, COVERAGE, NOTHING), _node(
        {"main": "lib/add.js", "packageManager": "yarn@4.1.0", "scripts": {"test": "jest"}, "devDependencies": {"jest": "^29"}}, None, "") | {
        ".yarnrc.yml": "nodeLinker: node-modules\nenableImmutableInstalls: false\n",
        "test/add.test.js": 'test("adds", () => expect(require("../lib/add.js").add(1, 2)).toBe(3));\n'}),
    "Node, workspaces": Layout((f"{TESTS} in packages/adder", f"{PACKAGE} in packages/adder", NOTHING, NOTHING), {
        "package.json": json.dumps({"private": True, "workspaces": ["packages/*"], "scripts": {"test": "node --test packages/adder/test/"}}),
        **{f"packages/adder/{name}": text for name, text in _node({"main": "lib/add.js"}).items()}}),
    "Node, tsc": Layout((TESTS, PACKAGE, COVERAGE, NOTHING), _node(
        {"type": "module", "main": "./dist/index.js", "files": ["dist"], "scripts": {"build": "tsc", "test": "vitest run"},
         "devDependencies": {"typescript": "^5.6", "vitest": "^3", "@vitest/coverage-v8": "^3"}}, _TS, "") | _VITEST),
    "Node, vite application": Layout((NOTHING, BUNDLE, NOTHING, NOTHING), _node(
        {"private": True, "type": "module", "scripts": {"build": "vite build"}, "devDependencies": {"vite": "^6"}},
        {**_ESM, "index.html": '<script type="module" src="/src/index.js"></script>\n'}, "")),
    "Node, rollup library": Layout((NOTHING, PACKAGE, NOTHING, NOTHING), _node(
        {"type": "module", "module": "dist/adder.js", "files": ["dist"], "scripts": {"build": "rollup src/index.js --file dist/adder.js"},
         "devDependencies": {"rollup": "^4"}}, _ESM, "")),
    "Node, esbuild library": Layout((NOTHING, PACKAGE, NOTHING, NOTHING), _node(
        {"type": "module", "main": "dist/index.js", "files": ["dist"],
         "scripts": {"build": "esbuild src/index.js --bundle --format=esm --minify --outfile=dist/index.js"}, "devDependencies": {"esbuild": "^0.25"}}, _ESM, "")),
    "Node, microbundle": Layout((NOTHING, PACKAGE, NOTHING, NOTHING), _node(
        {"source": "src/index.js", "main": "dist/adder.js", "files": ["dist"], "scripts": {"build": "microbundle --format cjs"},
         "devDependencies": {"microbundle": "^0.15"}}, _ESM, "")),
    "Node, vitest bench": Layout((TESTS, PACKAGE, NOTHING, FAST), _node(
        {"type": "module", "main": "./dist/index.js", "files": ["dist"], "scripts": {"build": "tsc", "test": "vitest run"},
         "devDependencies": {"typescript": "^5.6", "vitest": "^3"}}, _TS, "") | _VITEST | {
        "benchmarks/add.bench.ts": 'import { bench } from "vitest";\nimport { add } from "../src/index";\n\nbench("add", () => { add(1, 2); }, { time: 100 });\n'}),
    "Node, nested package.json": Layout((TESTS, PACKAGE, NOTHING, NOTHING), _node(
        {"exports": "./src/add.mjs", "scripts": {"test": "node --test"}},
        {"src/add.mjs": "export const add = (a, b) => a + b;\n", "src/package.json": '{"type": "module"}\n'}, "") | {
        "test/add.test.mjs": 'import test from "node:test";\nimport { add } from "../src/add.mjs";\n\ntest("adds", () => { if (add(1, 2) !== 3) throw 1; });\n'}),
    "Go, library": Layout((TESTS, NOTHING, COVERAGE, FAST), _GO | {
        "bench_test.go": 'package adder\n\nimport "testing"\n\nfunc BenchmarkAdd(b *testing.B) {\n\tfor i := 0; i < b.N; i++ {\n\t\tAdd(1, 2)\n\t}\n}\n'}),
    "Go, program": Layout((TESTS, PACKAGE, COVERAGE, NOTHING), _GO | {"cmd/adder/main.go": "package main\n\nfunc main() {}\n"}),
    "Rust, library": Layout((TESTS, NOTHING, NOTHING, NOTHING), _RUST | {"src/lib.rs": _RUST_LIB}),
    "Rust, program with criterion": Layout((TESTS, PROGRAM, NOTHING, FAST), _RUST | {
        "Cargo.toml": _RUST["Cargo.toml"] + '\n[dev-dependencies]\ncriterion = "0.5"\n\n[[bench]]\nname = "add"\nharness = false\n',
        "src/lib.rs": _RUST_LIB, "src/main.rs": 'fn main() {\n    println!("{}", calc::add(1, 2));\n}\n',
        "benches/add.rs": "use criterion::*;\nfn run(c: &mut Criterion) { c.bench_function(\"add\", |b| b.iter(|| calc::add(1, 2))); }\n"
        "criterion_group!(all, run);\ncriterion_main!(all);\n"}),
    "Java, Maven": Layout((TESTS, PACKAGE, NOTHING, NOTHING), {
        "pom.xml": _POM, ".gitignore": "target/\n", "src/main/java/Adder.java": _ADDER, "src/test/java/AdderTest.java": _JUNIT}),
    "Java, Gradle": Layout((TESTS, PACKAGE, NOTHING, NOTHING), {
        "build.gradle": "plugins { id 'java' }\nrepositories { mavenLocal(); mavenCentral() }\n"
        "dependencies { testCompile 'junit:junit:4.13.2' }\n", "settings.gradle": "rootProject.name = 'adder'\n", ".gitignore": ".gradle/\nbuild/\n",
        "src/main/java/Adder.java": _ADDER, "src/test/java/AdderTest.java": _JUNIT}),
    ".NET": Layout((TESTS, PACKAGE, NOTHING, NOTHING), {
        "Shop.sln": "", "Shop/Shop.csproj": "<Project/>", "Shop/Cart.cs": "public class Cart { }\n",
        "Shop.Tests/Shop.Tests.csproj": '<Project><PackageReference Include="Microsoft.NET.Test.Sdk" /></Project>', "Shop.Tests/CartTests.cs": "class CartTests { }\n"}),
    "C, CMake": Layout((TESTS, PROGRAM, NOTHING, NOTHING), {
        "CMakeLists.txt": "cmake_minimum_required(VERSION 3.10)\nproject(app C)\nenable_testing()\nadd_executable(app main.c)\nadd_test(NAME runs COMMAND app)\n",
        "main.c": _C, ".gitignore": "build/\n"}),
    "C, make with hyperfine": Layout((TESTS, PROGRAM, NOTHING, FAST), {
        "Makefile": "TARGET = app\napp: main.c\n\tgcc main.c -o app\n\ntest: app\n\t./app\n\nbench: app\n\thyperfine ./app\n", "main.c": _C, ".gitignore": "app\n"}),
    "Ruby gem": Layout((TESTS, PACKAGE, NOTHING, NOTHING), {
        "Gemfile": "source 'https://rubygems.org'\ngem 'rspec'\n", "lib/adder.rb": "def add(a, b) = a + b\n", ".gitignore": "Gemfile.lock\n",
        "adder.gemspec": "Gem::Specification.new do |s|\n  s.name, s.version, s.summary = 'adder', '1', 'It adds.'\n"
        "  s.authors, s.files = ['A'], Dir['lib/**/*.rb']\nend\n",
        "spec/adder_spec.rb": "require_relative '../lib/adder'\n\ndescribe('add') { it('adds') { expect(add(1, 2)).to eq 3 } }\n"}),
    "PHP, Composer": Layout((TESTS, NOTHING, NOTHING, NOTHING), {
        "composer.json": json.dumps({"require-dev": {"phpunit/phpunit": "^9 || ^11"}}), ".gitignore": "vendor/\n.phpunit.result.cache\n",
        "phpunit.xml": '<phpunit><testsuites><testsuite name="all"><directory>tests</directory></testsuite></testsuites></phpunit>\n',
        "src/Adder.php": "<?php\nclass Adder { static function add($a, $b) { return $a + $b; } }\n",
        "tests/AdderTest.php": "<?php\nrequire_once __DIR__ . '/../src/Adder.php';\n\nclass AdderTest extends PHPUnit\\Framework\\TestCase {\n"
        "    function testAdds() { $this->assertSame(3, Adder::add(1, 2)); }\n}\n"}),
    "Notebooks": Layout((NOTHING, NOTHING, NOTHING, "Faster notebook"), {"analysis.ipynb": '{"cells": []}', "data.csv": "a\n1\n"}),
    "Markdown handbook": Layout((NOTHING, NOTHING, NOTHING, NOTHING), {
        "README.md": "# Handbook\n\nAll that we know.\n", "chapters/one.md": "# One\n\n" + "A sentence of the book. " * 20}),
    "Monorepo, Python and web": Layout(
        (f"{TESTS} in api", f"{PACKAGE} in web", f"{COVERAGE} in api", NOTHING),
        {**{f"api/{name}": text for name, text in _python(_project('"pytest", "pytest-cov"'), "src/shop").items()},
         **{f"web/{name}": text for name, text in _node({"main": "lib/add.js"}, None, "").items()}}),
}  # fmt: skip

REAL: dict[str, Layout] = {
    "humanize": Layout((TESTS, PACKAGE, COVERAGE, FAST)),
    "sqlparse": Layout((TESTS, PACKAGE, COVERAGE, FAST)),
    "mitt": Layout((TESTS, PACKAGE, NOTHING, NOTHING), why=(
        "It has no lock file: with what npm installs today its own `npm test` is red in a fresh clone, for TypeScript 4.9.5 cannot read "
        "@types/node 26.6.7; and its `build` also writes README.md anew, with other bullets than those committed.")),
    "p-queue": Layout((TESTS, PACKAGE, NOTHING, NOTHING)),
    "mux": Layout((TESTS, NOTHING, COVERAGE, FAST)),
}  # fmt: skip
"""Public projects, by the name of their repository. The benchmark of p-queue runs for a fixed time, so its duration says nothing."""
