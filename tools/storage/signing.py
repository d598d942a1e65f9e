"""Signatures by OpenSSH, which most machines have: keys that people own already, whose public halves forges publish."""

from __future__ import annotations

import re
import subprocess
import tempfile
from pathlib import Path

from ..errors import Code, Refusal

_NAMESPACE = "autoresearch-claim"
_FINGERPRINT = re.compile(r"SHA256:[A-Za-z0-9+/]+")


def own_key() -> Path:
    """Return this account's key for claims, made where there is none; outside of all repositories."""
    file = Path("~/.local/state/autoresearch-mcp/claim.key").expanduser()
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        _ask("-q", "-t", "ed25519", "-N", "", "-C", "autoresearch-claim", "-f", str(file))
    return file


def sign(text: bytes, key: Path) -> bytes:
    """Return the signature of a text by a private key.

    Raises:
        Refusal: without OpenSSH, or if the key cannot sign.
    """
    return _ask("-Y", "sign", "-n", _NAMESPACE, "-f", str(key), stdin=text)


def signer_of(text: bytes, signature: bytes) -> str:
    """Return the fingerprint of the key that signed a text; empty where the signature does not hold.

    Raises:
        Refusal: without OpenSSH.
    """
    with tempfile.NamedTemporaryFile() as file:
        file.write(signature)
        file.flush()
        try:
            told = _ask("-Y", "check-novalidate", "-n", _NAMESPACE, "-s", file.name, stdin=text)
        except SigningError:
            return ""
    found = _FINGERPRINT.search(told.decode(errors="replace"))
    return found[0] if found else ""


def fingerprints_of(keys: Path) -> frozenset[str]:
    """Return the fingerprints of the public keys in a file, one a line."""
    return frozenset(_FINGERPRINT.findall(_ask("-l", "-f", str(keys)).decode(errors="replace")))


class SigningError(Refusal):
    """OpenSSH said no."""


def _ask(*arguments: str, stdin: bytes = b"") -> bytes:
    try:
        done = subprocess.run(["ssh-keygen", *arguments], input=stdin, capture_output=True, check=False)
    except FileNotFoundError:
        raise Refusal(
            Code.BAD_ARGUMENT, "Signatures are made and checked by OpenSSH's `ssh-keygen`. Install that."
        ) from None
    if done.returncode != 0:
        raise SigningError(Code.BAD_ARGUMENT, f"ssh-keygen: {done.stderr.decode(errors='replace').strip()}")
    return done.stdout
