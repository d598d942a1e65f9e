import random
import time

from pairs import pairs

draw = random.Random(1)
text = " ".join(draw.choice(["tea", "leaf", "cup", "pot", "Water,", "hot", "cold", "the", "a", "of"]) for _ in range(4000))
times = []
for _ in range(3):
    start = time.perf_counter()
    pairs(text)
    times.append(time.perf_counter() - start)
print(f"milliseconds: {min(times) * 1000:.3f}")
