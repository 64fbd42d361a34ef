// What a page with charts does: figures from their data, legends whose entries are switched, tabs, dark and light.
//
// An element with data-figure="ID" shows the figure whose data stand in the script element of that id, as JSON:
//   { legend: [names], panels: [...] }
//   RlLeapPage.figure(element, data)   makes one by hand; its update(data) shows other data
"use strict";
const RlLeapPage = (() => {
  // One name is shown or hidden on the whole page; so are single seeds.
  const shown = { hidden: new Set(), hiddenGroups: new Set(), each: false };
  const figures = new Set();

  function button(text, pressed, act) {
    const made = document.createElement("button");
    made.type = "button";
    made.append(text);
    made.setAttribute("aria-pressed", String(pressed));
    made.addEventListener("click", act);
    return made;
  }

  function swatch(mark) {
    const line = document.createElement("i");
    line.className = mark.dash ? "swatch dashed" : "swatch";
    line.style.cssText = RlLeapScale.colours(mark.color);
    return line;
  }

  function flip(set, value) {
    if (!set.delete(value)) set.add(value);
    for (const figure of figures) figure.update();
  }

  class Figure {
    constructor(element, data) {
      [this.element, this.charts] = [element, []];
      this.legend = document.createElement("div");
      this.legend.className = "legend";
      this.legend.setAttribute("role", "group");
      this.legend.setAttribute("aria-label", "What is shown");
      this.panels = document.createElement("div");
      element.replaceChildren(this.legend, this.panels);
      figures.add(this);
      this.update(data);
    }

    update(data) {
      this.data = data ?? this.data;
      const { panels } = this.data;
      const rows = panels.every(panel => panel.rows);
      const columns = panels.length < 2 ? "one" : rows && panels.length > 2 ? "rows"
        : [2, 4].includes(panels.length) ? "two" : "many";
      this.panels.className = `panels ${columns}`;
      if (this.charts.length !== panels.length) {
        this.charts = panels.map(panel => RlLeapChart.create(document.createElement("div"), panel));
        this.panels.replaceChildren(...this.charts.map(chart => chart.element));
      }
      panels.forEach((panel, i) => {
        if (panel.task) this.charts[i].element.dataset.task = panel.task;
        this.charts[i].update(panel, shown);
      });
      this.#drawLegend();
    }

    // Names in the order of the panels; single seeds only where there are some.
    #drawLegend() {
      const active = [...this.legend.children].indexOf(document.activeElement);
      const marks = this.data.panels.flatMap(panel => panel.marks);
      const names = new Map(marks.map(mark => [mark.name, mark]).reverse());
      const entries = this.data.legend ?? [...names.keys()].reverse();
      const one = marks.flatMap(mark => mark.each ?? []);
      const buttons = entries.filter(name => names.has(name)).map(name => {
        const made = button(name, !shown.hidden.has(name), () => flip(shown.hidden, name));
        made.prepend(swatch(names.get(name)));
        made.dataset.name = name;
        return made;
      });
      if (one.length > 0) {
        const each = button("single seeds", shown.each, () => {
          shown.each = !shown.each;
          for (const figure of figures) figure.update();
        });
        each.classList.add("each");
        buttons.push(each);
      }
      if (one.length > 0 && shown.each)
        for (const group of new Set(one.map(line => line.group))) {
          const made = button(group, !shown.hiddenGroups.has(group), () => flip(shown.hiddenGroups, group));
          made.classList.add("seed");
          made.dataset.group = group;
          buttons.push(made);
        }
      this.legend.hidden = buttons.length < 2 && one.length === 0;
      this.legend.replaceChildren(...buttons);
      if (active >= 0) buttons[Math.min(active, buttons.length - 1)]?.focus();
    }
  }

  // Dark or light as the system says, until somebody chooses; the choice is kept where the browser keeps such things.
  function theme() {
    const place = document.querySelector("[data-theme-switch]");
    if (!place) return;
    // A page that was opened as a file may keep nothing.
    const kept = {
      get: () => { try { return localStorage.getItem("rlleap-theme"); } catch { return null; } },
      set: value => { try { localStorage.setItem("rlleap-theme", value); } catch { return; } },
    };
    const dark = () => (document.documentElement.dataset.theme
      ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark";
    if (["dark", "light"].includes(kept.get())) document.documentElement.dataset.theme = kept.get();
    const made = button("", false, () => {
      document.documentElement.dataset.theme = dark() ? "light" : "dark";
      kept.set(document.documentElement.dataset.theme);
      name();
    });
    const name = () => {
      made.textContent = dark() ? "☀ Light" : "☾ Dark";
      made.setAttribute("aria-label", dark() ? "Show the page light" : "Show the page dark");
    };
    made.removeAttribute("aria-pressed");
    made.className = "theme";
    name();
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", name);
    place.replaceChildren(made);
  }

  // Tabs: <div role="tablist"> with buttons role="tab" aria-controls="ID"; arrow keys go from one to the next.
  function tabs(list) {
    const all = [...list.querySelectorAll("[role=tab]")];
    const select = tab => all.forEach(other => {
      other.setAttribute("aria-selected", String(other === tab));
      other.tabIndex = other === tab ? 0 : -1;
      document.getElementById(other.getAttribute("aria-controls")).hidden = other !== tab;
    });
    all.forEach((tab, i) => {
      tab.addEventListener("click", () => select(tab));
      tab.addEventListener("keydown", event => {
        const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
        if (!by) return;
        const next = all[(i + by + all.length) % all.length];
        select(next);
        next.focus();
      });
    });
    select(all[0]);
    list.hidden = false;
  }

  // A choice of one task: the panels and the rows of tables that are about others are not shown.
  function tasks(choice) {
    choice.addEventListener("change", () => {
      for (const element of document.querySelectorAll("[data-task]"))
        element.hidden = choice.value !== "" && element.dataset.task !== choice.value;
    });
  }

  function start() {
    theme();
    // Pictures that move are folded for those who want nothing to move.
    if (matchMedia("(prefers-reduced-motion: reduce)").matches)
      for (const moving of document.querySelectorAll("[data-moving]")) moving.open = false;
    for (const element of document.querySelectorAll("[data-figure]"))
      new Figure(element, JSON.parse(document.getElementById(element.dataset.figure).textContent));
    document.querySelectorAll("[role=tablist]").forEach(tabs);
    document.querySelectorAll("[data-task-choice]").forEach(tasks);
  }

  document.addEventListener("DOMContentLoaded", start);
  return { figure: (element, data) => new Figure(element, data) };
})();
