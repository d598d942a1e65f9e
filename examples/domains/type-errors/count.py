"""Arguments and results without an annotation, and ten for every `Any` or `object`, which say nothing."""

import ast
import sys

missing = 0
for name in sys.argv[1:]:
    tree = ast.parse(open(name).read(), name)
    named = [ast.unparse(n).rpartition(".")[2] for n in ast.walk(tree) if isinstance(n, ast.Name | ast.Attribute)]
    missing += 10 * sum(name in {"Any", "object"} for name in named)
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            named = [arg for arg in node.args.args if arg.arg != "self"]
            missing += sum(arg.annotation is None for arg in named) + (node.returns is None)
            print(f"{name}:{node.lineno}: {node.name}")
print(f"METRIC missing={missing}")
