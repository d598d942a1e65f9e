"""Percent of the lines of dates.py that the tests run and watch: of the small faults put into a line they notice one."""

import ast
import copy
import io
import re
import sys
import trace
import types
import unittest

SWAPPED = {ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.In: ast.NotIn, ast.NotIn: ast.In, ast.LtE: ast.Gt, ast.Lt: ast.GtE}
SWAPPED |= {ast.Gt: ast.LtE, ast.GtE: ast.Lt, ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mod: ast.Mult, ast.And: ast.Or}
ASSERTED = re.compile(r'File ".*test_\w+\.py".*\n.*assert')


def tried():
    """What the tests say."""
    for name in [name for name in sys.modules if name.startswith("test_")]:
        del sys.modules[name]
    suite = unittest.defaultTestLoader.discover(".")
    return unittest.TextTestRunner(verbosity=0, stream=io.StringIO()).run(suite)


def spoil(node):
    """Put a fault into a node; returns the line that it is in, 0 where there is none to put."""
    if isinstance(node, ast.Constant) and isinstance(node.value, (bool, int)):
        node.value = not node.value if isinstance(node.value, bool) else node.value + 1
    elif isinstance(node, ast.Compare) and type(node.ops[0]) in SWAPPED:
        node.ops[0] = SWAPPED[type(node.ops[0])]()
    elif isinstance(node, (ast.BinOp, ast.BoolOp, ast.AugAssign)) and type(node.op) in SWAPPED:
        node.op = SWAPPED[type(node.op)]()
    elif isinstance(node, ast.Tuple):
        node.elts.reverse()
    elif isinstance(getattr(node, "body", None), list) and isinstance(node.body[0], ast.Raise):
        node.body[0] = ast.copy_location(ast.Pass(), node.body[0])
        return node.body[0].lineno
    elif isinstance(getattr(node, "orelse", None), list) and node.orelse and isinstance(node.orelse[0], ast.Raise):
        node.orelse[0] = ast.copy_location(ast.Pass(), node.orelse[0])
        return node.orelse[0].lineno
    else:
        return 0
    return node.lineno


def noticed(spoiled):
    """Whether an assertion fails with the code that has a fault."""
    module = types.ModuleType("dates")
    try:
        exec(compile(spoiled, "dates.py", "exec"), vars(module))
    except Exception:
        return False
    sys.modules["dates"] = module
    result = tried()  # what fails where nothing is asserted says that the code ran, not that anybody looked
    return bool(result.failures) or any(ASSERTED.search(told) for _, told in result.errors)


tracer = trace.Trace(count=True, trace=False, ignoredirs=[sys.prefix, sys.exec_prefix])
result = tracer.runfunc(tried)
if not result.testsRun or not result.wasSuccessful():
    sys.exit("the tests fail, or there are none")
lines = set(trace._find_executable_linenos("dates.py")) - {0}
ran = {line for (file, line) in tracer.results().counts if file.endswith("dates.py")}
tree = ast.parse(open("dates.py").read())
found = {}
for place, _ in enumerate(ast.walk(tree)):
    spoiled = copy.deepcopy(tree)
    line = spoil(list(ast.walk(spoiled))[place])
    if line in ran:
        found.setdefault(line, []).append(noticed(spoiled))
watched = {line for line in lines & ran if any(found.get(line, [True]))}
print(f"METRIC coverage={100 * len(watched) / len(lines):.2f}")
