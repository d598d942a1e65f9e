"""The page says what it said and looks as it did, and its picture still shows every dot that one can see."""

import re
import sys
import xml.etree.ElementTree as tree
from html.parser import HTMLParser

HEADING, LINK = {"color": "#005f00"}, {"color": "#005f00", "text-decoration": "none"}
ROW = {"margin": "0 0 12px", "padding": "4px 8px", "color": "#333333", "background-color": "#ffffff"}


def declared(text):
    """The declarations of a rule, each in its shortest form."""
    found = {}
    for name, value in (one.split(":", 1) for one in text.lower().split(";") if ":" in one):
        parts = ["0" if part == "0px" else part for part in value.split()]
        while len(parts) in (3, 4) and parts[-1] == parts[-3]:
            parts.pop()
        if len(parts) == 2 and parts[0] == parts[1]:
            parts.pop()
        value = re.sub(r"^#(.)(.)(.)$", r"#\1\1\2\2\3\3", " ".join(parts))
        found["background-color" if name.strip() == "background" else name.strip()] = value
    return found


class Page(HTMLParser):
    """What stands on the page: a tag, its attributes, its style and its parent's, by rules for a name or a class, and its text."""

    def __init__(self, page, rules):
        super().__init__()
        self.rules, self.inside, self.found = rules, [{}], []
        self.feed(page)

    def handle_starttag(self, name, given):
        given = dict(given)
        mine = {name, *(f".{one}" for one in (given.get("class") or "").split())}
        style = {k: v for selector, rule in self.rules if selector in mine for k, v in rule.items()}
        style |= declared(given.get("style") or "")
        self.found.append([name, given, style, self.inside[-1], ""])
        if name not in {"img", "meta", "link", "br", "hr"}:
            self.inside.append(style)

    def handle_endtag(self, name):
        self.inside.pop()

    def handle_data(self, data):
        if self.found and data.strip():
            self.found[-1][-1] += data.strip()


def dots(root):
    """Every dot that one can see, its colour its own or that of the group around it."""
    groups = [(root, "")] + [(group, group.get("fill", "")) for group in root.iter("{*}g")]
    circles = [(dot, dot.get("fill") or fill) for group, fill in groups for dot in group.findall("{*}circle")]
    return [(*(float(dot.get(key, 0)) for key in ("cx", "cy", "r")), fill) for dot, fill in circles]


def same(one, other):
    return one[3] == other[3] and all(abs(mine - theirs) <= 0.1 for mine, theirs in zip(one[:3], other))


css = re.sub(r"/\*.*?\*/", "", open("style.css").read(), flags=re.S)
rules = [(s.strip(), declared(body)) for names, body in re.findall(r"([^{}]+)\{([^}]*)\}", css) for s in names.split(",")]
found = Page(open("index.html").read(), rules).found
links = [one for one in found if one[0] == "a"]
new, old = (tree.parse(name).getroot() for name in ("picture.svg", "original.svg"))
drawn, shapes = dots(new), [(path.get("d"), path.get("fill")) for path in old.iter("{*}path")]
wanted = {
    "the links": [(one[1].get("href"), one[4]) for one in links] == [(f"/tea/{n}", f"Tea number {n}") for n in range(1, 25)],
    "their looks": all(LINK.items() <= one[2].items() for one in links),
    "the rows": all(ROW.items() <= one[3].items() for one in links),
    "the heading": any(one[0] == "h1" and one[4] == "Our teas" and HEADING.items() <= one[2].items() for one in found),
    "the picture": any(one[0] == "img" and one[1].get("src") == "picture.svg" and one[1].get("alt") == "A cup of tea" for one in found),
    "its style": any(one[0] == "link" and one[1].get("href") == "style.css" for one in found),
    "its language": any(one[0] == "html" and one[1].get("lang") == "en" for one in found),
    "the text's looks": any(name == "body" and rule == {"font-family": "serif", "color": "#333333"} for name, rule in rules),
    "the cup": all(shape in [(path.get("d"), path.get("fill")) for path in new.iter("{*}path")] for shape in shapes),
    "the dots": all(any(same(dot, one) for one in drawn) for dot in dots(old) if dot[2] > 0.1),
    "its size": new.get("viewBox") == old.get("viewBox"),
    "nothing hidden": {part.tag.rpartition("}")[2] for part in new.iter()} <= {"svg", "title", "path", "circle", "g"}
    and not {name for part in new.iter() for name in part.attrib} - {"viewBox", "d", "fill", "cx", "cy", "r"},
}
if gone := [name for name, there in wanted.items() if not there]:
    sys.exit(f"not as it was: {gone}")
