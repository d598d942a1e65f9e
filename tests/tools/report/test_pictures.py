"""The progress picture: which scale, what is drawn and labelled, as SVG, as PNG and in letters."""

from __future__ import annotations

import io
import itertools
import math
import xml.etree.ElementTree as ET
from collections.abc import Sequence

import pytest
from PIL import Image

from autoresearch_mcp.tools.decision.decide import Status
from autoresearch_mcp.tools.plan.model import Plan
from autoresearch_mcp.tools.report import plot
from autoresearch_mcp.tools.report.axes import Axis, AxisScale, fit_axis, short
from autoresearch_mcp.tools.report.drawing import BEST, FIELD, STRIP, TARGET, as_braille, as_svg
from autoresearch_mcp.tools.report.labels import Box, LabelAnchor, labels_of
from autoresearch_mcp.tools.report.page import Drawing
from autoresearch_mcp.tools.report.picture import Chapter, Mark, Picture, picture
from autoresearch_mcp.tools.report.rendering import render_section
from autoresearch_mcp.tools.session.events import Row
from autoresearch_mcp.tools.session.fold import standing_of
from filled import HOSTILE, in_order, long, row

SVG = "{http://www.w3.org/2000/svg}"


def plan(**fields: object) -> Plan:
    return Plan.model_validate({"goal": "smaller", "metric": "value", "direction": "lower", **fields})


def session(rows: Sequence[Row] = (), spread: float = 0.0, **fields: object) -> Picture:
    return picture([chapter(rows, spread, "s1", **fields)])


def chapter(rows: Sequence[Row], spread: float = 0.0, name: str = "s1", **fields: object) -> Chapter:
    made = [
        row(0, Status.BASELINE, 10.0, description="baseline"),
        *in_order(rows, lower=fields.get("direction") != "higher"),
    ]
    return Chapter(name, plan(**fields), made, standing_of(made), spread)


def kept(number: int, metric: float, **more: object) -> Row:
    return row(number, Status.KEEP, metric, **more)


# What is shown


def test_drift_of_the_machine_shows_neither_in_the_line_nor_in_the_dots() -> None:
    rows = [
        row(
            1,
            Status.KEEP,
            9.0,
            delta=-1.0,
            gain=1.0,
            claim={"relative": True, "gain": math.log(10 / 9), "variance": 0.01},
        ),
        row(2, metric=18.9, delta=0.9),  # twice as slow now: five percent worse than the incumbent's 18
        row(3, Status.KEEP, 9.0, delta=-9.0, gain=9.0, claim={"relative": True, "gain": math.log(2), "variance": 0.01}),
    ]
    drawn = picture([Chapter("s1", plan(), [row(0, Status.BASELINE, 10.0), *rows], standing_of(rows))])

    assert [level for _, level in drawn.segments[0].steps] == pytest.approx([10, 9, 4.5])
    assert [dot.value for dot in drawn.dots] == pytest.approx([10, 9, 9.45, 4.5])
    assert "beside the incumbent of its time" in render_section(Drawing("progress", "Progress", drawn))


def test_a_keep_that_is_turned_round_takes_its_step_back() -> None:
    rows = [
        row(1, Status.KEEP, 9.0, gain=1.0),
        row(2, Status.KEEP, 7.0, gain=2.0),
        row(3, Status.KEEP, 6.0, gain=1.0, undoes=1),
    ]
    drawn = picture([Chapter("s1", plan(), [row(0, Status.BASELINE, 10.0), *rows], standing_of(rows))])

    assert [level for _, level in drawn.segments[0].steps] == pytest.approx([10, 9, 7, 8])


def test_an_older_keep_that_is_taken_back_leaves_the_line_where_it_was_measured() -> None:
    rows = [
        row(1, Status.KEEP, 9.0, gain=1.0),
        row(2, Status.KEEP, 7.0, gain=2.0),
        row(3, Status.KEEP_UNDO, 7.5, gain=-0.5, undoes=1),
        row(4, Status.KEEP_UNDO, 10.0, gain=-2.5, undoes=3),
    ]
    drawn = picture([Chapter("s1", plan(), [row(0, Status.BASELINE, 10.0), *rows], standing_of(rows))])

    assert [level for _, level in drawn.segments[0].steps] == pytest.approx([10, 9, 7, 7.5, 7])


# Axes


@pytest.mark.parametrize(
    ("core", "others", "kind"),
    [
        ([1.0, 0.97], [1.01, 1.2], AxisScale.LINEAR),
        ([2e6, 3.0], [], AxisScale.LOG),
        ([5.0], [1.0, 1e6, 3e4, 200.0, 1e3], AxisScale.LOG),
        ([0.0, -3.0], [2.0, 1.0], AxisScale.LINEAR),
        ([1e6, -1e6, 2.0, 1.0], [0.0, 3.0, 1e3], AxisScale.ASINH),
        ([1.0], [1.0, 1.1, 1.2, 5e5] * 5, AxisScale.LINEAR),
    ],
    ids=["close", "six magnitudes", "spread discards", "around zero", "both signs, magnitudes", "a few far off"],
)
def test_the_scale_suits_the_numbers(core: list[float], others: list[float], kind: AxisScale) -> None:
    usual = others if kind is not AxisScale.LINEAR or len(others) < 10 else [1.0, 1.1, 1.2] * 20 + [5e5]

    assert fit_axis(core, usual).kind is kind


@pytest.mark.parametrize("core", [[10.0], [0.0], [-5.0, 5.0], [2e6, 3.0], [1e-300, 1e300], [1e308, -1e308]])
def test_all_that_was_kept_lies_inside_and_order_is_kept(core: list[float]) -> None:
    axis = fit_axis(core)
    places = [axis.place(value) for value in sorted(core)]

    assert all(0 <= place <= 1 for place in places)
    assert places == sorted(places)
    assert all(math.isfinite(place) for place in places)


def test_one_run_that_is_far_off_does_not_squeeze_the_others() -> None:
    near = fit_axis([10.0, 9.0], [10.5, 11.0, 10.2])
    far = fit_axis([10.0, 9.0], [10.5, 11.0, 10.2, 99_999.0])

    assert far.kind is AxisScale.LINEAR
    assert far.high < 2 * near.high
    assert far.place(99_999.0) > 1


def test_a_near_target_is_shown_and_a_far_one_costs_no_room() -> None:
    assert fit_axis([10.0, 9.0], [], 8.5).low < 8.5
    assert fit_axis([10.0, 9.0], [], -500.0) == fit_axis([10.0, 9.0])


@pytest.mark.parametrize(
    "axis",
    [
        Axis(0, 1),
        Axis(0.9712, 0.9744),
        Axis(-3, 1e5),
        Axis(1, 1e12, AxisScale.LOG),
        Axis(40, 90, AxisScale.LOG),
        Axis(1e-9, 1e-7, AxisScale.LOG),
        Axis(-1e6, 1e6, AxisScale.ASINH, 10.0),
    ],
    ids=str,
)
def test_ticks_are_few_ordered_inside_and_told_apart(axis: Axis) -> None:
    ticks = axis.ticks(6)

    assert 2 <= len(ticks) <= 9
    assert [tick.value for tick in ticks] == sorted(tick.value for tick in ticks)
    assert all(-1e-9 <= tick.place <= 1 + 1e-9 for tick in ticks)
    assert len({tick.label for tick in ticks}) == len(ticks)


@pytest.mark.parametrize(
    ("value", "words"),
    [(0.0, "0"), (2.5, "2"), (1e6, "10⁶"), (-1e6, "-10⁶"), (2.5e-7, "2.5·10⁻⁷"), (12345.678, "12,346")],
)
def test_labels_are_short(value: float, words: str) -> None:
    assert short(value, 0) == words


# What is drawn


def test_the_line_steps_at_keeps_by_what_they_claim_and_at_nothing_else() -> None:
    made = session([row(1), kept(2, 8.0), kept(3, 8.5), row(4, metric=1.0), kept(5, 7.0)])

    assert made.segments[0].steps == ((0, 10.0), (2, 8.0), (3, 8.5), (5, 7.0))
    assert made.segments[0].last == 5


def test_it_steps_up_where_higher_is_better() -> None:
    made = session([kept(1, 12.0), kept(2, 11.0), kept(3, 15.0)], direction="higher")

    assert made.segments[0].steps == ((0, 10.0), (1, 12.0), (2, 11.0), (3, 15.0))


def test_every_try_has_its_mark() -> None:
    rows = [
        kept(1, 9.0),
        row(2),
        row(3, metric=8.0, guard="fail"),
        row(4, Status.CRASH, None),
        row(5, Status.NO_OP, None),
        row(6, Status.HOOK_BLOCKED, None),
        row(7, Status.METRIC_ERROR, None),
        row(8, Status.TAMPERED, 1.0),
        row(9, Status.KEEP_SIMPLER, 9.0),
        row(10, Status.KEEP_REWORKED, 8.0),
    ]

    assert [dot.mark.name for dot in session(rows).dots] == (
        "BASELINE KEEP DISCARD GUARD CRASH NOTHING NOTHING NOTHING TAMPERED KEEP KEEP".split()
    )


def test_sessions_of_one_metric_stand_side_by_side_each_with_its_own_steps() -> None:
    made = picture([chapter([kept(1, 9.0)], name="s1"), chapter([row(1), kept(2, 4.0)], 0.5, name="s2")])

    assert [(segment.first, segment.last) for segment in made.segments] == [(0, 1), (2, 4)]
    assert made.segments[1].steps == ((2, 10.0), (4, 4.0))
    assert made.segments[1].band(4.0) == (3.0, 5.0)
    assert [dot.iteration for dot in made.dots] == [0, 1, 0, 1, 2]


def test_a_thinned_picture_keeps_what_was_kept_and_counts_all() -> None:
    made = session(long(2000))
    thin = picture([chapter(long(2000))], 300)

    assert len(thin.dots) < 510
    assert [d for d in thin.dots if d.mark is Mark.KEEP] == [d for d in made.dots if d.mark is Mark.KEEP]
    assert (thin.marks, thin.segments, thin.axis) == (made.marks, made.segments, made.axis)
    assert picture([chapter(long(20))], 300) == session(long(20))


def test_of_very_many_keeps_those_worth_most_and_the_ends_are_drawn() -> None:
    rows = [kept(number, 10 - number / 1000 - 2 * (number > 500)) for number in range(1, 900)]
    made, thin = session(rows), picture([chapter(rows)], 50)

    assert len(thin.dots) < 80
    assert (thin.dots[0], thin.dots[-1]) == (made.dots[0], made.dots[-1])
    assert thin.labelled[:24] == made.labelled[:24]
    assert made.dots[501] in thin.dots


def meet(one: Box, other: Box) -> bool:
    across, down = one.left < other.right and other.left < one.right, one.top < other.bottom and other.top < one.bottom
    return across and down


@pytest.mark.parametrize("direction", ["lower", "higher"])
@pytest.mark.parametrize("count", [2, 30, 1000, 2000])
def test_labels_meet_neither_each_other_nor_a_dot_nor_the_edge(count: int, direction: str) -> None:
    sign = 1 if direction == "lower" else -1
    rows = [one.model_copy(update={"metric": one.metric and 10 + sign * (one.metric - 10)}) for one in long(count)]
    field, made = Box(90, 130, 1370, 690), session(rows, direction=direction)
    found = [label for _, label in labels_of(made, field, 6.7, 15)]
    spots = [
        (90 + 1280 * made.across(dot.x), 690 - 560 * made.height(dot.value))
        for dot in made.dots
        if dot.value is not None
    ]
    dots = [Box(x - 3, y - 3, x + 3, y + 3) for x, y in spots]
    boxes = []
    for label in found:
        width = 6.7 * len(label.text)
        left = label.x - width if label.side is LabelAnchor.END else label.x
        boxes.append(Box(left, label.y - 7, left + width, label.y + 7))

    assert len(found) >= min(3, count // 10)
    assert not [pair for pair in itertools.combinations(boxes, 2) if meet(*pair)]
    assert not [pair for pair in itertools.product(boxes, dots) if meet(*pair)]
    assert all(field.left <= box.left and box.right <= field.right for box in boxes)


def test_a_label_says_as_much_as_it_has_room_for() -> None:
    words = "replace the linear search by a dictionary that is built once a request"
    made = session([row(1, Status.KEEP, 9.0, description=words), row(2), row(3)])

    wide, narrow = (labels_of(made, Box(90, 130, right, 690), 6.7, 15)[0][1].text for right in (1370, 500))

    assert wide == f"#1 {words}"
    assert narrow.startswith("#1 replace the linear")
    assert narrow.endswith("…")


def test_the_newest_keep_is_labelled_however_many_there_are() -> None:
    made = session([kept(number, 10 - number / 1000) for number in range(1, 900)])

    dots = [dot.iteration for dot, _ in labels_of(made, Box(90, 130, 1370, 690), 6.7, 15)]

    assert 899 in dots


def test_in_a_crowd_the_newest_keep_is_named_further_off_and_a_line_leads_to_it() -> None:
    crowd = [row(number, metric=10 - min(number, 300) / 100 + (number * 37 % 41 - 30) / 20) for number in range(1, 400)]
    made = session([kept(300, 7.0) if one.iteration == 300 else one for one in crowd], target="2")

    found = {dot.iteration: label for dot, label in labels_of(made, Box(90, 130, 1370, 690), 6.7, 15)}
    drawn = ET.fromstring(as_svg(made)).find(".//g[@class='labels']/path")

    assert {number for number, label in found.items() if label.leads} == {300}
    assert drawn is not None
    assert drawn.get("d")


# As SVG


def uses(svg: ET.Element) -> list[ET.Element]:
    return list(svg.iter("use"))


def test_the_svg_shows_every_try_where_it_belongs() -> None:
    svg = ET.fromstring(as_svg(session([row(1), kept(2, 8.0), row(3, Status.CRASH, None)], 0.2, target="5")))

    by_class = {use.get("class"): use for use in uses(svg)}
    assert len(uses(svg)) == 4
    assert float(by_class["keep"].get("y", "")) > float(by_class["baseline"].get("y", ""))  # better is lower
    assert float(by_class["crash"].get("y", "")) == STRIP
    assert by_class["crash"].get("data-u") is None
    assert [text.text for text in svg.iter("text") if text.get("class") == "label"] == ["#2 try 2"]
    assert "target 5" in {text.text for text in svg.iter("text")}
    assert [path.get("d", "")[:1] for path in svg.iter("path") if path.get("class") == "band"] == ["M"]


def test_what_lies_beyond_is_drawn_at_the_edge() -> None:
    svg = ET.fromstring(as_svg(session([kept(1, 9.0), kept(2, 8.8), row(3, metric=9e9)])))

    far = next(use for use in uses(svg) if use.get("data-x") == "3")
    assert float(far.get("y", "")) == FIELD.top
    assert float(far.get("data-u", "")) > 1


def test_no_description_becomes_markup() -> None:
    text = as_svg(session([kept(1, 9.0, description=HOSTILE)], goal=HOSTILE))
    svg = ET.fromstring(text)

    assert not [node for node in svg.iter() if node.tag in {"script", "img"}]
    assert "<script" not in text
    assert HOSTILE in next(title.text or "" for title in svg.iter("title") if "kept" in (title.text or ""))


# As PNG


@pytest.mark.parametrize("count", [0, 1, 2, 30, 2000])
def test_a_png_of_the_same_size_whatever_the_session(count: int) -> None:
    png = plot.draw(session(long(count), 0.1, target="4"), "in one line", "session s1")
    image = Image.open(io.BytesIO(png))
    image.load()

    assert (image.format, image.size) == ("PNG", (plot.WIDTH, plot.HEIGHT))
    assert len(png) < 200_000


@pytest.mark.parametrize("goal", [HOSTILE, "\x00\x1b[1m", "x" * 5000, "Größe für 数字 ⟨∞⟩", ""])
def test_no_goal_or_description_keeps_it_from_being_drawn(goal: str) -> None:
    assert plot.draw(session([kept(1, 9.0, description=goal)], goal=goal), goal[:80], "s1").startswith(b"\x89PNG")


def test_kept_dots_are_seen_in_their_colour() -> None:
    png = plot.draw(session([kept(1, 9.0), row(2, Status.CRASH, None)]), "", "")
    image = Image.open(io.BytesIO(png)).convert("RGB")
    colours = {colour for _, colour in image.getcolors(1 << 24) or [] if isinstance(colour, tuple)}

    for mark in (Mark.KEEP, Mark.CRASH, Mark.BASELINE):
        wanted = tuple(int(plot.colour(mark.name.lower())[place : place + 2], 16) for place in (1, 3, 5))
        assert min(sum(abs(a - b) for a, b in zip(wanted, seen, strict=True)) for seen in colours) < 24, mark


# In letters


def test_letters_fill_the_room_and_show_best_keeps_and_target() -> None:
    found = as_braille(session([row(1), kept(2, 8.0), row(3, metric=10.5)], target="7.9"), 40, 6)

    assert [sum(len(stretch.text) for stretch in line) for line in found] == [40] * 6
    assert {BEST, TARGET, str(Mark.KEEP), str(Mark.BASELINE)} <= {s.what for line in found for s in line}
    assert all(0x2800 <= ord(letter) <= 0x28FF for line in found for stretch in line for letter in stretch.text)
