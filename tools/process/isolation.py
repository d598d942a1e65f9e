"""What of the machine a measured command gets: the environment variables that pass, and the walls of the sandbox around it."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

from ..git.repo import Repo
from ..text.masking import looks_secret
from .landlock import folders_in_dev, landlock_version
from .leftovers import LEG_MARK

_NETWORK = frozenset(
    # certificates and proxies
    "SSL_CERT_FILE SSL_CERT_DIR REQUESTS_CA_BUNDLE CURL_CA_BUNDLE PIP_CERT HTTP_PROXY HTTPS_PROXY ALL_PROXY NO_PROXY"
    " FTP_PROXY http_proxy https_proxy all_proxy no_proxy ftp_proxy".split()
)
_OF_THE_LOGIN = ("XDG_", "DISPLAY", "XAUTHORITY")
_EXACT = _NETWORK | frozenset(
    # the person, the shell, the place
    "PATH HOME USER LOGNAME SHELL LANG LANGUAGE TZ TZDIR TMPDIR TMP TEMP CI DISPLAY XAUTHORITY SOURCE_DATE_EPOCH"
    # git, as the user set it up; what points at another repository or brings credentials along is left out
    " GIT_CONFIG_GLOBAL GIT_CONFIG_SYSTEM GIT_CONFIG_NOSYSTEM GIT_EXEC_PATH GIT_CEILING_DIRECTORIES"
    # compilers and linkers
    " CC CXX CPP FC LD AR AS NM RANLIB STRIP OBJCOPY CFLAGS CXXFLAGS CPPFLAGS FFLAGS LDFLAGS LDLIBS LIBS MAKE MAKEFLAGS"
    " MFLAGS CPATH C_INCLUDE_PATH CPLUS_INCLUDE_PATH LIBRARY_PATH LD_LIBRARY_PATH LD_PRELOAD SDKROOT DEVELOPER_DIR"
    " MACOSX_DEPLOYMENT_TARGET VCPKG_ROOT MODULEPATH LOADEDMODULES"
    # package managers: where they keep things, never where they publish to
    " PIP_CACHE_DIR PIPX_HOME POETRY_HOME POETRY_CACHE_DIR UV_CACHE_DIR UV_PYTHON UV_OFFLINE UV_PROJECT_ENVIRONMENT"
    " VOLTA_HOME PNPM_HOME BUN_INSTALL DENO_DIR COREPACK_HOME YARN_CACHE_FOLDER GEM_HOME GEM_PATH BUNDLE_PATH"
    " BUNDLE_GEMFILE BUNDLE_APP_CONFIG RUBYLIB RUBYOPT COMPOSER_HOME COMPOSER_CACHE_DIR NUGET_PACKAGES PLAYWRIGHT_BROWSERS_PATH"
    # Java, Go, Rust, and languages that need one or two
    " JAVA_HOME JDK_HOME JAVA_OPTS JAVA_TOOL_OPTIONS JDK_JAVA_OPTIONS MAVEN_HOME M2_HOME MAVEN_OPTS GRADLE_HOME"
    " GRADLE_USER_HOME GRADLE_OPTS SBT_OPTS KOTLIN_HOME ANDROID_HOME ANDROID_SDK_ROOT ANDROID_NDK_HOME GOPATH GOROOT"
    " GOBIN GOCACHE GOMODCACHE GOFLAGS GOPROXY GOSUMDB GOPRIVATE GONOPROXY GONOSUMDB GOTOOLCHAIN GOOS GOARCH GOAMD64"
    " GOARM GOEXPERIMENT GOMAXPROCS GOGC GOMEMLIMIT GODEBUG GO111MODULE GOWORK GOENV GOTMPDIR RUSTFLAGS RUSTDOCFLAGS"
    " RUST_BACKTRACE RUST_LOG PERL5LIB LUA_PATH LUA_CPATH STACK_ROOT CABAL_DIR"
    # machine learning
    " HF_HOME HF_HUB_CACHE HF_HUB_OFFLINE HF_DATASETS_CACHE HF_DATASETS_OFFLINE TRANSFORMERS_CACHE TRANSFORMERS_OFFLINE"
    " TOKENIZERS_PARALLELISM WANDB_MODE WANDB_DISABLED WANDB_DIR MPLBACKEND MPLCONFIGDIR".split()
)
_FAMILIES = tuple(
    "LC_ XDG_ AUTORESEARCH_ PYTHON VIRTUAL_ENV CONDA_ MAMBA_ PYENV_ NODE_ NVM_ FNM_ CARGO_ RUSTUP_ RUSTC CGO_ SDKMAN_"
    " RBENV_ ASDF_ DOTNET_ JULIA_ OPAM OCAML R_HOME R_LIBS ZIG_ GHCUP_ PKG_CONFIG_ CMAKE_ CCACHE_ SCCACHE_ NIX_ GUIX_"
    " HOMEBREW_ DYLD_ GIT_SSL_CA CUDA_ CUDNN_ NVIDIA_ NCCL_ HIP_ ROCR_ ROCM_ HSA_ ONEAPI_ SYCL_ OMP_ GOMP_ KMP_ MKL_"
    " OPENBLAS_ BLIS_ NUMEXPR_ NUMBA_ VECLIB_ MALLOC_ TORCH PYTORCH_ TRITON_ XLA_ JAX_ TF_ SLURM_ ASAN_ UBSAN_ TSAN_".split()
)
_OF_THE_SHELL = frozenset("PWD OLDPWD SHLVL IFS PPID UID EUID RANDOM SECONDS LINENO OPTARG OPTIND PS1 PS4 TERM".split())


def is_surrounding(name: str) -> bool:
    """Tell whether a variable says how the network is reached or who logged in, which few measured commands ask."""
    return name in _NETWORK or name.startswith(_OF_THE_LOGIN)


def passes(name: str, value: str = "") -> bool:
    """Tell whether a variable reaches a measured command without being named in the plan."""
    ordinary = name in _EXACT or name.startswith(_FAMILIES)
    return ordinary and name != LEG_MARK and not looks_secret(name, value)


def measured_environment(inherited: Mapping[str, str], added: Mapping[str, str]) -> dict[str, str]:
    """Return what passes of the inherited environment, plus the names that we set.

    Clients hand their server API keys and session tokens; a program under experiment has no business with them. An
    allow-list, because no pattern knows every secret. Byte code is not written, because an edit and its undo within one
    second would leave a stale file behind.
    """
    kept = {name: value for name, value in inherited.items() if passes(name, value)}
    return {"PYTHONDONTWRITEBYTECODE": "1", **kept, **added}


def passed_on(names: Iterable[str], inherited: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that a plan names, as far as they exist; these pass whatever they look like."""
    return {name: inherited[name] for name in names if name in inherited}


def withheld(command: str, output: str, inherited: Mapping[str, str], named: Iterable[str] = ()) -> tuple[str, ...]:
    """Return the variables that exist here, do not reach the command, and are named by it or by what it printed."""
    kept_back = {name for name, value in inherited.items() if not passes(name, value)} - set(named) - _OF_THE_SHELL
    asked = set(re.findall(r"\$\{?(\w+)", command))
    spoken = {word for word in re.findall(r"\b[A-Z_][A-Z0-9_]{2,}\b", output) if "_" in word}
    return tuple(sorted(kept_back & (asked | spoken)))


BUBBLEWRAP, LANDLOCK, SEATBELT = "bubblewrap", "landlock", "sandbox-exec"


@dataclass(frozen=True)
class Policy:
    """Absolute paths that may be written, those inside them that may not, and the limits; 0 = no limit."""

    write: tuple[str, ...]
    keep: tuple[str, ...] = ()
    network: bool = False
    memory_mb: int = 0
    processes: int = 0

    @property
    def limited(self) -> bool:
        """Whether anything but writing and the network is bounded."""
        return bool(self.memory_mb or self.processes)


def bases(globs: Sequence[str]) -> tuple[str, ...]:
    """Return the folders and files below which everything lies that the globs can cover; `.` is the whole repository."""
    found = (_base(glob) for glob in globs if not glob.startswith("!"))
    return tuple(dict.fromkeys(found))


def _base(glob: str) -> str:
    names: list[str] = []
    for name in glob.split("/"):
        if re.search(r"[*?\[{}]", name):
            break
        if name not in {"", "."}:
            names.append(name)
    return "/".join(names) or "."


def wrapped(argv: Sequence[str], policy: Policy, mechanism: str, helper: Sequence[str]) -> list[str]:
    """Put `argv` behind the walls of a mechanism. `helper` starts the script that sets limits and Landlock."""
    inner = [*helper, _policy_json(policy, landlock=False), "--", *argv] if policy.limited else list(argv)
    if mechanism == BUBBLEWRAP:
        return [*_bubblewrap(policy), "--", *inner]
    if mechanism == LANDLOCK:
        return [*helper, _policy_json(policy, landlock=True), "--", *argv]
    if mechanism == SEATBELT:
        return ["sandbox-exec", "-p", _profile(policy), *inner]
    raise ValueError(f"no such mechanism: {mechanism}")


def _policy_json(policy: Policy, *, landlock: bool) -> str:
    return json.dumps({**asdict(policy), "landlock": landlock})


def _bubblewrap(policy: Policy) -> list[str]:
    """Mount everything read-only, then what may be written, then what inside of that may not."""
    network = [] if policy.network else ["--unshare-net"]
    binds = [part for path in policy.write for part in ("--bind-try", path, path)]
    kept = [part for path in policy.keep for part in ("--ro-bind-try", path, path)]
    # The real /dev: graphics cards and shared memory are there.
    devices = ["--dev-bind", "/dev", "/dev"]
    for path in folders_in_dev([*policy.write, *policy.keep]):
        devices += ["--ro-bind", path, path]
    return ["bwrap", "--ro-bind", "/", "/", *devices, *binds, *kept, *network, "--die-with-parent"]


def _profile(policy: Policy) -> str:
    """Write a profile for macOS; the last rule that matches decides."""
    rules = ["(version 1)", "(allow default)", "(deny file-write*)", '(allow file-write* (subpath "/dev"))']
    rules += [f"(allow file-write* (subpath {_quoted(path)}))" for path in policy.write]
    rules += [f"(deny file-write* (subpath {_quoted(path)}))" for path in policy.keep]
    if not policy.network:
        rules += ["(deny network*)", "(allow network* (local unix))", '(allow network* (remote ip "localhost:*"))']
    return "".join(rules)


def _quoted(path: str) -> str:
    return '"' + path.replace("\\", "\\\\").replace('"', '\\"') + '"'


_PROBE_S = 10.0
_HELPER = Path(__file__).with_name("landlock.py")
_CACHES = (
    ("XDG_CACHE_HOME", "~/.cache", ""),
    ("GOCACHE", "~/Library/Caches", ""),
    ("GOMODCACHE", "~/go/pkg", ""),
    ("CARGO_HOME", "~/.cargo", "registry"),
    ("CARGO_HOME", "~/.cargo", "git"),
    ("GRADLE_USER_HOME", "~/.gradle", "caches"),
    ("npm_config_cache", "~/.npm", "_cacache"),
    ("CUDA_CACHE_PATH", "~/.nv", ""),
    ("TRITON_HOME", "~/.triton", ""),
)


@dataclass(frozen=True)
class SandboxOffer:
    """Which mechanism works here, and why not if none does."""

    mechanism: str = ""
    why_not: str = ""


@cache
def available() -> SandboxOffer:
    """Find out what works on this machine; by trying, once, because what is installed may still not be allowed."""
    if sys.platform == "darwin":
        return SandboxOffer(SEATBELT) if shutil.which("sandbox-exec") else SandboxOffer("", "sandbox-exec is missing")
    if shutil.which("bwrap") and _works(wrapped(["true"], Policy(()), BUBBLEWRAP, ())):
        return SandboxOffer(BUBBLEWRAP)
    if landlock_version() and _works(wrapped(["true"], Policy(()), LANDLOCK, _helper())):
        return SandboxOffer(LANDLOCK)
    missing = "does not work here" if shutil.which("bwrap") else "is not installed"
    return SandboxOffer("", f"bubblewrap {missing}, and the kernel offers no Landlock that closes the network")


def _works(argv: Sequence[str]) -> bool:
    try:
        done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, timeout=_PROBE_S, check=False)
        return done.returncode == 0
    except (OSError, subprocess.SubprocessError):
        return False


def _helper() -> tuple[str, ...]:
    # Not the one of a virtual environment: its start reads files that a project may own.
    return (getattr(sys, "_base_executable", "") or sys.executable, "-I", "-S", str(_HELPER))


def wrap(argv: Sequence[str], policy: Policy) -> list[str]:
    """Put an argument vector behind walls; only where `available` names a mechanism."""
    return wrapped(argv, policy, available().mechanism, _helper())


def policy_for(
    repo: Repo, folder: Path, scope: Sequence[str], limits: tuple[bool, int, int], also: Sequence[str]
) -> Policy:
    """Return what commands of a plan may write: the scope, what git ignores, caches, and what is named in `also`.

    A second checkout of ours may be written everywhere. `limits` are network, memory in MiB and processes.
    """
    inside = [folder] if folder != repo.root else [folder / name for name in (*bases(scope), *_ignored(repo))]
    named = [*map(str, inside), *also, *_caches()]
    write = tuple(dict.fromkeys(os.path.realpath(path) for path in named))
    # The journal, hooks and settings of git are nobody's to write, whatever the scope says.
    keep = (os.path.realpath(folder / ".git"),)
    network, memory_mb, processes = limits
    return Policy(write, keep, network, memory_mb, processes)


def _ignored(repo: Repo) -> tuple[str, ...]:
    """Return what builds write: the topmost files and folders that are there and that git ignores."""
    out = repo.git.ask("ls-files", "-z", "--others", "--ignored", "--exclude-standard", "--directory").out
    return tuple(os.fsdecode(path).rstrip("/") for path in out.split(b"\0") if path)


def _caches() -> list[str]:
    found = (Path(os.environ.get(name) or os.path.expanduser(usual)) / below for name, usual, below in _CACHES)
    return [str(path) for path in found if path.is_dir()]
