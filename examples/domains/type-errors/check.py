import typing

import geometry
from geometry import Track, box, inside, middle

assert middle([(0, 0), (2, 4)]) == (1, 2)
assert box([(0, 5), (2, 1)]) == ((0, 1), (2, 5))
assert inside((1, 2), ((0, 1), (2, 5))) and not inside((3, 2), ((0, 1), (2, 5)))
assert Track([(0, 0), (3, 4)]).length() == 5
for thing in (middle, box, inside, Track.__init__, Track.length):
    typing.get_type_hints(thing, vars(geometry))
