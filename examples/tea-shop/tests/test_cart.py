import unittest

from shop.cart import Cart


class CartTest(unittest.TestCase):
    def setUp(self) -> None:
        self.cart = Cart()
        self.cart.add("assam", 500, 2)
        self.cart.add("sencha", 900)

    def test_total(self) -> None:
        self.assertEqual(self.cart.total(), 1900)

    def test_discount(self) -> None:
        self.assertEqual(self.cart.total(10), 1710)

    def test_count(self) -> None:
        self.assertEqual(self.cart.count(), 3)
