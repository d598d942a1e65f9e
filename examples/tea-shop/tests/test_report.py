import unittest

from shop.report import best_sellers


class ReportTest(unittest.TestCase):
    def test_the_most_sold_come_first(self) -> None:
        rows = [("sencha", 2), ("assam", 1), ("assam", 4), ("oolong", 2)]
        self.assertEqual(best_sellers(rows, 2), [("assam", 5), ("oolong", 2)])
