from pairs import pairs

assert pairs("a b, a B c") == [(("a", "b"), 2), (("b", "a"), 1), (("b", "c"), 1)]
assert pairs("") == []
assert pairs("one") == []
