"use strict";
// The page stands without this script; it adds zoom and hover to the picture, filters to the table, and the live updates.
(() => {
  const FIELD = { left: 70, top: 28, right: 14, bottom: 76 };  // margins in pixels, as the server draws them
  const SLIM = 54;
  const STRIP = 56;
  const NARROW = 560;
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const one = (selector, root = document) => root.querySelector(selector);
  const hidden = new Set();
  let view = null;

  // Scales: the same three as the server's, for the ticks of a part of the picture.

  function scale(text) {
    const [kind, low, high, soft] = text.split(" ");
    const inner = kind === "log" ? Math.log : kind === "asinh" ? (v) => Math.asinh(v / soft) : (v) => v;
    const outer = kind === "log" ? Math.exp : kind === "asinh" ? (v) => soft * Math.sinh(v) : (v) => v;
    const first = inner(+low), last = inner(+high);
    return { kind, of: (u) => outer(first + u * (last - first)), to: (v) => (inner(v) - first) / (last - first) };
  }

  function roundNumbers(low, high, most) {
    const raw = (high - low) / most, power = 10 ** Math.floor(Math.log10(raw));
    const step = power * [1, 2, 5, 10].find((size) => raw <= size * power * (1 + 1e-9));
    const found = [];
    for (let place = Math.ceil(low / step); place * step <= high; place += 1) found.push(place * step + 0);  // no -0
    return found;
  }

  function valueTicks(axis, from, to, most) {
    const low = axis.of(from), high = axis.of(to);
    if (axis.kind === "linear" || (axis.kind === "log" && high / low < 8)) return roundNumbers(low, high, most);
    const found = [];
    for (let power = -300; power <= 300; power += 1) {
      for (const value of axis.kind === "log" ? [10 ** power] : [10 ** power, -(10 ** power)]) {
        if (value >= low && value <= high && (axis.kind === "log" || Math.abs(axis.to(value) - axis.to(0)) > 0.04)) found.push(value);
      }
    }
    if (axis.kind === "asinh" && low <= 0 && high >= 0) found.push(0);
    found.sort((a, b) => a - b);
    if (found.length < 2) return roundNumbers(low, high, most);
    const every = Math.ceil(found.length / most);
    return found.filter((_, place) => place % every === 0);
  }

  function power(value) {
    const [head, tens] = value.toExponential(2).replace(/\.?0+e/, "e").split("e");
    const raised = `10${[...String(+tens)].map((sign) => "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"["-0123456789".indexOf(sign)]).join("")}`;
    return head === "1" ? raised : head === "-1" ? `-${raised}` : `${head}·${raised}`;
  }

  function labelled(values, alike) {
    const digits = (value) => (Math.abs(value) >= 1e-4 || !value ? (String(+value.toPrecision(12)).split(".")[1] || "").length : 0);
    const all = Math.max(0, ...values.map(digits));
    return values.map((value) => {
      const most = alike ? all : digits(value);
      const size = Math.abs(value);
      if (value && (size >= 1e6 || size < 1e-4)) return power(value);
      return value.toLocaleString("en-US", { minimumFractionDigits: Math.min(most, 8), maximumFractionDigits: Math.min(most, 8) });
    });
  }

  // The picture: everything has its place in units of the whole picture; a view is a part of it.

  class Picture {
    constructor(svg) {
      this.svg = svg;
      this.places = +svg.dataset.width;
      this.axis = scale(svg.dataset.axis);
      this.down = svg.dataset.down === "1";
      this.dots = all(".dots use", svg).map((node) => {
        const title = one("title", node);
        const words = title ? title.textContent : "";
        if (title) title.remove();
        const { x, u } = node.dataset;
        return { node, words, x: +x, u: u === undefined ? null : +u, mark: node.getAttribute("class"), of: node.dataset.try };
      });
      this.runs = all(".run", svg).map((node) => ({
        node,
        first: +node.dataset.first,
        last: +node.dataset.last,
        steps: node.dataset.steps ? node.dataset.steps.split(";").map((step) => step.split(":").map(Number)) : [],
      }));
      this.labels = all(".labels text", svg).map((node) => ({ node, x: +node.dataset.x, u: +node.dataset.u, text: node.dataset.text }));
      this.whole = { left: -0.5, right: this.places - 0.5, low: 0, high: 1 };
      view = view && view.right <= this.whole.right ? view : null;
      this.place();
    }

    get area() { return view || this.whole; }

    // Where a place and a height are, in pixels.
    x(place) { return FIELD.left + ((place - this.area.left) / (this.area.right - this.area.left)) * (this.width - FIELD.left - FIELD.right); }
    y(u) {
      const bottom = this.height - FIELD.bottom;
      const at = bottom - ((u - this.area.low) / (this.area.high - this.area.low)) * (bottom - FIELD.top);
      return Math.min(bottom, Math.max(FIELD.top, at));
    }
    placeAt(pixel) { return this.area.left + ((pixel - FIELD.left) / (this.width - FIELD.left - FIELD.right)) * (this.area.right - this.area.left); }

    place() {
      this.width = Math.max(300, this.svg.clientWidth || 960);
      this.height = this.width < NARROW ? 340 : Math.round(Math.min(520, Math.max(380, this.width * 0.42)));
      FIELD.left = this.width < NARROW ? SLIM : 70;
      this.svg.setAttribute("viewBox", `0 0 ${this.width} ${this.height}`);
      this.frame();
      this.runs.forEach((run) => this.run(run));
      this.goal();
      for (const dot of this.dots) {
        const inside = dot.x >= this.area.left && dot.x <= this.area.right && !hidden.has(dot.mark);
        dot.node.toggleAttribute("hidden", !inside);
        dot.node.style.display = inside ? "" : "none";
        if (!inside) continue;
        dot.px = this.x(dot.x);
        dot.py = dot.u === null ? this.height - STRIP : this.y(dot.u);
        dot.node.setAttribute("x", dot.px.toFixed(1));
        dot.node.setAttribute("y", dot.py.toFixed(1));
      }
      this.name();
      const button = one('[data-do="whole"]');
      if (button) button.hidden = !view;
    }

    frame() {
      const grid = one(".grid", this.svg), right = this.width - FIELD.right, parts = [];
      const values = valueTicks(this.axis, this.area.low, this.area.high, this.height / 52);
      const words = labelled(values, this.axis.kind === "linear");
      grid.replaceChildren();
      values.forEach((value, place) => {
        const y = this.y(this.axis.to(value));
        parts.push(made("path", { d: `M${FIELD.left} ${y}H${right}` }), made("text", { class: "y", x: FIELD.left - 8, y }, words[place]));
      });
      const shown = this.area.right - this.area.left, most = Math.max(2, (right - FIELD.left) / 90);
      const step = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 50000].find((size) => shown / size <= most) || 1e5;
      for (const run of this.runs) {
        for (let number = 0; run.first + number <= run.last; number += step) {
          const at = run.first + number;
          if (at < this.area.left || at > this.area.right) continue;
          parts.push(made("text", { class: "x", x: this.x(at), y: this.height - STRIP + 26 }, number.toLocaleString("en-US")));
        }
      }
      grid.append(...parts);
      const strip = one(".strip rect", this.svg), name = one(".strip text", this.svg);
      if (strip) {
        strip.setAttribute("x", FIELD.left);
        name.setAttribute("x", FIELD.left - 8);
        strip.setAttribute("y", this.height - STRIP - 10);
        strip.setAttribute("width", right - FIELD.left);
        name.setAttribute("y", this.height - STRIP);
      }
      const axis = one("text.axis", this.svg);
      axis.setAttribute("x", (FIELD.left + right) / 2);
      axis.setAttribute("y", this.height - 9);
      const clip = one("clipPath rect", this.svg);
      clip.setAttribute("x", FIELD.left - 6);
      clip.setAttribute("width", right - FIELD.left + 12);
      clip.setAttribute("height", this.height - FIELD.bottom - FIELD.top + 14);
    }

    run({ node, first, last, steps }) {
      const ends = steps.map((step, place) => (place + 1 < steps.length ? steps[place + 1][0] : last));
      const stairs = (which) => steps.map((step, place) => [this.x(step[0]), this.x(ends[place]), this.y(step[which])]);
      const path = (rows) => rows.map(([from, to, y], place) => `${place ? "L" : "M"}${from} ${y}H${to}`).join("");
      const back = stairs(2).reverse().map(([from, to, y]) => `L${to} ${y}H${from}`).join("");
      const wide = steps.some((step) => step[2] !== step[3]);
      one(".band", node).setAttribute("d", wide ? `${path(stairs(3))}${back}Z` : "");
      one(".best", node).setAttribute("d", path(stairs(1)));
      const at = this.x(first - 0.5), words = one("text.edge", node);
      one("path.edge", node).setAttribute("d", first ? `M${at} ${FIELD.top}V${this.height - FIELD.bottom}` : "");
      if (words) words.setAttribute("x", Math.max(at, FIELD.left) + 5);
    }

    goal() {
      const node = one(".target", this.svg);
      if (!node) return;
      const u = +node.dataset.u, seen = u >= this.area.low && u <= this.area.high, y = this.y(u);
      one("path", node).setAttribute("d", seen ? `M${FIELD.left} ${y}H${this.width - FIELD.right}` : "");
      const words = one("text", node);
      words.setAttribute("x", this.width - FIELD.right);
    }

    // Labels: the most telling first, each where most of its text meets no other label, line or dot, and cut to that.
    name() {
      const taken = [];
      for (const { steps, last } of this.runs) {
        steps.forEach((step, place) => {
          const end = place + 1 < steps.length ? steps[place + 1][0] : last, x = this.x(step[0]), y = this.y(step[1]);
          taken.push([x, y - 1, this.x(end), y + 1]);
          if (place) taken.push([x - 1, Math.min(y, this.y(steps[place - 1][1])), x + 1, Math.max(y, this.y(steps[place - 1][1]))]);
        });
      }
      for (const dot of this.dots) if (dot.u !== null && !dot.node.hasAttribute("hidden")) taken.push([dot.px - 5, dot.py - 5, dot.px + 5, dot.py + 5]);
      const goal = one(".target", this.svg);
      if (goal) taken.push([FIELD.left, this.y(+goal.dataset.u) - 1, this.width, this.y(+goal.dataset.u) + 1]);
      const way = this.down ? 1 : -1, bottom = this.height - FIELD.bottom, right = this.width - FIELD.right;
      const spots = [[-7, 13], [7, 13], [-10, 0], [10, 0], [-7, 24], [7, 24], [-7, 36], [7, 36], [-7, -13], [7, -13]];
      const far = [...Array(26).keys()].flatMap((row) => [[-7, 56 + 14 * row], [7, 56 + 14 * row]]);  // a line leads to the dot
      let lead = "";
      for (const [place, label] of this.labels.entries()) {
        const x = this.x(label.x), y = this.y(label.u), first = label.text.split(" ")[0];
        const seen = label.x >= this.area.left && label.x <= this.area.right && label.u >= this.area.low && label.u <= this.area.high && !hidden.has("keep");
        let most = 0, found = null;
        for (const [dx, dy] of seen ? [...spots, ...(place ? [] : far)] : []) {
          if (dy > 36 && most >= first.length && found.near) break;
          const from = x + dx, at = y + way * dy;
          if (at - 7 < FIELD.top || at + 7 > bottom) continue;
          const beside = taken.filter((box) => box[1] < at + 7 && at - 7 < box[3]);
          const room = dx > 0 ? Math.min(right, ...beside.filter((box) => box[2] > from).map((box) => box[0])) - from
            : from - Math.max(FIELD.left, ...beside.filter((box) => box[0] < from).map((box) => box[2]));
          const letters = Math.min(label.text.length, Math.floor(room / 6 - 1));
          if (letters > most) [most, found] = [letters, { x: from, y: at, anchor: dx > 0 ? "start" : "end", near: dy <= 36 }];
        }
        const text = most >= label.text.length ? label.text : most > first.length + 6 ? `${label.text.slice(0, most - 1).trimEnd()}…` : most >= first.length ? first : "";
        label.node.setAttribute("display", text ? "inline" : "none");
        if (!text) continue;
        const wide = (text.length + 1) * 6, from = found.anchor === "end" ? found.x - wide : found.x;
        taken.push([from, found.y - 7, from + wide, found.y + 7]);
        if (!found.near) lead = `M${x} ${y}L${found.x} ${found.y}`;
        label.node.textContent = text;
        for (const [name, value] of [["x", found.x], ["y", found.y], ["text-anchor", found.anchor]]) label.node.setAttribute(name, value);
      }
      one(".labels path", this.svg).setAttribute("d", lead);
    }

    nearest(x, y) {
      let best = null, least = 26 ** 2;
      for (const dot of this.dots) {
        if (dot.node.hasAttribute("hidden")) continue;
        const far = (dot.px - x) ** 2 + (dot.py - y) ** 2;
        if (far < least) [best, least] = [dot, far];
      }
      return best;
    }

    zoom(left, right) {
      const from = Math.max(this.whole.left, left), to = Math.min(this.whole.right, right);
      if (to - from >= this.whole.right - this.whole.left - 1e-6) view = null;
      else if (to - from >= 1.5) {
        const heights = [];
        for (const dot of this.dots) if (dot.u !== null && dot.u >= 0 && dot.u <= 1 && dot.x >= from && dot.x <= to) heights.push(dot.u);
        for (const { steps, last } of this.runs) {
          steps.forEach((step, place) => {
            const end = place + 1 < steps.length ? steps[place + 1][0] : last;
            if (step[0] <= to && end >= from) heights.push(step[1]);
          });
        }
        const low = Math.min(...heights), high = Math.max(...heights), room = (high - low) * 0.08 || 0.05;
        view = heights.length ? { left: from, right: to, low: low - room, high: high + room } : { ...this.whole, left: from, right: to };
      }
      this.place();
    }
  }

  function made(name, attributes, text) {
    const node = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
    if (text !== undefined) node.textContent = text;
    return node;
  }

  let picture = null;

  function enhance() {
    const svg = one("svg.picture");
    if (!svg || (picture && picture.svg === svg)) return;
    picture = new Picture(svg);
    const stage = svg.parentElement, tip = one(".tip", stage);
    const at = (event) => {
      const box = svg.getBoundingClientRect();
      return [((event.clientX - box.left) / box.width) * picture.width, ((event.clientY - box.top) / box.height) * picture.height];
    };
    let from = null, brush = null, shown = null;
    const show = (dot) => {
      if (shown) shown.node.classList.remove("found");
      shown = dot;
      tip.hidden = !dot;
      if (!dot) return;
      dot.node.classList.add("found");
      tip.textContent = dot.words;
      const share = stage.clientWidth / picture.width, x = dot.px * share, y = dot.py * share;
      tip.style.left = `${Math.max(0, Math.min(stage.clientWidth - tip.offsetWidth, x + (x > stage.clientWidth / 2 ? -tip.offsetWidth - 12 : 12)))}px`;
      tip.style.top = `${Math.max(0, y - tip.offsetHeight - 8)}px`;
    };
    svg.addEventListener("pointerdown", (event) => {
      if (event.button || event.pointerType === "touch") return;
      from = at(event)[0];
      svg.setPointerCapture(event.pointerId);
    });
    svg.addEventListener("pointermove", (event) => {
      const [x, y] = at(event);
      if (from === null) { show(picture.nearest(x, y)); return; }
      if (Math.abs(x - from) < 6 && !brush) return;
      show(null);
      if (!brush) svg.append(brush = made("rect", { class: "brush", y: FIELD.top, height: picture.height - FIELD.bottom - FIELD.top }));
      brush.setAttribute("x", Math.min(x, from));
      brush.setAttribute("width", Math.abs(x - from));
    });
    svg.addEventListener("pointerup", (event) => {
      const [x, y] = at(event), began = from;
      from = null;
      if (brush) {
        brush.remove();
        brush = null;
        const ends = [picture.placeAt(began), picture.placeAt(x)].sort((a, b) => a - b);
        picture.zoom(...ends);
        return;
      }
      const dot = picture.nearest(x, y);
      show(dot);
      if (dot && dot.of !== undefined) openTry(dot.of);
    });
    svg.addEventListener("keydown", (event) => {
      const { left, right } = picture.area, middle = shown ? shown.x : (left + right) / 2;
      const scaled = (by) => picture.zoom(middle - (middle - left) * by, middle + (right - middle) * by);
      const move = (way) => {
        const dots = picture.dots.filter((dot) => !dot.node.hasAttribute("hidden")).sort((a, b) => a.x - b.x);
        const next = shown ? dots.indexOf(shown) + way : way > 0 ? 0 : dots.length - 1;
        if (dots[next]) show(dots[next]);
      };
      const keys = {
        ArrowRight: () => move(1), ArrowLeft: () => move(-1), Enter: () => shown && shown.of !== undefined && openTry(shown.of),
        "+": () => scaled(0.6), "-": () => scaled(1.7), 0: () => { view = null; picture.place(); },
      };
      if (!keys[event.key] || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      keys[event.key]();
    });
    svg.addEventListener("blur", () => show(null));
    svg.addEventListener("pointerleave", () => { if (from === null) show(null); });
    svg.addEventListener("dblclick", () => { view = null; picture.place(); });
    svg.addEventListener("wheel", (event) => {
      if (!event.ctrlKey && !event.metaKey) return;  // plain scrolling stays the page's
      event.preventDefault();
      const middle = picture.placeAt(at(event)[0]), { left, right } = picture.area, by = event.deltaY < 0 ? 0.8 : 1.25;
      picture.zoom(middle - (middle - left) * by, middle + (right - middle) * by);
    }, { passive: false });
  }

  async function openTry(number) {
    const row = document.getElementById(`try-${number}`) || (await unpacked(), put(rest.filter((one) => one.number === +number)));
    const found = row || document.getElementById(`try-${number}`);
    if (!found) return;
    found.hidden = false;
    found.open = true;
    found.scrollIntoView({ block: "center", behavior: "smooth" });
    one("summary", found).focus({ preventScroll: true });
  }

  // The table. Of a long session most rows are packed; they are unpacked when somebody looks for one.

  const AT_ONCE = 200;
  const packed = one("[data-rest]");
  let rest = [];  // rows in short that are not in the table, newest first
  let unpacking = null;

  function unpacked() {
    if (packed && !unpacking) unpacking = unpack();
    return unpacking;
  }

  async function unpack() {
    try {
      const data = packed.dataset.rest === "live" ? (await fetch("rows")).body
        : new Blob([Uint8Array.from(atob(packed.textContent), (letter) => letter.charCodeAt(0))]).stream();
      const text = await new Response(data.pipeThrough(new DecompressionStream("deflate"))).text();
      packed.textContent = "";
      const [numbers, marks, statuses, metrics, deltas, times, descriptions, also] = text.split("\x1e").map((column) => column.split("\n"));
      rest = numbers.map((number, place) => ({
        number: +number, mark: marks[place], status: statuses[place], metric: metrics[place], delta: deltas[place], time: times[place],
        description: descriptions[place],
        words: `#${number} ${descriptions[place]} ${statuses[place]} ${also[place]}`.toLowerCase(),
      })).filter((row) => !document.getElementById(`try-${row.number}`));
    } catch {
      one("[data-more] span").textContent = "This browser cannot unpack the other tries; history shows them.";
      one('[data-do="more"]').hidden = true;
    }
  }

  function element(name, attributes, ...children) {
    const node = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
    node.append(...children);
    return node;
  }

  function tryOf(row) {
    const span = (kind, ...children) => element("span", kind ? { class: kind } : {}, ...children);
    const icon = made("svg", { class: `icon ${row.mark}`, viewBox: "-7 -7 14 14", "aria-hidden": "true" });
    const shape = document.getElementById(`picture-${row.mark}`);
    icon.append(made("path", { d: shape ? shape.getAttribute("d") : "" }));
    const good = row.mark === "keep" && +row.delta && picture && row.delta.startsWith("-") === picture.down;
    const line = element("summary", { class: "line" }, span("number", `#${row.number}`), span("words", row.description), span("", icon, ` ${row.status}`),
      span("", row.metric), span(`delta ${good ? "good" : "plain"}`, row.delta), span("number", row.time));
    const lazy = element("div", { class: "body", "data-lazy": "" }, element("p", { class: "muted" }, packed.dataset.lazy));
    return element("details", { class: `try ${row.mark}`, id: `try-${row.number}`, "data-mark": row.mark, "data-words": row.words }, line, lazy);
  }

  // The order of the rows: a column, and whether what is small comes first. What has no number comes last.
  let order = { by: "try", up: false };
  const UNITS = { ms: 0.001, s: 1, min: 60, h: 3600, days: 86400 };
  const COLUMNS = ["try", "description", "status", "metric", "delta", "time"];

  function keyOf(cells) {
    const text = cells[COLUMNS.indexOf(order.by)].trim();
    if (order.by === "description" || order.by === "status") return text;
    if (order.by === "try") return +text.replace("#", "");
    if (order.by !== "time") return text === "-" ? NaN : parseFloat(text);
    return [...text.matchAll(/([\d.,]+) (ms|s|min|h|days)/g)].reduce((sum, [, number, unit]) => sum + parseFloat(number.replace(",", "")) * UNITS[unit], 0);
  }

  function inOrder(items, cellsOf) {
    const way = order.up ? 1 : -1;
    const compare = (a, b) => (a === b ? 0 : Number.isNaN(a) ? 1 : Number.isNaN(b) ? -1 : a < b ? -way : way);
    return items.map((item) => [keyOf(cellsOf(item)), item]).sort((a, b) => compare(a[0], b[0])).map(([, item]) => item);
  }

  function arrange() {
    const rows = one("[data-rows]");
    rows.append(...inOrder([...rows.children], (node) => [...one("summary", node).children].map((cell) => cell.textContent)));
    rest = inOrder(rest, (row) => [`#${row.number}`, row.description, row.status, row.metric, row.delta, row.time]);
  }

  async function sort(button) {
    const by = button.dataset.sort;
    order = { by, up: order.by === by ? !order.up : by === "description" || by === "status" };
    for (const other of all("[data-sort]")) {
      other.setAttribute("aria-pressed", String(other === button));
      other.textContent = `${other.dataset.sort}${other === button ? (order.up ? " ↑" : " ↓") : ""}`;
    }
    if (packed) await unpacked();
    arrange();
    if (rest.length) put(rest.slice(0, AT_ONCE));
    filter(false);
  }

  // Put rows of the rest into the table; returns the last of them.
  function put(chosen) {
    const numbers = new Set(chosen.map((row) => row.number)), made = chosen.map(tryOf);
    rest = rest.filter((row) => !numbers.has(row.number));
    one("[data-rows]").append(...made);
    arrange();
    return made[made.length - 1];
  }

  // Find the rows that match; of those that are not in the table yet put some there, or more of them.
  async function filter(more) {
    const search = one('input[type="search"]');
    if (!search) return;
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const matches = (mark, text) => !hidden.has(mark) && words.every((word) => text.includes(/^#\d+$/.test(word) ? `${word} ` : word));  // #17 is not #170
    if (packed && (more || words.length)) {
      await unpacked();
      if (search.value.toLowerCase().split(/\s+/).filter(Boolean).join(" ") !== words.join(" ")) return;  // typed on meanwhile
    }
    let shown = 0;
    const see = () => {
      shown = 0;
      for (const row of all("details.try")) {
        row.hidden = !matches(row.dataset.mark, row.dataset.words);
        shown += !row.hidden;
      }
    };
    see();
    let found = unpacking ? rest.filter((row) => matches(row.mark, row.words)) : null;
    const room = more ? AT_ONCE : words.length ? AT_ONCE - shown : 0;
    if (found && room > 0 && found.length) {
      put(found.slice(0, room));
      found = rest.filter((row) => matches(row.mark, row.words));
      see();
    }
    one("[data-none]").hidden = shown > 0;
    const note = one("[data-more]");
    if (!note || !found) return;
    note.hidden = !found.length;
    if (found.length) one("span", note).textContent = `${found.length.toLocaleString("en-US")} more tries ${words.length || hidden.size ? "match" : "are not in this table yet; a search finds them"}.`;
  }

  async function copy(button) {
    const words = button.previousElementSibling;
    try {
      await navigator.clipboard.writeText(words.textContent);
      button.textContent = "Copied";
    } catch {  // no clipboard here: it is marked, to be copied by hand
      getSelection().selectAllChildren(words);
      button.textContent = "Press Ctrl-C";
    }
  }

  // What a person says to the agent: the address that it goes to holds the secret of this page.
  async function steer({ steer: kind, without }) {
    const input = one(".steer input"), text = without === undefined ? input.value : "";
    if (!text.trim() && kind !== "pause" && without === undefined) { input.focus(); return; }
    try {
      const answer = await fetch("steer", { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ kind, text, without: without === undefined ? null : +without }) });
      if (!answer.ok) throw new Error(await answer.text());
      if (without === undefined) input.value = "";
      take({ parts: { steer: await answer.text() } });
    } catch (error) {
      one(".steer .hint").textContent = `It was not said: ${error.message}`;
    }
  }

  function pressed() {
    for (const button of all("button[data-mark]")) button.setAttribute("aria-pressed", String(!hidden.has(button.dataset.mark)));
    filter(false);
    if (picture) picture.place();
  }

  document.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (!button) {
      const link = event.target.closest('a[href^="#try-"]');
      if (link) { event.preventDefault(); openTry(link.getAttribute("href").slice(5)); }
      return;
    }
    if (button.dataset.mark) {
      const { mark } = button.dataset;
      if (!hidden.delete(mark)) hidden.add(mark);
      pressed();
    } else if (button.dataset.do === "whole") {
      view = null;
      picture.place();
    } else if (button.dataset.do === "theme") {
      const root = document.documentElement, dark = getComputedStyle(root).colorScheme;
      const now = dark.includes(" ") ? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light") : dark;
      root.style.colorScheme = now === "dark" ? "light" : "dark";
    } else if (button.dataset.do === "copy") {
      copy(button);
    } else if (button.dataset.do === "more") {
      filter(true);
    } else if (button.dataset.sort) {
      sort(button);
    } else if (button.dataset.steer) {
      steer(button.dataset);
    }
  });
  document.addEventListener("input", (event) => { if (event.target.type === "search") filter(false); });
  document.addEventListener("toggle", async (event) => {
    const lazy = event.target.open && one("[data-lazy]", event.target);
    if (!lazy || !live) return;
    const answer = await fetch(`try?iteration=${event.target.id.slice(4)}`);
    if (answer.ok) lazy.outerHTML = await answer.text();
  }, true);
  let waiting = 0;
  addEventListener("resize", () => {
    cancelAnimationFrame(waiting);
    waiting = requestAnimationFrame(() => picture && picture.place());
  });

  // What has changed comes as parts of the page; what a person has opened, zoomed, filtered or reached by keyboard stays.

  const FOCUSABLE = "button, input, a, summary, [tabindex]";
  const named = (node) => node.getAttribute("aria-label") || node.textContent;

  function take(parts) {
    const turned = document.createElement("template");
    for (const [name, html] of Object.entries(parts.parts || {})) {
      const old = one(`[data-part="${name}"]`);
      turned.innerHTML = html;
      const open = old ? all("details[open][id]", old).map((node) => node.id) : [];
      const field = old && one("input", old), typed = field ? field.value : "", held = old && old.contains(document.activeElement) ? document.activeElement : null;
      const place = held ? all(FOCUSABLE, old).indexOf(held) : -1;
      if (old) old.replaceWith(turned.content);
      else if (one("#tries")) one("#tries").before(turned.content);
      if (typed) { const now = one(`[data-part="${name}"] input`); if (now) now.value = typed; }
      if (held) {  // whoever goes by keyboard stays where they were
        const there = all(FOCUSABLE, one(`[data-part="${name}"]`)), next = there.find((node) => named(node) === named(held)) || there[Math.min(place, there.length - 1)];
        if (next) next.focus({ preventScroll: true });
      }
      for (const id of open) if (document.getElementById(id)) document.getElementById(id).open = true;
    }
    const rows = one("[data-rows]");
    for (const html of rows ? parts.rows || [] : []) {
      turned.innerHTML = html;
      const row = turned.content.firstElementChild;
      const there = document.getElementById(row.id);
      if (there) {  // a keep that was taken back since looks otherwise
        row.open = there.open;
        there.replaceWith(row);
      } else {
        row.classList.add("new");
        rows.prepend(row);
      }
    }
    if (rows && (parts.rows || []).length) arrange();
    enhance();
    pressed();
  }

  const live = one("[data-live]");

  function follow() {
    const events = new EventSource(`events?after=${encodeURIComponent(live.dataset.live)}`);
    events.addEventListener("page", (event) => take(JSON.parse(event.data)));
    events.addEventListener("again", () => location.reload());
    events.onerror = () => { const state = one(".state"); if (state && events.readyState === 2) state.textContent = "The connection is lost: reload the page."; };
  }

  window.autoresearch = { take };
  enhance();
  pressed();
  if (live) follow();
})();
