"""Lines of a project that are worth reading."""

from __future__ import annotations

import pytest

from autoresearch_mcp.tools.workflows.running.inspection import WEAKNESSES, hints


@pytest.mark.parametrize(
    ("path", "line", "what"),
    [
        ("a.py", "cursor.execute(f'SELECT {x}')", "a query is put together from text"),
        ("a.js", "db.query(`SELECT * FROM t WHERE id = ${id}`)", "a query is put together from text"),
        ("a.py", "subprocess.run(cmd, shell=True)", "a shell is given text"),
        ("a.py", "pickle.loads(data)", "foreign data is made into objects"),
        ("a.py", "yaml.load(text)", "foreign data is made into objects"),
        ("a.py", "requests.get(url, verify=False)", "a certificate is not checked"),
        ("a.js", "el.innerHTML = name", "text becomes markup as it is"),
        ("a.py", 'file = PAGES / self.path.lstrip("/")', "a path is put together from input"),
        ("a.py", 'HTTPServer(("", port), Handler)', "listens on every address"),
        ("a.py", "server.bind(('0.0.0.0', 80))", "listens on every address"),
        ("a.py", "HTTPServer(('127.0.0.1', port), Handler)", ""),
        ("a.py", "x = total / self.paths", ""),
        ("a.py", "yaml.load(text, Loader=SafeLoader)", ""),
        ("a.py", "cursor.execute('SELECT ?', (x,))", ""),
        ("a.py", "model.eval()", ""),
    ],
)
def test_lines_that_often_go_with_a_weakness_are_pointed_at(path: str, line: str, what: str) -> None:
    found = hints(path, f"first\n{line}\n", WEAKNESSES)

    assert [(one.what, one.location) for one in found] == ([(what, f"{path}:2")] if what else [])
