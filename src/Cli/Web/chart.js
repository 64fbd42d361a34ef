// Charts drawn as SVG from plain data, without any library: curves with bands, rows of intervals, dots.
//
//   const chart = RlLeapChart.create(element, panel);   draws into the element, again whenever its width changes
//   chart.update(panel, shown);                         draws other data, or shows less of it
//
// A panel: { title, xLabel, yLabel, wholeSteps, xLimits: [low, high], xValues: [...], xTexts: [one each], rows: [names],
// marks: [...] }.
// Its marks, each with a name and a colour ("#rrggbb"):
//   { kind: "curve", x, y, low, high, dash, width, each: [{ name, group, y }], dots, values }   low to high: the band
//   { kind: "row", row, value, low, high, values: [{ name, group, x }], published }
//   { kind: "dots", x, y, size, diamond, names, texts }   names and texts, one a dot: what it is, and its x in words
// shown: { hidden: Set of names, each: true to draw single seeds, hiddenGroups: Set of their groups }.
// A missing number is null. All text goes into the page as text, never as markup.
"use strict";
const RlLeapChart = (() => {
  const Namespace = "http://www.w3.org/2000/svg";
  const Everything = { hidden: new Set(), hiddenGroups: new Set(), each: false };

  function add(parent, name, attributes, text) {
    const element = document.createElementNS(Namespace, name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    if (text !== undefined) element.textContent = text;
    parent.append(element);
    return element;
  }

  const { known, colours, ticks, number, interval, span, path, band, nearest } = RlLeapScale;

  class Chart {
    constructor(element, panel) {
      [this.element, this.panel, this.shown] = [element, panel, Everything];
      element.classList.add("chart");
      element.tabIndex = 0;
      element.setAttribute("role", "group");
      this.tip = document.createElement("div");
      this.tip.className = "tip";
      this.tip.setAttribute("role", "status");
      element.addEventListener("pointermove", event => this.#point(event));
      element.addEventListener("pointerleave", () => this.#leave());
      element.addEventListener("blur", () => this.#leave());
      element.addEventListener("keydown", event => this.#key(event));
      new ResizeObserver(() => { if (element.clientWidth !== this.width) this.draw(); }).observe(element);
    }

    update(panel, shown) {
      [this.panel, this.shown] = [panel, shown ?? this.shown];
      this.draw();
    }

    get #marks() { return this.panel.marks.filter(mark => !this.shown.hidden.has(mark.name)); }

    #each(mark) {
      return this.shown.each ? (mark.each ?? []).filter(one => !this.shown.hiddenGroups.has(one.group)) : [];
    }

    draw() {
      const width = this.width = this.element.clientWidth;
      if (width < 40) return;
      const { panel } = this, rows = panel.rows;
      const title = panel.title ? 22 : 8;
      const names = rows ? Math.min(0.42 * width, 10 + 6.6 * Math.max(...rows.map(row => row.length))) : 0;
      const plot = rows ? Math.max(1, rows.length) * 34 : Math.min(280, Math.max(150, 0.58 * width));
      const height = title + plot + 26 + (panel.xLabel ? 18 : 0);
      this.element.setAttribute("aria-label", this.#describe());
      const svg = document.createElementNS(Namespace, "svg");
      svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
      svg.setAttribute("width", width);
      svg.setAttribute("height", height);
      svg.setAttribute("aria-hidden", "true");
      const yTicks = rows ? [] : (this.ySpan = this.#ySpan(), ticks(...this.ySpan, Math.max(3, Math.round(plot / 40))));
      const left = rows ? names : 6.4 * Math.max(2, ...yTicks.map(t => number(t).length))
        + (panel.yLabel ? 28 : 12);
      const right = width - 10, top = title, bottom = title + plot;
      this.xSpan = this.#xSpan();
      const x = value => left + (value - this.xSpan[0]) / (this.xSpan[1] - this.xSpan[0]) * (right - left);
      const y = rows ? row => top + (row + 0.5) * plot / rows.length
        : value => bottom - (value - this.ySpan[0]) / (this.ySpan[1] - this.ySpan[0]) * plot;
      Object.assign(this, { x, y, left, right, top, bottom, svg });

      if (panel.title) add(svg, "text", { x: (left + right) / 2, y: 14, class: "title" }, panel.title);
      for (const tick of yTicks) {
        add(svg, "path", { d: `M${left} ${y(tick)}H${right}`, class: "grid" });
        add(svg, "text", { x: left - 6, y: y(tick) + 4, class: "tick end" }, number(tick));
      }
      const most = Math.max(2, Math.floor((right - left) / 64));
      for (const [i, tick] of (panel.xValues ?? ticks(...this.xSpan, most, panel.wholeSteps)).entries()) {
        add(svg, "path", { d: `M${x(tick)} ${bottom}v4`, class: "axis" });
        if (rows) add(svg, "path", { d: `M${x(tick)} ${top}V${bottom}`, class: "grid" });
        const text = panel.xTexts?.[i] ?? number(tick);
        add(svg, "text", { x: x(tick), y: bottom + 17, class: "tick middle" }, text);
      }
      add(svg, "path", { d: `M${left} ${top}V${bottom}H${right}`, class: "axis" });
      (rows ?? []).forEach((row, i) => this.#rowName(row, i));
      if (panel.xLabel) add(svg, "text", { x: (left + right) / 2, y: height - 4, class: "label middle" }, panel.xLabel);
      const turned = `translate(12 ${(top + bottom) / 2}) rotate(-90)`;
      if (panel.yLabel) add(svg, "text", { transform: turned, class: "label middle" }, panel.yLabel);
      // The first mark is drawn last, on top of the others; bands lie below all lines, single seeds below all means.
      const marks = [...this.#marks].reverse();
      const [below, single, above] = [1, 2, 3].map(() => add(svg, "g", {}));
      for (const mark of marks) this.#draw(mark, below, single, above);
      this.guide = add(svg, "g", { class: "guide" });
      this.element.replaceChildren(svg, this.tip);
      this.#leave();
    }

    #rowName(name, row) {
      const text = add(this.svg, "text", { x: this.left - 8, y: this.y(row) + 4, class: "tick end" }, name);
      const most = Math.max(6, Math.round((this.left - 10) / 6.6));
      if (name.length > most) text.textContent = name.slice(0, most - 1) + "…";
      add(text, "title", {}, name);
    }

    #xSpan() {
      if (this.panel.xLimits) return this.panel.xLimits;
      const all = this.#marks.flatMap(m => m.kind === "row" ? [m.value, m.low, m.high, m.published ?? null,
        ...(m.values ?? []).map(v => v.x)] : m.x);
      return span(all, this.panel.rows || this.panel.marks.some(m => m.kind === "dots" || m.dots) ? 0.05 : 0);
    }

    #ySpan() {
      if (this.panel.yLimits) return this.panel.yLimits;
      return span(this.#marks.flatMap(m => [...m.y, ...(m.low ?? []), ...(m.high ?? []), ...(m.values ?? []).flat(),
        ...this.#each(m).flatMap(one => one.y)]), 0.05);
    }

    #draw(mark, below, single, above) {
      const { x, y } = this, group = add(above, "g", { style: colours(mark.color), "data-name": mark.name });
      if (mark.kind === "row") this.#drawRow(mark, group);
      else if (mark.kind === "dots")
        mark.x.forEach((at, i) => this.#dot(group, x(at), y(mark.y[i]), mark.size, mark.diamond));
      else this.#drawCurve(mark, group, below, single);
    }

    #drawCurve(mark, group, below, single) {
      const { x, y } = this;
      if (mark.low && !mark.dots)
        add(below, "path", { d: band(mark, x, y), style: colours(mark.color), class: "band" });
      for (const one of this.#each(mark))
        add(single, "path", { d: path(mark.x, one.y, x, y), style: colours(mark.color), class: "one",
          "data-group": one.group });
      const line = add(group, "path", { d: path(mark.x, mark.y, x, y), class: "line" });
      line.style.strokeWidth = mark.width ?? 2;
      if (mark.dash) line.setAttribute("stroke-dasharray", mark.dash);
      mark.x.forEach((at, i) => {
        if (!known(mark.y[i])) return;
        const alone = !known(mark.y[i - 1] ?? null) && !known(mark.y[i + 1] ?? null);
        if (mark.dots || alone) this.#dot(group, x(at), y(mark.y[i]), 3.5);
        if (mark.dots && known(mark.low[i]))
          add(group, "path", { d: `M${x(at)} ${y(mark.low[i])}V${y(mark.high[i])}`, class: "line" });
        for (const value of mark.values?.[i] ?? []) this.#dot(group, x(at), y(value), 2.2).classList.add("faint");
      });
    }

    #drawRow(mark, group) {
      const several = (mark.values ?? []).filter(v => known(v.x) && !this.shown.hiddenGroups.has(v.group));
      const { x, y, left, right } = this, at = y(mark.row), up = at - (several.length > 1 ? 4 : 0);
      const inside = value => Math.min(right, Math.max(left, x(value)));
      if (known(mark.low) && known(mark.high))
        add(group, "path", { d: `M${inside(mark.low)} ${up}H${inside(mark.high)}`, class: "line" });
      if (known(mark.value)) this.#dot(group, x(mark.value), up, 5, true);
      if (known(mark.published ?? null))
        add(group, "path", { d: `M${x(mark.published)} ${up - 9}V${up + 9}`, class: "published" });
      if (several.length > 1)
        for (const one of several) {
          const dot = this.#dot(group, x(one.x), at + 8, 2.6);
          dot.classList.add("faint");
          dot.setAttribute("data-group", one.group);
        }
    }

    #dot(group, x, y, size, diamond) {
      const d = `M${x} ${y - size}l${size} ${size}l${-size} ${size}l${-size} ${-size}Z`;
      return diamond ? add(group, "path", { d, class: "dot" })
        : add(group, "circle", { cx: x, cy: y, r: size, class: "dot" });
    }

    // What is read aloud of a chart: what it shows, and where each line ends or each row lies.
    #describe() {
      const { panel } = this;
      const what = this.#marks.slice(0, 8).map(m => m.kind === "row" ? `${m.name}: ${interval(m.value, m.low, m.high)}`
        : m.kind === "curve" ? `${m.name} ends at ${number(m.y.findLast(known) ?? null)}` : m.name);
      const over = panel.xLabel && !panel.rows ? `over ${panel.xLabel}` : panel.xLabel;
      const head = [panel.title, panel.yLabel, over].filter(Boolean).join(", ");
      return `${head}. ${what.join("; ")}. Arrow keys read values.`;
    }

    #point(event) {
      const box = this.svg?.getBoundingClientRect();
      if (!box) return;
      const [px, py] = [event.clientX - box.left, event.clientY - box.top];
      const across = (px - this.left) / (this.right - this.left), down = (py - this.top) / (this.bottom - this.top);
      const [low, high] = this.xSpan;
      if (this.panel.rows) this.#showRow(Math.floor(down * this.panel.rows.length));
      else if (this.panel.marks.some(m => m.kind === "dots")) this.#showDot(px, py);
      else this.#showAt(low + across * (high - low), py);
    }

    // Of dots, the one nearest to the pointer: what it is called, and where it lies.
    #showDot(px, py) {
      const near = this.#marks.flatMap(mark => mark.x.map((at, i) => ({ mark, i, at: this.x(at),
        away: Math.hypot(this.x(at) - px, this.y(mark.y[i]) - py) })))
        .reduce((a, b) => b.away < a.away ? b : a, { away: 24 });
      if (!near.mark) return this.#leave();
      const { mark, i, at } = near, style = colours(mark.color);
      this.guide.replaceChildren();
      add(this.guide, "circle", { cx: at, cy: this.y(mark.y[i]), r: 6, style });
      const lines = mark.names ? [{ mark, name: this.panel.yLabel || "y", text: number(mark.y[i]) },
        { mark, name: this.panel.xLabel || "x", text: mark.texts?.[i] ?? number(mark.x[i]) }] : [];
      this.#tell(mark.names?.[i] ?? mark.name, lines, lines[0], at);
    }

    // The values of all curves at one place, the highest first; the one nearest to the pointer is bold.
    #showAt(value, py) {
      const longest = this.#longest();
      if (!longest) return;
      this.at = nearest(longest.x, value);
      const at = longest.x[this.at];
      const lines = this.#marks.filter(m => m.kind === "curve" && m.x.length > 0).flatMap(mark => {
        const i = nearest(mark.x, at), ends = [mark.low?.[i] ?? null, mark.high?.[i] ?? null];
        const mean = { mark, name: mark.name, y: mark.y[i], text: interval(mark.y[i], ...ends) };
        const close = one => known(one.y[i]) && py !== undefined && Math.abs(this.y(one.y[i]) - py) < 6;
        const single = this.#each(mark).filter(close).slice(0, 1).map(one =>
          ({ mark, name: `${mark.name}, ${one.name}`, y: one.y[i], text: number(one.y[i]) }));
        return [mean, ...single];
      }).filter(line => known(line.y)).sort((a, b) => b.y - a.y);
      const away = line => Math.abs(this.y(line.y) - py);
      const near = py === undefined || lines.length === 0 ? undefined
        : lines.reduce((a, b) => away(b) < away(a) ? b : a);
      this.guide.replaceChildren();
      add(this.guide, "path", { d: `M${this.x(at)} ${this.top}V${this.bottom}` });
      for (const { y, mark } of lines)
        add(this.guide, "circle", { cx: this.x(at), cy: this.y(y), r: 3.5, style: colours(mark.color) });
      this.#tell(`${this.panel.xLabel || "x"} ${number(at)}`, lines.slice(0, 14), near, this.x(at));
    }

    #longest() {
      return this.#marks.filter(m => m.kind === "curve" && m.x.length > 0)
        .reduce((a, b) => !a || b.x.length > a.x.length ? b : a, undefined);
    }

    #showRow(row) {
      const mark = this.#marks.find(m => m.row === row);
      if (!mark) return this.#leave();
      this.at = row;
      const single = (mark.values ?? []).filter(v => !this.shown.hiddenGroups.has(v.group)).slice(0, 12);
      const lines = [{ mark, name: mark.name, text: interval(mark.value, mark.low, mark.high) }];
      if (known(mark.published ?? null)) lines.push({ mark, name: "published", text: number(mark.published) });
      if (single.length > 1) lines.push(...single.map(v => ({ mark, name: v.name, text: number(v.x) })));
      this.guide.replaceChildren();
      const at = known(mark.value) ? this.x(mark.value) : this.left;
      this.#tell(this.panel.title || this.panel.xLabel || "", lines, lines[0], at);
    }

    #tell(head, lines, bold, at) {
      const title = document.createElement("b");
      title.textContent = head;
      this.tip.replaceChildren(title, ...lines.map(line => {
        const row = document.createElement("div");
        row.className = line === bold ? "near" : "";
        const swatch = document.createElement("i");
        swatch.style.cssText = colours(line.mark.color);
        const [name, value] = [document.createElement("span"), document.createElement("span")];
        [name.textContent, value.textContent] = [line.name, line.text];
        row.append(swatch, name, value);
        return row;
      }));
      this.tip.classList.add("seen");
      const width = this.element.clientWidth, own = this.tip.offsetWidth;
      this.tip.style.left = `${Math.max(0, Math.min(width - own, at + 12 + own > width ? at - own - 12 : at + 12))}px`;
    }

    #leave() {
      this.guide?.replaceChildren();
      this.tip.classList.remove("seen");
      this.at = undefined;
    }

    #key(event) {
      const by = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
      if (event.key === "Escape") return this.#leave();
      if (!by) return;
      event.preventDefault();
      if (this.panel.rows) {
        const rows = this.panel.rows.length;
        return this.#showRow(this.at === undefined ? by > 0 ? 0 : rows - 1 : (this.at + by + rows) % rows);
      }
      const longest = this.#longest();
      if (!longest) return;
      const last = longest.x.length - 1, step = Math.max(1, Math.round(last / 40));
      const at = this.at === undefined ? by > 0 ? 0 : last : Math.min(last, Math.max(0, this.at + by * step));
      this.#showAt(longest.x[at]);
    }
  }

  return { create: (element, panel) => new Chart(element, panel) };
})();
