"""A session as its events make it, and the journal that holds them."""
