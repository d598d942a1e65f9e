"""Which environment variables a measured command gets: those that builds ordinarily need, and those that the plan names."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from ..text.tokens import looks_secret

_EXACT = frozenset(
    # the person, the shell, the place
    "PATH HOME USER LOGNAME SHELL LANG LANGUAGE TZ TZDIR TMPDIR TMP TEMP CI DISPLAY XAUTHORITY SOURCE_DATE_EPOCH"
    # git, as the user set it up; what points at another repository or brings credentials along is left out
    " GIT_CONFIG_GLOBAL GIT_CONFIG_SYSTEM GIT_CONFIG_NOSYSTEM GIT_EXEC_PATH GIT_CEILING_DIRECTORIES"
    # certificates and proxies
    " SSL_CERT_FILE SSL_CERT_DIR REQUESTS_CA_BUNDLE CURL_CA_BUNDLE PIP_CERT HTTP_PROXY HTTPS_PROXY ALL_PROXY NO_PROXY"
    " FTP_PROXY http_proxy https_proxy all_proxy no_proxy ftp_proxy"
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


def passes(name: str, value: str = "") -> bool:
    """Whether a variable reaches a measured command without being named in the plan."""
    ordinary = name in _EXACT or name.startswith(_FAMILIES)
    return ordinary and not looks_secret(name, value)


def measured_environment(inherited: Mapping[str, str], added: Mapping[str, str]) -> dict[str, str]:
    """Of the inherited environment what passes, plus the names that we set.

    Clients hand their server API keys and session tokens; a program under experiment has no business with them. An
    allow-list, because no pattern knows every secret. Byte code is not written, because an edit and its undo within one
    second would leave a stale file behind.
    """
    kept = {name: value for name, value in inherited.items() if passes(name, value)}
    return {"PYTHONDONTWRITEBYTECODE": "1", **kept, **added}


def passed_on(names: Iterable[str], inherited: Mapping[str, str]) -> dict[str, str]:
    """The variables that a plan names, as far as they exist; these pass whatever they look like."""
    return {name: inherited[name] for name in names if name in inherited}


def withheld(command: str, output: str, inherited: Mapping[str, str], named: Iterable[str] = ()) -> tuple[str, ...]:
    """Variables that exist here, do not reach the command, and that it or what it printed speaks of."""
    kept_back = {name for name, value in inherited.items() if not passes(name, value)} - set(named) - _OF_THE_SHELL
    asked = set(re.findall(r"\$\{?(\w+)", command))
    spoken = {word for word in re.findall(r"\b[A-Z_][A-Z0-9_]{2,}\b", output) if "_" in word}
    return tuple(sorted(kept_back & (asked | spoken)))


def check_name(name: str) -> str:
    """What is wrong with a name in the plan's list; empty when it can be passed on."""
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
        return "is no name of a variable"
    if name.startswith("GIT_"):
        return "steers git, which is the server's part"
    return "is set by the server" if name.startswith("AUTORESEARCH_") else ""
