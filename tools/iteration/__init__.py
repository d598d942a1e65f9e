"""One iteration in the order of its steps: preflight, baseline, commit, measure, close."""
