"""A session as a file that a stranger checks: what holds, what was bent, and what no file can show."""

from __future__ import annotations

import io
import json
import subprocess
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
from test_taking_back import with_keeps

from autoresearch_mcp.server.main import main
from autoresearch_mcp.tools.errors import Refusal
from autoresearch_mcp.tools.verbs.claims import Claims, verify_claim
from conftest import Project

HELD = [
    "the signature",
    "journal and branch are those that were signed",
    "the chain of",
    "the records that the commits",
    "the headline, counted again from the journal: 10 -> 4, -60.00 %",
    "4 verdicts, decided again from their runs",
    "the code of 2 keeps is the code that their receipts name",
]


@pytest.fixture
def claim(tmp_path: Path) -> Path:
    project = with_keeps(tmp_path / "repo", branch="lab")
    project.once("an undo and the end", lambda: (project.loop.undo(2), project.sessions.finish_session()))
    assert main(["--root", str(project.root), "claim", str(tmp_path / "claim")]) == 0
    return tmp_path / "claim"


def checked(file: Path) -> dict[str, bool]:
    return {check.words: check.holds for check in verify_claim(file, None, 0, lambda command: False).checks}


def bent(claim: Path, name: str, change: Callable[[bytes], bytes]) -> Path:
    """The claim with another content of one of its parts, and digests that fit, as somebody without the key makes it."""
    with tarfile.open(claim) as tar:
        parts = {member.name: tar.extractfile(member).read() for member in tar}  # type: ignore[union-attr]
    parts[name] = change(parts[name])
    file = claim.with_name("bent")
    with tarfile.open(file, "w") as tar:
        for each, data in parts.items():
            member = tarfile.TarInfo(each)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return file


def test_what_was_written_holds_on_a_machine_without_the_repository(
    claim: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (claim.parent / "repo").rename(claim.parent / "gone")

    assert main(["--root", "/", "verify-claim", str(claim)]) == 0

    told = capsys.readouterr().out.splitlines()
    assert told[0] == "The claim: a smaller number: 10 -> 4, -60.00 %."
    for line, words in zip(told[1:], HELD, strict=False):
        assert line.startswith(f"holds: {words}")
    assert [line for line in told if line.startswith("cannot be checked: whose key SHA256:")]


def test_a_keep_is_replayed_once_a_person_agreed(claim: Path, capsys: pytest.CaptureFixture[str]) -> None:
    replay = ["verify-claim", str(claim), "--replay", "3"]

    assert main(["--root", "/", *replay]) == 2
    assert "asks a person" in capsys.readouterr().err
    assert main(["--root", "/", "--allow-commands", *replay]) == 0
    assert "replayed: #3 here, 1 + 1 runs in turn: -20.00 %; the journal has metric 4, -1 to the best before it." in (
        capsys.readouterr().out
    )


def test_the_signer_is_held_against_public_keys(claim: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(other)], check=True)
    own = Path("~/.local/state/autoresearch-mcp/claim.key.pub").expanduser()

    assert verify_claim(claim, own, 0, lambda command: False).holds
    assert not verify_claim(claim, other.with_suffix(".pub"), 0, lambda command: False).holds


def _edited(journal: bytes) -> bytes:
    return journal.replace(b'\\"metric\\":4.0', b'\\"metric\\":3.0')


def _without_one(journal: bytes) -> bytes:
    return b"\n".join(line for line in journal.splitlines() if json.loads(line)[0] != 5)


def test_a_branch_without_the_commits_of_its_keeps_does_not_hold(claim: Path) -> None:
    repo = claim.parent / "repo"

    def shorter(bundle: bytes) -> bytes:
        for command in (["update-ref", "refs/heads/lab", "lab~2"], ["bundle", "create", "../short", "refs/heads/lab"]):
            subprocess.run(["git", *command], cwd=repo, check=True)
        return (claim.parent / "short").read_bytes()

    fell = [words for words, holds in checked(bent(claim, "repository.bundle", shorter)).items() if not holds]

    assert fell[-1].startswith("journal and branch: `git rev-parse` failed")


@pytest.mark.parametrize(
    ("name", "change", "fallen"),
    [
        ("claim.json", lambda text: text.replace(b"-60.00", b"-70.00"), ["the signature", "the headline"]),
        ("journal.jsonl", _edited, ["journal and branch are those", "journal and branch: The journal is not what"]),
        (
            "journal.jsonl",
            _without_one,
            ["journal and branch are those", "journal and branch: The journal is not what"],
        ),
        ("journal.jsonl", lambda data: b"null\n", ["journal and branch are those", "journal and branch: "]),
        ("journal.jsonl", lambda data: b"[1, {}]\n", ["journal and branch are those", "journal and branch: "]),
        ("repository.bundle", lambda data: data[:-200], ["journal and branch are those", "journal and branch: `git"]),
    ],
    ids=[
        "another headline",
        "an edited record",
        "a record less",
        "no records",
        "records of another form",
        "half a branch",
    ],
)
def test_what_was_bent_is_named(claim: Path, name: str, change: Callable[[bytes], bytes], fallen: list[str]) -> None:
    fell = [words for words, holds in checked(bent(claim, name, change)).items() if not holds]

    assert [words[: len(start)] for words, start in zip(fell, fallen, strict=True)] == fallen
    assert not [words for words in fell if "NoneType" in words or "Stop the server" in words]


def test_it_is_exported_as_a_bundle_too(claim: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = ["--root", str(claim.parent / "repo"), "export"]
    file = claim.parent / "bundle"

    assert main([*root, "--bundle", str(file)]) == 0
    assert main(["verify-claim", str(file)]) == 0
    assert main([*root, "--bundle", str(file), "--to", "mlflow"]) == 2
    assert "Say --to and --into, or --bundle FILE." in capsys.readouterr().err


def test_another_file_is_no_claim_and_none_is_overwritten(claim: Path, tmp_path: Path) -> None:
    project = Project(tmp_path / "other")
    with pytest.raises(Refusal, match="is not a file that `autoresearch-mcp claim` wrote"):
        verify_claim(project.root / "value.txt", None, 0, lambda command: True)
    with pytest.raises(Refusal, match="There is no session"):
        Claims(project.lab).make(project.root / "new")
    project.start()
    with pytest.raises(Refusal, match="Name a new file"):
        Claims(project.lab).make(claim)
