import random
import sys
from collections import Counter
from time import perf_counter

from pairs import pairs

draw = random.Random()  # new texts each time: what was kept from an earlier one is of no use
times = []
for _ in range(3):
    text = " ".join(draw.choice(["tea", "leaf", "cup", "pot", "Water,", "hot", "cold", "the", "a", "of"]) for _ in range(4000))
    words = text.replace(",", "").lower().split()
    start = perf_counter()
    found = pairs(text)
    times.append(perf_counter() - start)
    if list(found) != sorted(Counter(zip(words, words[1:])).items(), key=lambda entry: (-entry[1], entry[0])):
        sys.exit("the pairs are wrong")
print(f"milliseconds: {min(times) * 1000:.3f}")
