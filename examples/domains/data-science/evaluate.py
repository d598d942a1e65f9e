import sys

from data import letters
from model import train


def f1(made, asked):
    says = train(made)
    told = [(bool(says(text)), spam) for text, spam in asked]
    right = sum(said and spam for said, spam in told)
    return 2 * right / max(1, sum(said for said, _ in told) + sum(spam for _, spam in told))


if sys.argv[1] == "holdout":
    print(f"METRIC f1={f1(letters(11, 600), letters(97, 600)):.4f}")
else:
    made = letters(11, 600)
    folds = [f1([x for n, x in enumerate(made) if n % 5 != k], made[k::5]) for k in range(5)]
    print(f"METRIC f1={sum(folds) / 5:.4f}")
