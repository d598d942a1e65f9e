"""Points and boxes."""


def middle(points):
    """The mean of some points."""
    return (sum(x for x, _ in points) / len(points), sum(y for _, y in points) / len(points))


def box(points):
    """The corners of the smallest box around some points."""
    xs, ys = [x for x, _ in points], [y for _, y in points]
    return (min(xs), min(ys)), (max(xs), max(ys))


def inside(point, corners):
    """Whether a point lies in a box."""
    (left, bottom), (right, top) = corners
    return left <= point[0] <= right and bottom <= point[1] <= top


class Track:
    """A line through points."""

    def __init__(self, points):
        self.points = list(points)

    def length(self):
        steps = zip(self.points, self.points[1:])
        return sum(((a[0] - b[0]) ** 2 + (a[1] - b[1]) ** 2) ** 0.5 for a, b in steps)
