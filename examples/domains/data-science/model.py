"""The filter."""


def train(letters):
    """A function that says whether a text is spam."""
    return lambda text: "!" in text
