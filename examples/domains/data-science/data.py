"""Letters made by a seed: one in three is spam, and the signs of it are many and weak."""

import random

SPAM = "free win cash offer now click prize urgent deal money".split()
PLAIN = "meeting lunch report tea friday draft thanks kind garden letter".split()
BOTH = "the a of to and you your we today please see mail new time".split()


def letters(seed, number):
    draw = random.Random(seed)
    made = []
    for _ in range(number):
        spam = draw.random() < 1 / 3
        words = []
        for _ in range(draw.randrange(8, 30)):
            kind = draw.random()
            own, other = (SPAM, PLAIN) if spam else (PLAIN, SPAM)
            words.append(draw.choice(own if kind < 0.25 else other if kind < 0.35 else BOTH))
        text = " ".join(words) + "!" * draw.choice([0, 0, 0, 1, 2] if spam else [0, 0, 0, 0, 1])
        made.append((text.upper() if spam and draw.random() < 0.1 else text, spam))
    return made
