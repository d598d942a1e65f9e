import unittest

from shop.store import connect, find_item, save_item, take_from_stock


class StoreTest(unittest.TestCase):
    def setUp(self) -> None:
        self.link = connect(":memory:")
        save_item(self.link, "assam", 500, 2)

    def tearDown(self) -> None:
        self.link.close()

    def test_find(self) -> None:
        self.assertEqual(find_item(self.link, "assam"), ("assam", 500, 2))

    def test_stock_is_taken_once(self) -> None:
        self.assertTrue(take_from_stock(self.link, "assam", 2))
        self.assertFalse(take_from_stock(self.link, "assam", 1))
