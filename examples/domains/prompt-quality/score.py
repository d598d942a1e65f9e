from model import answer

template = open("prompt.txt").read()
cases = [line.rstrip("\n").split("\t") for line in open("cases.tsv")]
right = 0
for letter, kind in cases:
    said = answer(template.replace("{letter}", letter).strip())
    right += said == kind
    if said != kind:
        print(f"{letter!r}: {said!r}, not {kind!r}")
print(f"METRIC right={100 * right / len(cases):.2f}")
