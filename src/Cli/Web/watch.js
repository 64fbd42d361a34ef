// The page of `rlleap watch`: asks for the list of runs and for the chosen one, again and again, and shows what
// changed.
// All text goes into the page as text, never as markup.
"use strict";
(() => {
  const ListEvery = 2000, RunEvery = 2000, SideBySide = 10;
  const at = id => document.getElementById(id);
  const figures = new Map();
  const tags = new Map();
  let runs = [], known = false, chosen = "", view, round = 0, overview;

  const make = (name, text, kind) => {
    const element = document.createElement(name);
    if (text !== undefined) element.textContent = text;
    if (kind) element.className = kind;
    return element;
  };

  // The answer of the program; undefined where nothing changed, null where there is no such run.
  async function ask(path) {
    const answer = await fetch(path, { headers: tags.has(path) ? { "If-None-Match": tags.get(path) } : {},
      cache: "no-store" });
    if (answer.status === 304) return undefined;
    if (!answer.ok) return null;
    const data = await answer.json();
    tags.set(path, answer.headers.get("ETag"));
    return data;
  }

  function span(seconds) {
    if (seconds < 90) return `${Math.max(0, Math.round(seconds))} s`;
    if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
    return seconds < 172800 ? `${(seconds / 3600).toFixed(1)} h` : `${Math.round(seconds / 86400)} days`;
  }

  const ago = run => `${span((Date.now() - run.written) / 1000)} ago`;
  const count = run => run.total ? `${RlLeapScale.number(run.done)} of ${RlLeapScale.number(run.total)} ${run.unit}`
    : run.unit ? `${RlLeapScale.number(run.done)} ${run.unit}` : "";
  const value = run => run.value === null ? "" : `${run.measure} ${RlLeapScale.number(run.value)}`;
  const share = run => run.total ? Math.min(1, run.done / run.total) : 0;

  function bar(run, made = make("progress")) {
    [made.max, made.value, made.hidden] = [1, share(run), !run.total || run.state === "complete"];
    made.setAttribute("aria-label", count(run));
    return made;
  }

  // A row stays the same element, so that the focus stays where it is.
  function row(run) {
    const item = document.createElement("li"), link = document.createElement("a");
    const [name, state, about] = [make("b"), make("span"), make("small")];
    item.append(link);
    link.append(name, bar(run), about);
    link.href = "#" + encodeURIComponent(run.id);
    item.update = now => {
      name.textContent = now.name;
      [state.textContent, state.className] = [now.state, `state ${now.state}`];
      const words = [count(now), value(now), ago(now)].filter(Boolean);
      about.replaceChildren(state, words.map(text => ` · ${text}`).join(""));
      bar(now, link.querySelector("progress"));
      link.setAttribute("aria-current", String(now.id === chosen));
    };
    return item;
  }

  const rows = new Map();

  function listed() {
    const wanted = at("filter").value.toLowerCase();
    return runs.filter(run => `${run.id} ${run.what} ${run.state}`.toLowerCase().includes(wanted));
  }

  function showList() {
    const shown = listed();
    for (const run of shown) {
      if (!rows.has(run.id)) rows.set(run.id, row(run));
      rows.get(run.id).update(run);
    }
    const items = shown.map(run => rows.get(run.id));
    const list = at("runs");
    if (items.length !== list.children.length || items.some((item, i) => item !== list.children[i])) {
      const active = document.activeElement;
      list.replaceChildren(...items);
      if (list.contains(active)) active.focus();
    }
    at("none").hidden = !known || runs.length > 0;
  }

  function showRun() {
    at("run").hidden = !view;
    at("choose").hidden = !chosen || view !== null;
    at("choose").textContent = `${chosen} is not there any more.`;
    if (chosen) at("overview").hidden = true;
    if (!view) return;
    const { run } = view;
    document.title = `${run.name} · RlLeap`;
    at("name").textContent = run.id;
    const left = view.left ? `about ${span(view.left)} left` : "";
    const words = [run.what, count(run), value(run), left, `written ${ago(run)}`, run.about].filter(Boolean);
    at("state").replaceChildren(make("span", run.state, `state ${run.state}`), words.map(w => ` · ${w}`).join(""));
    bar(run, at("progress"));
    showSections(view.sections);
    showTasks(view.tasks);
    showLog(view.log);
    at("about").hidden = view.facts.length === 0;
    at("facts").replaceChildren(...view.facts.flatMap(f => [make("dt", f.key), make("dd", f.value)]));
  }

  // A section under the pointer is left as it is: what is read there must not vanish.
  function showSections(sections) {
    const titles = new Set(sections.map(section => section.title));
    for (const [title, drawn] of figures) drawn.element.hidden = !titles.has(title);
    for (const section of sections) {
      const drawn = figures.get(section.title);
      if (!drawn) {
        const [element, place] = [make("section"), make("div", undefined, "figure")];
        element.append(make("h3", section.title), place);
        at("sections").append(element);
        figures.set(section.title, { element, figure: RlLeapPage.figure(place, section), of: chosen });
      } else if (drawn.of !== chosen || !drawn.element.matches(":hover, :focus-within")) {
        drawn.of = chosen;
        drawn.figure.update(section);
      }
    }
    // In the order in which the program names them; moved only where they are in another one.
    const elements = sections.map(section => figures.get(section.title).element);
    const now = [...at("sections").children].filter(element => !element.hidden);
    if (elements.some((element, i) => element !== now[i])) at("sections").append(...elements);
  }

  function showTasks(tasks) {
    at("tasks").hidden = !tasks;
    if (!tasks) return;
    const head = make("tr");
    head.append(...tasks.columns.map(column => make("th", column)));
    const body = tasks.rows.map(cells => {
      const made = make("tr");
      made.append(...cells.map((cell, i) => {
        const place = make("td", cell, i === 0 ? "about" : "number");
        place.dataset.column = tasks.columns[i];
        return place;
      }));
      return made;
    });
    const [top, rest] = [make("thead"), make("tbody")];
    top.append(head);
    rest.append(...body);
    at("tasks").querySelector("table").replaceChildren(top, rest);
  }

  function showLog(lines) {
    const log = at("log"), text = lines.join("\n");
    at("logs").hidden = lines.length === 0;
    if (log.textContent === text) return;
    const atEnd = log.scrollTop + log.clientHeight >= log.scrollHeight - 8;
    log.textContent = text;
    if (atEnd) log.scrollTop = log.scrollHeight;
  }

  async function refreshList() {
    const now = await ask("api/runs");
    const first = !known;
    if (now) [runs, known] = [now, true];
    showList();
    if (first && !chosen) await refreshOverview();
  }

  // No run is chosen: those at the top of the list, in one figure for each environment or suite.
  async function refreshOverview() {
    // By name, so that a run keeps its colour when another one writes.
    const ids = listed().slice(0, SideBySide).map(run => `id=${encodeURIComponent(run.id)}`).sort();
    const path = `api/compare?${ids.join("&")}`;
    if (path !== overview?.path) tags.delete(path);
    const panels = ids.length > 0 ? await ask(path) : [];
    if (chosen || !panels) return;
    at("overview").hidden = panels.length === 0;
    document.title = "RlLeap runs";
    const place = at("overview").querySelector(".figure");
    if (!overview) overview = { figure: RlLeapPage.figure(place, { panels }) };
    else if (overview.path !== path || !place.matches(":hover, :focus-within")) overview.figure.update({ panels });
    overview.path = path;
  }

  async function refreshRun() {
    if (!chosen) return refreshOverview();
    const asked = chosen, now = await ask(`api/run?id=${encodeURIComponent(asked)}`);
    if (asked !== chosen) return;
    if (now !== undefined) view = now;
    showRun();
  }

  // Asks again after a while, in rounds: a new one begins when somebody looks at the page again, and ends the old.
  function again(act, every, own) {
    const turn = async () => {
      if (own !== round) return;
      try {
        await act();
        at("gone").hidden = true;
      } catch { at("gone").hidden = false; }
      setTimeout(turn, every);
    };
    turn();
  }

  function choose() {
    const id = decodeURIComponent(location.hash.slice(1));
    if (id === chosen) return;
    [chosen, view] = [id, undefined];
    tags.clear();
    showList();
    showRun();
    refreshRun().catch(() => { at("gone").hidden = false; });
  }

  function start() {
    round++;
    if (document.hidden) return;
    again(refreshList, ListEvery, round);
    again(refreshRun, RunEvery, round);
  }

  addEventListener("hashchange", choose);
  at("filter").addEventListener("input", () => {
    showList();
    if (!chosen) refreshOverview().catch(() => { at("gone").hidden = false; });
  });
  document.addEventListener("visibilitychange", start);
  choose();
  start();
})();
