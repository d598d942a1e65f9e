import re
import sys
import xml.dom.minidom

page = open("index.html").read()
xml.dom.minidom.parse("picture.svg")
wanted = {
    "24 links": len(set(re.findall(r'href="?/tea/(\d+)', page))) == 24,
    "every name": all(f"Tea number {n}<" in page for n in range(1, 25)),
    "the heading": re.search(r"<h1[^>]*>Our teas", page),
    "the picture": re.search(r"<img[^>]*alt=.A cup of tea", page),
    "its language": 'lang="en"' in page or "lang=en" in page,
    "the green": "005f00" in page + open("style.css").read(),
    "the cup": "fill=\"#005f00\"" in open("picture.svg").read() and "M20 50" in open("picture.svg").read(),
}
if gone := [name for name, there in wanted.items() if not there]:
    sys.exit(f"gone: {gone}")
