import os
import random
import sys

from data import letters

# Letters are drawn anew for each run, the same for a change and what it has to beat. The model never learns the number.
seed = os.environ.pop("AUTORESEARCH_SEED", "") or random.randrange(10**9)

from model import train


def f1(made, asked):
    says = train(made)
    told = [(bool(says(text)), spam) for text, spam in asked]
    right = sum(said and spam for said, spam in told)
    return 2 * right / max(1, sum(said for said, _ in told) + sum(spam for _, spam in told))


if sys.argv[1] == "holdout":
    print(f"METRIC f1={f1(letters(f'{seed} holdout', 600), letters(f'{seed} asked', 3000)):.4f}")
else:
    made = letters(f"{seed} folds", 600)
    folds = [f1([x for n, x in enumerate(made) if n % 5 != k], made[k::5]) for k in range(5)]
    print(f"METRIC f1={sum(folds) / 5:.4f}")
