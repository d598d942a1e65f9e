"""Following a session from another process: in a terminal, as data, and as a page that updates itself."""

from __future__ import annotations

import json
import os
import pty
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from in_process import ask_here
from rich.console import Console

from autoresearch_mcp.server.cli.watch import TerminalView
from autoresearch_mcp.server.watching import CHECKING, Watch
from autoresearch_mcp.server.web.live import LiveServer
from autoresearch_mcp.tools.errors import Refusal
from autoresearch_mcp.tools.lab.access import Lab
from autoresearch_mcp.tools.report.rendering import render_details, render_page
from autoresearch_mcp.tools.session.events import Event, read_event
from conftest import Project
from filled import HOSTILE, fill, long, row
from pages import Reader

COMMAND = [sys.executable, "-m", "autoresearch_mcp.server", "watch"]
PATIENCE_S = 120.0


def until(what: Callable[[], Any]) -> Any:  # noqa: ANN401 - whatever is waited for
    deadline = time.monotonic() + PATIENCE_S
    while not (found := what()):
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.02)
    return found


def follower(project: Project) -> Watch:
    """What another process would see."""
    return Watch(Lab(project.root, clock=lambda: project.now, follows=True))


def shown(watch: Watch, width: int = 100, height: int = 30) -> str:
    console = Console(width=width, height=height, record=True, file=open(os.devnull, "w"), force_terminal=True)  # noqa: SIM115
    with console.capture() as captured:
        console.print(TerminalView(watch.snapshot()))
    console.file.close()
    return captured.get()


# Following


def test_a_row_that_another_process_wrote_is_seen(project: Project) -> None:
    watch = follower(project.start())
    before, mark = watch.snapshot(), watch.mark()

    project.try_value(8, "eight")

    assert [one.iteration for one in before.newest] == [0]
    assert [one.description for one in watch.snapshot().newest] == ["baseline", "eight"]
    assert watch.mark() != mark
    assert watch.snapshot().status.best == 8.0


def test_nothing_new_looks_the_same_and_reads_nothing_again(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    watch = follower(fill(project.start(), *long(200)))
    watch.snapshot()
    mark = watch.mark()
    monkeypatch.setattr("autoresearch_mcp.tools.session.journal.Journal.rows", lambda *_: pytest.fail("read again"))
    monkeypatch.setattr("autoresearch_mcp.tools.session.journal.read_event", lambda *_: pytest.fail("read again"))

    assert watch.mark() == mark


def test_a_new_row_costs_the_reader_one_row(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    watch = follower(fill(project.start(), *long(200)))
    watch.snapshot()
    fill(project.copied_server(), row(201))
    read: list[str] = []

    def counted(body: str) -> Event:
        read.append(body)
        return read_event(body)

    monkeypatch.setattr("autoresearch_mcp.tools.session.journal.read_event", counted)

    assert watch.snapshot().newest[-1].iteration == 201
    assert 0 < len(read) <= 5


def test_a_watcher_writes_nothing(project: Project) -> None:
    fill(project.start(), *long(20))
    before = project.picture()
    written = (project.root / ".git/autoresearch/journal.db").read_bytes()
    watch = follower(project)
    for look in (watch.snapshot, watch.page, lambda: watch.update(3), lambda: watch.one(3), watch.check):
        look()

    assert project.picture() == before
    assert (project.root / ".git/autoresearch/journal.db").read_bytes() == written
    assert project.try_value(1).status == "keep"


def test_a_session_that_begins_later_is_followed(project: Project) -> None:
    watch = follower(project)
    assert watch.snapshot().newest == []
    assert "No session yet" in shown(watch)

    fill(project.start(), *long(3))
    assert len(watch.snapshot().newest) == 4
    project.sessions.finish_session()
    project.start()

    assert len(watch.snapshot().newest) == 1


def test_what_is_at_work_is_shown_with_its_last_lines(project: Project) -> None:
    go = project.root.parent / "go"
    project.write("slow.sh", f"echo step one; echo step two; until [ -e {go} ]; do sleep 0.05; done; cat value.txt\n")
    project.commit("slow")
    go.touch()
    project.plan = project.plan.model_copy(update={"verify": "sh slow.sh", "read": "last", "noise": "none"})
    project.start()
    go.unlink()
    work = threading.Thread(target=project.try_value, args=(8,))
    work.start()
    watch = follower(project)
    seen = until(lambda: (found := watch.snapshot().work) and len(found.tail) > 1 and found)
    text = shown(watch)
    go.touch()
    work.join()

    assert seen.tool == "iterate"
    assert seen.tail == ("step one", "step two")
    assert "iterate is at work" in text
    assert "step two" in text
    assert until(lambda: watch.snapshot().work is None)


def test_what_the_server_masks_stays_masked_for_a_watcher_with_another_environment(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    value = "quite-a-secret-1"
    go = project.root.parent / "go"
    said = f"echo {value[:8]}''{value[8:]}"
    # The window on the output begins in the middle of the first of the two.
    script = f"{said}; printf '%1975s\\n' x; {said}; until [ -e {go} ]; do sleep 0.05; done; cat value.txt\n"
    project.write("slow.sh", script).commit("slow")
    go.touch()
    project.plan = project.plan.model_copy(update={"verify": "sh slow.sh", "read": "last", "noise": "none"})
    monkeypatch.setenv("HF_TOKEN", value)
    project.start()
    go.unlink()
    work = threading.Thread(target=project.try_value, args=(8,))
    work.start()
    watch = follower(project)
    until(lambda: (found := watch.snapshot().work) and found.tail)
    monkeypatch.delenv("HF_TOKEN")
    seen = watch.snapshot().work
    page = render_page(watch.page())
    go.touch()
    work.join()

    assert seen
    assert "[masked: $HF_TOKEN]" in seen.tail[-1]
    assert value[-6:] not in page


def test_a_diff_stays_masked_for_a_watcher_with_another_environment(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    def details() -> list[str]:
        found = [follower(project).one(number) for number in (1, 2)]
        return [render_details(one) for one in found if one]

    value = "quite-a-secret-1"
    monkeypatch.setenv("HF_TOKEN", value)
    project.start()
    project.write("app.txt", f"one\n  login {value} now\n")
    project.try_value(8)
    project.write("app.txt", "one\n")
    project.try_value(7)
    masked = details()
    monkeypatch.delenv("HF_TOKEN")

    shown_elsewhere = details()

    assert shown_elsewhere == masked
    assert all("login [masked: $HF_TOKEN] now" in one for one in shown_elsewhere)
    assert value not in (project.root / ".git/autoresearch/masked.json").read_text()


def test_a_secret_in_the_plan_is_masked_wherever_it_is_shown_and_for_a_watcher_with_another_environment(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    value, token = "quite-a-secret-1", "ghp_aB3dE5gH7jK9mN1pQ3sT5vW7yZ9bC1dF3gH5"
    monkeypatch.setenv("HF_TOKEN", value)
    words = {"goal": f"beat {value}", "metric": f"loss of {token}", "verify": f"cat value.txt # {value}"}
    guards = (f"sh check.sh {value}", f"true {token}")
    project.plan = project.plan.model_copy(update={**words, "guards": guards})
    project.start().try_value(8)

    def shown() -> list[str]:
        reports = [project.review.report("html").report, project.review.report("text").report]
        status = project.sessions.status()
        watch = follower(project)
        seen = watch.snapshot()
        assert seen.picture
        pages = [project.read("autoresearch-report.html"), render_page(watch.page()), json.dumps(watch.chat())]
        return [*reports, *pages, seen.picture.title, seen.picture.metric, status.goal, status.metric, seen.status.goal]

    here = shown()
    monkeypatch.delenv("HF_TOKEN")
    elsewhere = shown()
    project.sessions.finish_session("clean", confirm=False)

    for text in (*here, *elsewhere, project.git("log", "-1", "--format=%B", "clean")):
        assert value not in text
        assert token not in text
    assert all("beat [masked: $HF_TOKEN]" in text for text in (here[1], here[2], elsewhere[1], elsewhere[3]))
    assert project.lab.for_reading("").active.plan.verify == words["verify"], "what runs is what was sealed"


# In a terminal


@pytest.mark.parametrize(("width", "height"), [(60, 18), (100, 30), (200, 60)])
@pytest.mark.parametrize("count", [0, 1, 30, 1000])
def test_the_view_fits_the_terminal(project: Project, count: int, width: int, height: int) -> None:
    lines = shown(follower(fill(project.start(), *long(count))), width, height).rstrip("\n").split("\n")

    assert len(lines) <= height
    assert any(str(count) in line for line in lines)


def test_no_description_steers_the_terminal(project: Project) -> None:
    text = shown(follower(fill(project.start(), row(1, description="[bold red]x[/] \x1b[2J [link=file:///]y"))))

    assert "[bold red]x" in text
    assert "\x1b[2J" not in text


def start(project: Project, *arguments: str, **named: Any) -> subprocess.Popen[bytes]:  # noqa: ANN401
    return subprocess.Popen([*COMMAND, *arguments], cwd=project.root, **named)


def test_without_a_terminal_each_row_is_a_line_until_the_session_is_finished(project: Project) -> None:
    fill(project.start(), *long(3))
    with start(project, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        first = [process.stdout.readline().decode() for _ in range(4)]
        project.try_value(8, "eight")
        fresh = process.stdout.readline().decode()
        project.sessions.finish_session()
        process.wait(PATIENCE_S)

        assert process.stdout.read().decode().startswith("The session is finished. ")
        assert [line.split("\t")[0] for line in first] == ["#0", "#1", "#2", "#3"]
        assert fresh == "#4\tkeep\t8\teight\n"
        assert process.returncode == 0
        assert process.stderr is not None
        assert process.stderr.read() == b""


def test_in_a_terminal_a_new_row_appears(project: Project) -> None:
    fill(project.start(), *long(3))
    master, slave = pty.openpty()
    seen = b""
    shown = select.poll()  # no `select`: a worker of many tests may have more files open than that takes
    shown.register(master, select.POLLIN)

    def screen(wanted: bytes) -> bool:
        nonlocal seen
        if shown.poll(50):
            seen += os.read(master, 65536)
        return wanted in seen

    named = {"COLUMNS": "100", "LINES": "30", "TERM": "xterm-256color"}
    with start(project, stdin=slave, stdout=slave, stderr=slave, env={**os.environ, **named}) as process:
        until(lambda: screen(b"a smaller number"))
        seen = b""
        project.try_value(8, "a fresh idea")
        until(lambda: screen(b"a fresh idea"))
        process.send_signal(signal.SIGINT)
        until(lambda: screen(b"\x1b[?1049l"))  # the screen is given back
        assert process.wait(PATIENCE_S) == 0
    os.close(master)
    os.close(slave)


def test_a_snapshot_is_json(project: Project) -> None:
    fill(project.start(), *long(30))
    done = ask_here("watch", "--json", folder=project.root)
    told = json.loads(done.stdout)

    assert told["status"]["iterations"] == 30
    assert [one["iteration"] for one in told["rows"]] == list(range(11, 31))
    assert told["work"] is None


def test_outside_of_a_repository_it_says_what_to_do(tmp_path: Path) -> None:
    done = ask_here("watch", "--json", folder=tmp_path)

    assert done.returncode == 2
    assert "git" in done.stderr
    assert "Traceback" not in done.stderr


# As a page


@pytest.fixture
def live(project: Project) -> Iterator[LiveServer]:
    """A served session of thirty tries."""
    fill(project.start(), *long(30))
    server = LiveServer(follower(project))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def test_half_a_request_holds_nothing_for_ever(live: LiveServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("autoresearch_mcp.server.web.live._Handler.timeout", 0.2)
    for half in (b"", b"GET /", b"GET / HTTP/1.1\r\nHost: x\r\n"):
        with socket.create_connection(("127.0.0.1", live.server_port), timeout=PATIENCE_S) as client:
            client.sendall(half)
            assert client.recv(1000) == b""


def ask(
    server: LiveServer, name: str = "", method: str = "GET", content: str | None = None, **headers: str
) -> HTTPResponse:
    connection = HTTPConnection("127.0.0.1", server.server_port, timeout=PATIENCE_S)
    connection.request(method, f"{urlsplit(server.url).path}{name}", content, headers)
    response = connection.getresponse()
    if response.getheader("Content-Type") != "text/event-stream":
        response.body = response.read().decode()  # type: ignore[attr-defined]
        connection.close()
    return response


def body(response: HTTPResponse) -> str:
    text: str = response.body  # type: ignore[attr-defined]
    return text


def events(response: HTTPResponse) -> Iterator[tuple[str, dict[str, Any]]]:
    name = ""
    while line := response.readline().decode():
        kind, _, value = line.rstrip("\n").partition(": ")
        if kind == "event":
            name = value
        elif kind == "data":
            yield name, json.loads(value)


def test_the_page_is_the_report_and_follows(live: LiveServer) -> None:
    answer = ask(live)
    page = Reader(body(answer))

    assert answer.status == 200
    assert page.tries() == [f"try-{number}" for number in range(30, -1, -1)]
    assert page.open == []
    assert [str(a["data-live"])[-3:] for _, a in page.found if "data-live" in a] == [":30"]
    assert CHECKING in page.text


def test_a_new_row_comes_by_itself_with_the_parts_that_changed(live: LiveServer, project: Project) -> None:
    session, _ = live.watch.position()
    response = ask(live, f"events?after={session}:30")
    stream = events(response)
    name, first = next(stream)
    project.try_value(8, HOSTILE)
    rows: list[str] = []
    for _, told in stream:
        if rows := told.get("rows", []):
            break
    response.close()

    assert first["rows"] == []
    assert name == "page"
    assert Reader(rows[0]).tries() == ["try-31"]
    assert "<script" not in rows[0]
    assert {"head", "now", "progress", "morning"} <= set(told["parts"])


def test_what_was_missed_comes_after_a_break(live: LiveServer) -> None:
    session, _ = live.watch.position()
    response = ask(live, "events", **{"Last-Event-ID": f"{session}:25"})
    _, told = next(events(response))
    response.close()

    assert [Reader(one).tries()[0] for one in told["rows"]] == [f"try-{number}" for number in range(26, 31)]


def test_a_page_of_another_session_is_loaded_again(live: LiveServer) -> None:
    response = ask(live, "events?after=another:3")

    assert [name for name, _ in events(response)] == ["again"]


def test_the_journal_is_checked_beside_and_told(live: LiveServer) -> None:
    session, _ = live.watch.position()
    response = ask(live, f"events?after={session}:30")
    parts = (told["parts"] for _, told in events(response))
    found = next(words for part in parts if (words := part.get("morning", "")) and CHECKING not in words)
    response.close()

    assert "no record was edited" in found


def test_details_of_a_try_come_when_they_are_asked_for(live: LiveServer) -> None:
    assert "so it was" in body(ask(live, "try?iteration=1"))
    assert ask(live, "try?iteration=99").status == 404
    assert ask(live, "try?iteration=../x").status == 404


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "127.0.0.1", "127.0.0.1:1", "", "localhost.evil"])
def test_another_host_name_is_refused(live: LiveServer, host: str) -> None:
    answer = ask(live, Host=host)

    assert answer.status == 421
    assert "smaller number" not in body(answer)


def test_localhost_is_the_same_machine(live: LiveServer) -> None:
    assert ask(live, Host=f"localhost:{live.server_port}").status == 200


@pytest.mark.parametrize("path", ["/", "/x/", "//", "/../", "/events", "*"])
def test_without_the_secret_there_is_nothing(live: LiveServer, path: str) -> None:
    with closing(socket.create_connection(("127.0.0.1", live.server_port))) as link:
        link.sendall(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{live.server_port}\r\nConnection: close\r\n\r\n".encode())
        answer = b"".join(iter(lambda: link.recv(65536), b""))

    assert b" 404 " in answer.splitlines()[0]
    assert b"smaller number" not in answer


def say(
    live: LiveServer, origin: str, told: object, kind: str = "application/json", name: str = "steer"
) -> HTTPResponse:
    text = json.dumps(told)
    return ask(live, name, "POST", text, **{"Content-Type": kind, **({"Origin": origin} if origin else {})})


def own_origin(live: LiveServer) -> str:
    return f"http://127.0.0.1:{live.server_port}"


def test_what_a_person_says_on_the_page_reaches_the_agent(live: LiveServer, project: Project) -> None:
    mark, origin = live.watch.mark(), own_origin(live)
    for told in ({"kind": "hint", "text": HOSTILE}, {"kind": "idea", "text": "try zero"}, {"kind": "pause"}):
        answer = say(live, origin, told)
    page = ask(live)

    assert answer.status == 200
    assert "try zero" in body(answer)
    assert "<script>alert" not in body(answer)
    assert "Paused by a person" in body(page)
    assert live.watch.mark() != mark
    with pytest.raises(Refusal, match="paused"):
        project.try_value(8)

    say(live, origin, {"kind": "idea", "without": 1})
    say(live, origin, {"kind": "pause", "without": 0})

    told_agent = project.try_value(8).text()
    assert "Hint of the person" in told_agent
    assert "try zero" not in told_agent


def test_another_page_cannot_steer(live: LiveServer, project: Project) -> None:
    for origin in ("", "null", "http://evil.example", "https://127.0.0.1", f"http://localhost:{live.server_port}"):
        assert say(live, origin, {"kind": "pause"}).status == 403

    assert project.try_value(1).status == "keep"


@pytest.mark.parametrize(
    ("told", "kind", "status"),
    [
        ({"kind": "pause"}, "text/plain", 404),
        ({"kind": "notes", "text": "x"}, "application/json", 400),
        ({"kind": "hint", "text": "x", "more": 1}, "application/json", 400),
        ({"kind": "hint", "text": "x" * 20_000}, "application/json", 413),
    ],
    ids=["a form", "the agent's notes", "more", "long"],
)
def test_nothing_else_is_taken(live: LiveServer, told: object, kind: str, status: int) -> None:
    assert say(live, own_origin(live), told, kind).status == status


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS"])
def test_it_takes_nothing_by_another_method(live: LiveServer, method: str) -> None:
    assert ask(live, method=method).status == 501


def test_only_this_machine_is_answered(live: LiveServer) -> None:
    assert live.server_address[0] == "127.0.0.1"


def test_the_command_prints_where_and_leaves_in_peace(project: Project) -> None:
    project.start()
    with start(project, "--web", stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        address = urlsplit(process.stdout.readline().decode().strip())
        connection = HTTPConnection("127.0.0.1", address.port or 0, timeout=PATIENCE_S)
        connection.request("GET", address.path)
        text = connection.getresponse().read().decode()
        connection.close()
        process.send_signal(signal.SIGINT)

        assert "a smaller number" in text
        assert process.wait(PATIENCE_S) == 0


def test_a_taken_port_is_refused_with_its_cure(project: Project) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = ask_here("watch", "--web", "--port", port, folder=project.root)

    assert done.returncode == 2
    assert "Choose another with --port" in done.stderr
