"use strict";
// The page stands without this script; it adds zoom and hover to the picture, filters to the table, and the live updates.
(() => {
  const FIELD = { left: 70, top: 22, right: 14, bottom: 76 };  // margins in pixels, as the server draws them
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
      this.labels = all(".labels text", svg).map((node) => ({ node, x: +node.dataset.x, u: +node.dataset.u, text: node.textContent }));
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
      words.setAttribute("x", FIELD.left + 6);
      words.setAttribute("y", y > FIELD.top + 14 ? y - 8 : y + 11);
    }

    // Labels: the most telling first, each where it meets no other label, line or dot.
    name() {
      const taken = [];
      for (const { steps, last } of this.runs) {
        steps.forEach((step, place) => {
          const end = place + 1 < steps.length ? steps[place + 1][0] : last, x = this.x(step[0]), y = this.y(step[1]);
          taken.push([x, y - 1, this.x(end), y + 1]);
          if (place) taken.push([x - 1, Math.min(y, this.y(steps[place - 1][1])), x + 1, Math.max(y, this.y(steps[place - 1][1]))]);
        });
      }
      const side = this.down ? 1 : -1;
      const spots = [[-7, 11, "end"], [7, 11, "start"], [-10, 0, "end"], [10, 0, "start"], [-7, 24, "end"], [7, 24, "start"]];
      const bottom = this.height - FIELD.bottom, right = this.width - FIELD.right;
      for (const label of this.labels) {
        const x = this.x(label.x), y = this.y(label.u);
        const seen = label.x >= this.area.left && label.x <= this.area.right && label.u >= this.area.low && label.u <= this.area.high && !hidden.has("keep");
        const versions = seen ? [label.text, label.text.length > 18 ? `${label.text.slice(0, 17)}…` : "", label.text.split(" ")[0]] : [];
        let found = null;
        for (const text of versions.filter(Boolean)) {
          const wide = text.length * 6 + 8;
          for (const [dx, dy, anchor] of spots) {
            const from = anchor === "end" ? x + dx - wide : x + dx, at = y + side * dy;
            const box = [from, at - 7, from + wide, at + 7];
            if (box[0] < FIELD.left || box[2] > right || box[1] < FIELD.top || box[3] > bottom) continue;
            if (taken.some((other) => box[0] < other[2] && other[0] < box[2] && box[1] < other[3] && other[1] < box[3])) continue;
            found = { text, x: x + dx, y: at, anchor, box };
            break;
          }
          if (found) break;
        }
        label.node.style.display = found ? "" : "none";
        if (!found) continue;
        taken.push(found.box);
        label.node.textContent = found.text;
        for (const [name, value] of [["x", found.x], ["y", found.y], ["text-anchor", found.anchor]]) label.node.setAttribute(name, value);
      }
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

  // Put rows of the rest into the table, each in its place; returns the last of them.
  function put(chosen) {
    const rows = one("[data-rows]"), oldest = rows.hasAttribute("data-oldest");
    const numbers = new Set(chosen.map((row) => row.number));
    rest = rest.filter((row) => !numbers.has(row.number));
    const there = [...rows.children];
    let place = 0, last = null;
    for (const row of oldest ? [...chosen].sort((a, b) => a.number - b.number) : chosen) {
      const before = (node) => (oldest ? +node.id.slice(4) < row.number : +node.id.slice(4) > row.number);
      while (place < there.length && before(there[place])) place += 1;
      last = tryOf(row);
      place < there.length ? there[place].before(last) : rows.append(last);
    }
    return last;
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
      put(one("[data-rows]").hasAttribute("data-oldest") ? found.slice(-room) : found.slice(0, room));
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
    } else if (button.dataset.do === "turn") {
      const rows = one("[data-rows]");
      rows.append(...[...rows.children].reverse());
      rows.toggleAttribute("data-oldest");
      button.textContent = rows.hasAttribute("data-oldest") ? "Newest first" : "Oldest first";
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

  // What has changed comes as parts of the page; what a person has opened, zoomed or filtered stays.

  function take(parts) {
    const turned = document.createElement("template");
    for (const [name, html] of Object.entries(parts.parts || {})) {
      const old = one(`[data-part="${name}"]`);
      turned.innerHTML = html;
      if (old) old.replaceWith(turned.content);
      else if (one("#tries")) one("#tries").before(turned.content);
    }
    const rows = one("[data-rows]");
    for (const html of rows ? parts.rows || [] : []) {
      turned.innerHTML = html;
      const row = turned.content.firstElementChild;
      if (document.getElementById(row.id)) continue;
      row.classList.add("new");
      rows.hasAttribute("data-oldest") ? rows.append(row) : rows.prepend(row);
    }
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
