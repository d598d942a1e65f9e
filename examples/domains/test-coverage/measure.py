"""Percent of the lines of dates.py that the tests run, by the standard library's tracer."""

import sys
import trace
import unittest

tracer = trace.Trace(count=True, trace=False, ignoredirs=[sys.prefix, sys.exec_prefix])
suite = unittest.defaultTestLoader.discover(".")
result = tracer.runfunc(unittest.TextTestRunner(verbosity=0, stream=sys.stderr).run, suite)
if not result.wasSuccessful() or not result.testsRun:
    sys.exit("the tests fail")
lines = {line for line, text in enumerate(open("dates.py"), 1)} & set(trace._find_executable_linenos("dates.py"))
ran = {line for (file, line) in tracer.results().counts if file.endswith("dates.py")}
print(f"METRIC coverage={100 * len(lines & ran) / len(lines):.2f}")
