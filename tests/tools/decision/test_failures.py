"""Ends of real programs, and the class that each belongs to."""

from __future__ import annotations

import pytest

from autoresearch_mcp.tools.decision.failures import FailureClass, advice, classify

SYNTAX, RUNTIME, RESOURCE = FailureClass.SYNTAX, FailureClass.RUNTIME, FailureClass.RESOURCE
HANG, EXTERNAL = FailureClass.HANG, FailureClass.EXTERNAL

ENDS = {
    "exit 1": (1, RUNTIME),
    "exit 2": (2, RUNTIME),
    "permission denied": (126, RUNTIME),
    "command not found": (127, RUNTIME),
    "killed": (-9, RESOURCE),
    "killed, as a shell says it": (137, RESOURCE),
    "file too large": (-25, RESOURCE),
    "segmentation fault": (-11, RUNTIME),
    "segmentation fault, as a shell says it": (139, RUNTIME),
    "aborted": (134, RUNTIME),
    "terminated": (-15, RUNTIME),
    "the timeout command": (124, HANG),
    "the alarm clock": (142, HANG),
    "too much processor time": (-24, HANG),
    "no end at all": (None, HANG),
    "exit 9 is no signal": (9, RUNTIME),
}


@pytest.mark.parametrize(("exit_code", "expected"), ENDS.values(), ids=ENDS)
def test_the_end_alone_gives_a_class(exit_code: int | None, expected: FailureClass) -> None:
    assert classify(exit_code, False, "") is expected


OUTPUTS = {
    "python syntax": ("  File \"a.py\", line 1\n    x = (\n        ^\nSyntaxError: '(' was never closed", SYNTAX),
    "python indentation": ("IndentationError: unexpected indent", SYNTAX),
    "python tabs": ("TabError: inconsistent use of tabs and spaces in indentation", SYNTAX),
    "a test's report of python syntax": ("E   SyntaxError: invalid syntax", SYNTAX),
    "node syntax": ("SyntaxError: Unexpected token '}'\n    at wrapSafe", SYNTAX),
    "bad data is not bad code": ("SyntaxError: Unexpected token < in JSON at position 0", RUNTIME),
    "gcc": ("a.c: In function 'main':\na.c:3:5: error: expected ';' before 'return'", SYNTAX),
    "a header that is missing": ("a.cpp:1:10: fatal error: vector2: No such file or directory", SYNTAX),
    "nvcc": ('kernel.cu:12: error: identifier "x" is undefined', SYNTAX),
    "a linker": ("collect2: error: ld returned 1 exit status", SYNTAX),
    "rustc": ("error[E0308]: mismatched types\n --> src/main.rs:2:5", SYNTAX),
    "rustc without a number": ("error: expected `;`, found `}`", SYNTAX),
    "cargo": ('error: could not compile `shop` (bin "shop") due to 1 previous error', SYNTAX),
    "typescript grammar": ("a.ts(3,1): error TS1005: ';' expected.", SYNTAX),
    "typescript types": ("a.ts:3:1 - error TS2322: Type 'string' is not assignable", SYNTAX),
    "go": ("./main.go:4:2: undefined: x", SYNTAX),
    "a failing go test compiles": ("    main_test.go:12: got 3, want 4\nFAIL", RUNTIME),
    "a go panic compiles": ("panic: oh\n\ngoroutine 1 [running]:\nmain.main()\n\t/x/main.go:5 +0x1d", RUNTIME),
    "javac": ("Shop.java:7: error: cannot find symbol\n    foo();", SYNTAX),
    "a shell": ("bash: line 1: syntax error near unexpected token `)'", SYNTAX),
    "php": ("PHP Parse error: syntax error, unexpected '}' in a.php", SYNTAX),
    "python memory": ("Traceback (most recent call last):\nMemoryError", RESOURCE),
    "numpy memory": ("numpy._core._exceptions._ArrayMemoryError: Unable to allocate 7.45 GiB for an array", RESOURCE),
    "code that mentions memory": ("    except MemoryError as error:\nValueError: no", RUNTIME),
    "torch memory": ("torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB", RESOURCE),
    "cuda memory": ("RuntimeError: CUDA error: out of memory", RESOURCE),
    "jax memory": ("jaxlib.XlaRuntimeError: RESOURCE_EXHAUSTED: failed", RESOURCE),
    "c++ memory": ("terminate called after throwing an instance of 'std::bad_alloc'", RESOURCE),
    "rust memory": ("memory allocation of 8589934592 bytes failed", RESOURCE),
    "java memory": ('Exception in thread "main" java.lang.OutOfMemoryError: Java heap space', RESOURCE),
    "node memory": ("FATAL ERROR: Reached heap limit - JavaScript heap out of memory", RESOURCE),
    "disk": ("OSError: [Errno 28] No space left on device", RESOURCE),
    "disk quota": ("write: Disk quota exceeded", RESOURCE),
    "open files": ("OSError: [Errno 24] Too many open files", RESOURCE),
    "name resolution": ("curl: (6) Could not resolve host: example.org", EXTERNAL),
    "name resolution in python": ("socket.gaierror: [Errno -3] Temporary failure in name resolution", EXTERNAL),
    "name resolution in go": ("dial tcp: lookup proxy.golang.org: no such host", EXTERNAL),
    "name resolution in node": ("npm error code EAI_AGAIN", EXTERNAL),
    "connection refused": ("ConnectionRefusedError: [Errno 111] Connection refused", EXTERNAL),
    "connection refused in node": ("Error: connect ECONNREFUSED 10.0.0.5:5432", EXTERNAL),
    "connection reset": ("Connection reset by peer", EXTERNAL),
    "a server's trouble": ("requests.exceptions.HTTPError: 503 Server Error: Service down", EXTERNAL),
    "a server's trouble in curl": ("curl: (22) The requested URL returned error: 502", EXTERNAL),
    "a server's trouble in urllib": ("urllib.error.HTTPError: HTTP Error 500: Internal Server Error", EXTERNAL),
    "too many requests": ("HTTP/2 429", EXTERNAL),
    "a missing page": ("urllib.error.HTTPError: HTTP Error 404: Not Found", RUNTIME),
    "the package index": ("WARNING: Retrying\nurllib3: Max retries exceeded with url: /simple/numpy/", EXTERNAL),
    "the crate registry": ("warning: spurious network error (3 tries remaining)", EXTERNAL),
    "certificates": ("ssl.SSLCertVerificationError: certificate verify failed: unable to get", EXTERNAL),
    "a module that is missing": ("ModuleNotFoundError: No module named 'nmupy'", RUNTIME),
    "an assertion": ("AssertionError: expected 500 to equal 200", RUNTIME),
    "nothing printed": ("", RUNTIME),
}


@pytest.mark.parametrize(("output", "expected"), OUTPUTS.values(), ids=OUTPUTS)
def test_the_output_of_a_failed_run_gives_a_class(output: str, expected: FailureClass) -> None:
    assert classify(1, False, output) is expected


def test_a_time_out_is_a_hang_whatever_was_printed() -> None:
    assert classify(-9, True, "SyntaxError: no") is HANG


def test_what_stopped_the_run_wins_over_what_it_printed_before() -> None:
    assert classify(137, False, "SyntaxError: no") is RESOURCE
    assert classify(1, False, "Connection reset, trying again\nSyntaxError: no") is SYNTAX
    assert classify(1, False, "SyntaxError: no\nMemoryError") is RESOURCE


def test_both_ends_of_a_long_output_are_read() -> None:
    noise = "compiling\n" * 50_000

    assert classify(1, False, f"a.c:1:1: error: no\n{noise}") is SYNTAX
    assert classify(1, False, f"{noise}MemoryError\n") is RESOURCE


@pytest.mark.parametrize("unit", [": error: ", "a.", "\n", " ", "SyntaxError:", "a.c:1", "error", "x" * 79 + "."])
def test_an_output_made_to_be_slow_is_classified_all_the_same(unit: str) -> None:
    """A pattern that tries again at each place would take minutes here; so there is no clock to be flaky."""
    assert classify(1, False, unit * (1_000_000 // len(unit))) in {RUNTIME, SYNTAX}


@pytest.mark.parametrize("failure", FailureClass)
def test_each_class_says_in_one_sentence_what_to_do(failure: FailureClass) -> None:
    assert advice(failure).endswith(".")
    assert advice(failure).count(". ") == 0
    assert [advice(kind) for kind in FailureClass].count(advice(failure)) == 1
