"""A small linter: unused imports, several imports on a line, bare excepts, `== None`, mutable defaults, shadowed built-ins.

Code in a string, which it could not read, counts as ten findings.
"""

import ast
import builtins
import sys

found = []
for name in sys.argv[1:]:
    tree = ast.parse(open(name).read(), name)
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}
    for node in ast.walk(tree):
        where = f"{name}:{getattr(node, 'lineno', 0)}"
        if isinstance(node, ast.Import):
            found += [f"{where}: {alias.name} is not used" for alias in node.names if alias.name not in used]
            found += [f"{where}: several imports"] * (len(node.names) > 1)
        if isinstance(node, ast.Name) and node.id in {"exec", "eval", "compile", "__import__"}:
            found += [f"{where}: {node.id} hides code"] * 10
        if isinstance(node, ast.ExceptHandler) and node.type is None:
            found.append(f"{where}: bare except")
        if isinstance(node, ast.Compare) and any(isinstance(c, ast.Constant) and c.value is None for c in node.comparators):
            found += [f"{where}: compared with None by =="] * any(isinstance(op, ast.Eq | ast.NotEq) for op in node.ops)
        if isinstance(node, ast.FunctionDef):
            found += [f"{where}: mutable default" for d in node.args.defaults if isinstance(d, ast.List | ast.Dict)]
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) and hasattr(builtins, node.id):
            found.append(f"{where}: {node.id} hides a built-in")
print("\n".join(found))
print(f"METRIC findings={len(found)}")
