from inventory import add, dump, find, price

shelf = add({"name": "tea", "price": "3"}, [])
assert find(shelf, "tea") == {"name": "tea", "price": "3"}
assert (price(shelf, "tea"), price(shelf, "no"), price([{"name": "x", "price": "y"}], "x")) == (3, 0, 0)
assert dump([]) == '{"type": "json", "shelf": []}'
