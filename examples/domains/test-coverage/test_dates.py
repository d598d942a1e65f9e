import unittest

from dates import parse


class Dates(unittest.TestCase):
    def test_iso(self):
        self.assertEqual(parse("2023-01-31"), (2023, 1, 31))
