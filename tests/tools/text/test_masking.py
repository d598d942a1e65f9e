"""What is hidden in stored and answered text, and what must stay. Every token here is made up."""

from __future__ import annotations

import base64
import hashlib
import uuid

import pytest

from autoresearch_mcp.tools.text.masking import Masker
from conftest import PYTHON, Project

A36 = "aB3dE5gH7jK9mN1pQ3sT5vW7yZ9bC1dF3gH5"
KNOWN = {
    "HF_TOKEN": "quite-a-secret-1",
    "SIGNING_KEY": "line one of a key\nline two of a key\n",
    "DB_PASSWORD": "p@ss w/rd&1",
    "SSH_AUTH_SOCK": "/tmp/agent.sock",
    "MODEL_KEY": "short",
    "AUTH_MODE_KEY": "disabled",
    "HOME": "/home/somebody",
    "MAX_TOKENS": "10000000",
    "KEYCLOAK_URL": "https://login.example",
}
HIDDEN = {
    "GitHub token": f"ghp_{A36}",
    "GitHub token, fine": f"github_pat_{A36}",
    "GitLab token": "glpat-" + A36[:20],
    "Slack token": "xoxb-" + "123456789012-" + A36[:24],
    "AWS key id": "AKIA" + "ABCDEFGHIJ234567",
    "Google key": "AIza" + A36[:35],
    "OpenAI key": f"sk-proj-{A36}",
    "Anthropic key": f"sk-ant-api03-{A36}",
    "Hugging Face token": f"hf_{A36[:34]}",
    "npm token": f"npm_{A36}",
    "PyPI token": f"pypi-AgEIcHlwaS5vcmc{A36}{A36}",
    "Stripe key": "sk_" + "live_" + A36[:24],
    "JWT": "eyJhbGciOiJIUzI1NiJ9" + ".eyJzdWIiOiIxMjM0In0." + A36,
    "known value": "quite-a-secret-1",
    "known value in an address": "p%40ss%20w%2Frd%261",
    "a line of a known value": "line two of a key",
}


@pytest.mark.parametrize("secret", HIDDEN.values(), ids=HIDDEN)
@pytest.mark.parametrize(
    "around", ["{}", "error: '{}' is wrong", "+KEY={}", "x {}\ny", '{{"a":"{}"}}', "https://x.example/?a={}"]
)
def test_a_secret_is_hidden_wherever_it_stands(secret: str, around: str) -> None:
    masked = Masker(KNOWN)(around.format(secret))

    assert secret not in masked
    assert "[masked: " in masked


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("postgres://ada:hunter22@db.example/x", "hunter22"),
        ("https://:tok123@pypi.example/simple", "tok123"),
        ("Authorization: Bearer abcdef123456", "abcdef123456"),
        ("curl -H 'authorization: Basic YWRhOmh1bnRlcjI='", "YWRhOmh1bnRlcjI="),
        ("DB_PASSWORD=correcthorse", "correcthorse"),
        ('password = "hunter22"', "hunter22"),
        ("password: hunter22", "hunter22"),
        ("'api_key': 'abc123def456'", "abc123def456"),
        ("aws_secret_access_key = wJalrXUtnFEMIK7MDENGbPxRfiCY", "wJalrXUtnFEMIK7MDENGbPxRfiCY"),
        ("client_secret=abcdef12", "abcdef12"),
        ("ACCESS_TOKEN=abcdefgh12345678", "abcdefgh12345678"),
        ("AccountKey=" + "aB3+" * 21 + "==;", "aB3+aB3+"),
        ("-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG\n-----END PRIVATE KEY-----", "MIIEvQIBADAN"),
        ("-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXk", "b3BlbnNzaC1rZXk"),
        ("b3BlbnNzaC1rZXktdjEA\nAAAAABG5vbmUAAAAEbm9u\n-----END RSA PRIVATE KEY-----", "b3BlbnNzaC1rZXktdjEA"),
    ],
)
def test_a_secret_is_hidden_by_what_stands_beside_it(text: str, secret: str) -> None:
    masked = Masker({})(text)

    assert secret not in masked
    assert Masker({})(masked) == masked


STAYS = [
    hashlib.sha1(b"").hexdigest(),
    "sha256:" + hashlib.sha256(b"").hexdigest(),
    str(uuid.UUID(int=1 << 100)),
    base64.b64encode(bytes(range(96))).decode(),
    "integrity sha512-" + base64.b64encode(hashlib.sha512(b"").digest()).decode(),
    "METRIC val_bpb=0.998123456789",
    "tokens/s=123456 max_tokens=1000000 num_tokens: 12345678",
    "token: 1234567890123456789",
    "tokens_per_second = 48211.25",
    "PWD=/home/kim/project",
    "token = tokenizer.encode(text, allowed_special=())",
    'token = "<|endoftext|>"',
    "password: str = field(default='')",
    "password = os.environ['DB_PASSWORD']",
    "password = getpass.getpass()",
    "password=settings.database",
    "def login(password: Optional[str] = None)",
    "api_key = None",
    "secret=$SECRET",
    "--password=<your password>",
    "password is required",
    "what looks like a secret: shop/store.py:5, shop/key.py:7-9.",
    "the secret: how to be fast",
    "key=value keyword=12345678 monkey: 12345678ab",
    "cache_key: 3f2a9b8c7d6e5f4a3b2c1d0e9f8a7b6c",
    "sk-learn-contrib-estimator-with-a-long-name",
    "hf_hub_download(repo_id, filename) hf_transfer_is_not_installed_here",
    "https://x.example:8080/a@b",
    "git@github.example:ada/x.git",
    "ssh://git@x.example/repo",
    "at 12:34:56 user@host",
    "eyJust a word",
    "AKIA is a prefix",
    "Bearer of news",
    "1e-3 0x7ffd12345678 127.0.0.1:8080 2026-11-23T18:00:00Z",
    "/tmp/agent.sock",
    "short disabled /home/somebody 10000000 https://login.example",
    "-----BEGIN CERTIFICATE-----\nMIIDdzCCAl+gAwIBAgIE\n-----END CERTIFICATE-----",
    "-----BEGIN PUBLIC KEY-----\nMIIBIjANBgkqhkiG\n-----END PUBLIC KEY-----",
]


@pytest.mark.parametrize("text", STAYS)
def test_what_is_no_secret_stays(text: str) -> None:
    assert Masker(KNOWN)(text) == text


UNITS = (
    "a|token=|password=|://|://a:|eyJaaaaaaaaaa.|sk-a1B|Bearer |-----BEGIN PRIVATE KEY-----|-----END PRIVATE KEY-----|token='|"
    'secret:"|passwd |api_key   |=:|ghp_|0|-|.'
).split("|")


@pytest.mark.parametrize("unit", [*UNITS, "A" * 64 + "\n"])
def test_a_text_made_to_be_slow_is_masked_all_the_same(unit: str) -> None:
    """Half a megabyte; a pattern that tries again at each place would not come to an end, so there is no clock."""
    assert Masker(KNOWN)(unit * (524_288 // len(unit)))


def test_a_secret_that_a_command_prints_is_neither_stored_nor_in_the_results(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SERVICE_TOKEN", "quite-a-secret-1")
    speaks = f"{PYTHON} -c \"print('quite-a-' + 'secret-1', '\\033[31m', 'ghp_' + '{A36}')\"; cat value.txt"
    project.write("speak.sh", speaks).commit("a ruler that talks")
    project.plan = project.plan.model_copy(update={"verify": "sh speak.sh"})
    project.start()
    answer = project.try_value(9, "with quite-a-secret-1 inside")

    stored = b"".join(file.read_bytes() for file in (project.root / ".git/autoresearch").rglob("journal.db*"))
    page = project.review.history(iteration=1)
    assert answer.metric == 9
    assert "[masked: $SERVICE_TOKEN]" in page.output
    for text in (stored.decode(errors="replace"), project.read("autoresearch-results.tsv"), project.git("log")):
        assert "quite-a-secret-1" not in text
        assert A36 not in text
