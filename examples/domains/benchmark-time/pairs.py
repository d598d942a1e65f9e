"""Counts pairs of words."""


def pairs(text):
    """How often each two words stand next to each other, the most frequent first, equal ones by name."""
    words = []
    for word in text.split():
        clean = ""
        for letter in word:
            if letter.isalpha():
                clean = clean + letter.lower()
        if clean != "":
            words = words + [clean]
    counted = []
    for place in range(len(words) - 1):
        pair = (words[place], words[place + 1])
        for entry in counted:
            if entry[0] == pair:
                entry[1] = entry[1] + 1
                break
        else:
            counted.append([pair, 1])
    return sorted(((pair, number) for pair, number in counted), key=lambda entry: (-entry[1], entry[0]))
