"""What to add where nothing measures what the goal asks for: the exact line, a ready script, or the workflow that is meant."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from pydantic import BaseModel, Field

from . import recipes
from .folders import CommandKind, Language
from .goals import Quality
from .projects import Project

ASK_AGAIN = "Then call inspect_project again: it proposes the plan."


class Lacking(BaseModel):
    """What the goal asks for and nothing here measures yet."""

    asked: str = Field(description="What the goal asks for.")
    says: str = Field(description="Why there is no plan for it.")
    add: str = Field(description="What to add or to call, as it is typed.")
    file: str = Field("", description="A file to write first, outside of the scope; empty: none.")
    text: str = Field("", description="The whole text of that file, to be filled in where it says so.")
    plan: dict[str, str | list[str]] = Field(
        {}, description="Arguments for check_plan, once the file is filled in and committed."
    )

    def lines(self) -> list[str]:
        """Return it in words, the script in full."""
        first = f"Nothing here measures {self.asked} yet: {self.says} To measure it: {self.add}"
        script = [f"{self.file}:", *(f"    {line}" for line in self.text.splitlines())] if self.file else []
        plan = [f"Then check_plan with: {json.dumps(self.plan, ensure_ascii=False)}"] if self.plan else []
        return [first, *script, *plan]


_NODE_WAYS = "npm install --save-dev"
_PIP = "{python} -m pip install"
_TOOLS: Mapping[Quality, Mapping[Language, str]] = {
    Quality.COVERAGE: {
        Language.PYTHON: f"{_PIP} pytest pytest-cov, and name both in the development dependencies.",
        Language.JAVASCRIPT: f"{_NODE_WAYS} vitest @vitest/coverage-v8",
        Language.RUST: "cargo install cargo-llvm-cov, and let verify print `METRIC coverage=...` from `cargo llvm-cov --summary-only`.",
        Language.RUBY: "bundle add simplecov --group test, and let verify print `METRIC coverage=...`.",
        Language.CSHARP: "dotnet add package coverlet.collector in the tests, and let verify print `METRIC coverage=...`.",
        Language.JAVA: "the JaCoCo plugin in the build, and let verify print `METRIC coverage=...` from its report.",
        Language.CPP: "the compiler option --coverage and gcovr, and let verify print `METRIC coverage=...`.",
        Language.PHP: "composer require --dev phpunit/phpunit with Xdebug or PCOV, and let verify print `METRIC coverage=...`.",
        Language.GO: "a first file *_test.go.",
    },
    Quality.LINT: {
        Language.PYTHON: f"{_PIP} ruff, and add [tool.ruff] to pyproject.toml.",
        Language.JAVASCRIPT: f"{_NODE_WAYS} eslint @eslint/js, and write eslint.config.js.",
        Language.RUBY: "bundle add rubocop --group development",
        Language.PHP: "composer require --dev squizlabs/php_codesniffer, and write phpcs.xml.",
        Language.CPP: "clang-tidy or cppcheck, and let verify count its lines: `METRIC findings=...`.",
        Language.JAVA: "the Checkstyle plugin in the build, and let verify count its lines: `METRIC findings=...`.",
    },
    Quality.TYPES: {
        Language.PYTHON: f"{_PIP} mypy, and add [tool.mypy] with `files = [...]` to pyproject.toml.",
        Language.JAVASCRIPT: f"{_NODE_WAYS} typescript, and write tsconfig.json with `checkJs`.",
        Language.PHP: "composer require --dev phpstan/phpstan, and write phpstan.neon.",
        Language.RUBY: "a type checker such as Sorbet or Steep, and let verify count its lines: `METRIC type_errors=...`.",
    },
    Quality.PASSING: {
        Language.PYTHON: f"{_PIP} pytest, and a first file tests/test_NAME.py.",
        Language.JAVASCRIPT: 'a first file test/NAME.test.js, and the script "test": "node --test".',
        Language.CPP: "enable_testing() and add_test(...) in CMakeLists.txt, or a `test` target in the makefile.",
        Language.RUBY: "bundle add rspec --group test, and a first file spec/NAME_spec.rb.",
        Language.PHP: "composer require --dev phpunit/phpunit, and a first file tests/NAMETest.php.",
        Language.CSHARP: "dotnet new xunit -o tests",
        Language.GO: "a first file *_test.go.",
    },
    Quality.SIZE: {
        Language.JAVASCRIPT: f"{_NODE_WAYS} esbuild, a script \"build\" such as \"esbuild ENTRY --bundle --minify --outfile=dist/index.js\", and, where "
        "it is published, `main` and `files` that name what it writes.",
    },
}  # fmt: skip
_ALIKE = {
    Language.TYPESCRIPT: Language.JAVASCRIPT,
    Language.C: Language.CPP,
    Language.FSHARP: Language.CSHARP,
    Language.KOTLIN: Language.JAVA,
}
_SAME_WAY = {Quality.TEST_SPEED: Quality.PASSING, Quality.CODE_QUALITY: Quality.LINT}
_ANY: Mapping[Quality, str] = {
    Quality.DEPENDENCIES: "a verify command that prints `METRIC dependencies=...`, e.g. counts them in the manifest; name the manifest in the scope.",
    Quality.WARNINGS: "a verify command that builds everything and counts its warnings: `METRIC warnings=...`.",
    Quality.SIZE: "a verify command that builds what users get and prints `METRIC bytes=...`, e.g. from `wc -c < FILE`.",
    Quality.BUILD_SPEED: "a build script or target; or check_plan with verify = the command that builds from scratch, read = `wall`.",
    Quality.TEST_SPEED: "first tests; or check_plan with verify = the command that runs them, read = `wall`.",
    Quality.START: "check_plan with verify = a command that starts the program and leaves, e.g. `./program --version`, read = `wall`.",
    Quality.CODE_LINES: "a first file of code.",
    Quality.TEXT_LENGTH: "a first Markdown file.",
    Quality.READABILITY: "a first Markdown file.",
}
_WORKFLOWS: Mapping[Quality, tuple[str, str]] = {
    Quality.DOCS: ("learn", "it writes and checks documents, each claim held against the code; shorter or easier text has plans of its own"),
    Quality.BUGS: ("debug", "it proves each bug by an experiment; `fix` then brings failing tests, type and lint errors to none"),
    Quality.SECURITY: ("security", "it audits the code, each finding with its place and a reproduction"),
    Quality.FLAKINESS: ("regression", "it runs the tests again and again and names those that differ; `debug` finds the cause"),
}  # fmt: skip
_SCRIPTS: Mapping[Language, tuple[str, str, str]] = {
    Language.PYTHON: ("benchmarks/goal.py", "PYTHONPATH={path} {python} benchmarks/goal.py", '''"""Times work() on new inputs and checks each answer. Let the inputs keep it busy for a tenth of a second or more."""
import os
import random
import statistics
import time

import {package}  # what should get better

draw = random.Random(os.environ.get("AUTORESEARCH_SEED"))  # other inputs each run: what a run remembers helps no other


def inputs():
    raise NotImplementedError("a list of typical inputs, by draw.randrange(...), draw.choice(...)")


def work(given):
    raise NotImplementedError("call what should get better on one input, and return its answer")


def plain(given):
    raise NotImplementedError("the same answer, computed slowly and plainly in this file (or a copy of the code as it is now)")


times = []
for _ in range(8):
    drawn = inputs()
    start = time.perf_counter()
    answers = [work(given) for given in drawn]
    times.append(time.perf_counter() - start)
    for given, answer in zip(drawn, answers, strict=True):
        if answer != plain(given):
            raise SystemExit(f"wrong: {{given!r}} gives {{answer!r}}")
print(f"METRIC seconds={{statistics.median(times[1:]):.6f}}")
'''),
    Language.JAVASCRIPT: ("benchmarks/goal.mjs", "node benchmarks/goal.mjs", """// Times work() on new inputs and checks each answer. Let the inputs keep it busy for a tenth of a second or more.
import { isDeepStrictEqual } from "node:util";

let seed = (Number(process.env.AUTORESEARCH_SEED ?? Date.now()) % 2147483646) + 1;
const draw = () => (seed = (seed * 48271) % 2147483647) / 2147483647; // other inputs each run

function inputs() {
  throw new Error("an array of typical inputs, by draw(), which is between 0 and 1");
}

async function work(given) {
  throw new Error("call what should get better on one input, and return its answer");
}

function plain(given) {
  throw new Error("the same answer, computed slowly and plainly in this file (or a copy of the code as it is now)");
}

const times = [];
for (let run = 0; run < 8; run++) {
  const drawn = inputs(), answers = [];
  const start = performance.now();
  for (const given of drawn) answers.push(await work(given));
  times.push((performance.now() - start) / 1000);
  drawn.forEach((given, place) => {
    if (!isDeepStrictEqual(answers[place], plain(given))) throw new Error(`wrong: ${JSON.stringify(given)}`);
  });
}
console.log(`METRIC seconds=${times.slice(1).sort((a, b) => a - b)[3].toFixed(6)}`);
"""),
    Language.RUST: ("examples/goal.rs", "cargo run --release --quiet --example goal", """// Times work() on new inputs and checks each answer. Let the inputs keep it busy for a tenth of a second or more.
type Input = u64; // what work() takes

fn inputs(draw: &mut impl FnMut() -> u64) -> Vec<Input> {
    let _ = draw();
    unimplemented!("typical inputs, by draw(), which is any number below 2^31")
}

fn work(_given: &Input) -> String {
    unimplemented!("call what should get better on one input, and return its answer")
}

fn plain(_given: &Input) -> String {
    unimplemented!("the same answer, computed slowly and plainly in this file (or a copy of the code as it is now)")
}

fn main() {
    let mut seed: u64 = std::env::var("AUTORESEARCH_SEED").ok().and_then(|it| it.parse().ok()).unwrap_or(1) % 2147483646 + 1;
    let mut draw = || { seed = seed * 48271 % 2147483647; seed }; // other inputs each run
    let mut times: Vec<f64> = (0..8).map(|_| {
        let drawn = inputs(&mut draw);
        let start = std::time::Instant::now();
        let answers: Vec<String> = drawn.iter().map(work).collect();
        let took = start.elapsed().as_secs_f64();
        assert_eq!(answers, drawn.iter().map(plain).collect::<Vec<String>>());
        took
    }).skip(1).collect();
    times.sort_by(f64::total_cmp);
    println!("METRIC seconds={:.6}", times[3]);
}
"""),
}  # fmt: skip
_MODEL_SCRIPT = "a script outside of the scope that trains or loads the model and prints `METRIC score=...` on data that it alone reads."
_COUNT = "a verify command that counts it and prints `METRIC count=...`."
_COMMAND = (
    "check_plan with read = `{read}`, by which the server measures, and verify = a script outside of the scope that does typical "
    "work on inputs drawn by the seed `AUTORESEARCH_SEED`, and fails where an answer is not that of a slow, plain reference."
)


def lacking(quality: Quality, project: Project | None, plan: Mapping[str, str | list[str]]) -> Lacking:
    """Return what to add before this quality can be measured in a project; `plan` has the fields that any plan there has."""
    if quality in _WORKFLOWS:
        name, why = _WORKFLOWS[quality]
        return Lacking(
            asked=quality, says="no number says when it is better.", add=f"call playbook with `{name}`: {why}."
        )
    spoken = project.languages[0] if project else Language.MARKDOWN
    language = _ALIKE.get(spoken, spoken)
    if quality in {Quality.SPEED, Quality.MEMORY}:
        return _script(quality, project, language, plan)
    if quality is Quality.MODEL:
        return Lacking(asked=quality, says="only the project knows what its score is.", add=_MODEL_SCRIPT)
    tools = _TOOLS.get(_SAME_WAY.get(quality, quality), {})
    if language in tools and project is not None:
        line = tools[language].format(python=recipes.inside(project.root, project.python))
        return Lacking(asked=quality, says="no tool that counts it was found.", add=f"{line} {ASK_AGAIN}")
    return Lacking(asked=quality, says="no command that counts it was found.", add=_ANY.get(quality, _COUNT))


def _script(
    quality: Quality, project: Project | None, language: Language, plan: Mapping[str, str | list[str]]
) -> Lacking:
    memory = quality is Quality.MEMORY
    says = "no benchmark was found whose number says it."
    if project is None or language not in _SCRIPTS:
        return Lacking(asked=quality, says=says, add=_COMMAND.format(read="memory" if memory else "wall"))
    name, verify, text = _SCRIPTS[language]
    folder, _, package = project.package.rpartition("/")
    if language is Language.PYTHON:
        verify = verify.format(path=folder or ".", python=project.python)
        text = text.format(package=package or "NAME")
    build = project.of_kind(CommandKind.BUILD)[:1] if project.speaks(Language.TYPESCRIPT) and not memory else ()
    verify = " && ".join([*(one.text for one in build), verify])
    read = {"read": "memory"} if memory else {"metric": "seconds", "direction": "lower", "read": "line"}
    place = f"{project.root}/{name}" if project.root else name
    protected = list(dict.fromkeys([*_listed(plan.get("protected", [])), place]))
    fields = {**plan, "protected": protected, **read, "verify": recipes.inside(project.root, verify)}
    return Lacking(
        asked=quality,
        says=says,
        add=f"write {place}, fill in its three functions, commit it, and call check_plan with the plan below.",
        file=place,
        text=text,
        plan=fields,
    )


def _listed(value: str | Sequence[str]) -> list[str]:
    return [value] if isinstance(value, str) else [*value]


def unknown(goal: str) -> Lacking:
    """Return the answer to words that name nothing that could be counted."""
    return Lacking(
        asked=f"what these words ask for ({goal})",
        says="they name no quality with a number of its own.",
        add="say what should get better, with its noun: faster tests, a smaller package, higher coverage, fewer type errors, "
        "shorter docs, less memory; or give check_plan a verify command that prints `METRIC name=value`.",
    )
