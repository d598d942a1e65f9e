"""Arguments and results without an annotation, and ten for every `Any`, which says nothing."""

import ast
import sys

missing = 0
for name in sys.argv[1:]:
    tree = ast.parse(open(name).read(), name)
    missing += 10 * sum(isinstance(n, ast.Name | ast.Attribute) and "Any" in ast.unparse(n) for n in ast.walk(tree))
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            named = [arg for arg in node.args.args if arg.arg != "self"]
            missing += sum(arg.annotation is None for arg in named) + (node.returns is None)
            print(f"{name}:{node.lineno}: {node.name}")
print(f"METRIC missing={missing}")
