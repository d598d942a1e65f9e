"""Each line of facts.txt has to be said in one sentence, `|` between words of which one will do, and no sentence says nothing."""

import re
import sys

text = " ".join(line for line in open("help.md").read().splitlines() if not line.startswith("#")).lower()
sentences = [sentence for sentence in re.split(r"(?<=[.!?])\s+", text) if sentence.strip()]


def says(sentence, fact):
    return all(re.search(part, sentence) for part in fact.split(" + "))


facts = open("facts.txt").read().splitlines()
if missing := [fact for fact in facts if not any(says(sentence, fact) for sentence in sentences)]:
    sys.exit(f"not said in one sentence any more: {missing}")
if idle := [sentence for sentence in sentences if not any(re.search(part, sentence) for fact in facts for part in fact.split(" + ")[:2])]:
    sys.exit(f"these say no fact: {idle}")
