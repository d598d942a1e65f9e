"""The Automated Readability Index (Senter and Smith, 1967): the school year whose pupils follow a text."""

import re
import sys

text = " ".join(line for line in open(sys.argv[1]).read().splitlines() if not line.startswith("#"))
words = [re.sub(r"\W", "", word) for word in text.split()]
words = [word for word in words if word]
sentences = len(re.findall(r"[.!?](?=\s|$)", text)) or 1
if not words:
    sys.exit("there is no text")
print(f"METRIC grade={4.71 * sum(map(len, words)) / len(words) + 0.5 * len(words) / sentences - 21.43:.3f}")
