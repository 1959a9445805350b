// Everything that comes from a model, a task or a file is put on the page as text, never as markup.
const $ = (id) => document.getElementById(id);
const facts = JSON.parse($("facts").textContent);
const specs = JSON.parse($("specs").textContent);
const dark = window.matchMedia("(prefers-color-scheme: dark)");

async function unpack(text) {
  const bytes = Uint8Array.from(atob(text.trim()), (char) => char.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return JSON.parse(await new Response(stream).text());
}

function make(tag, options = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(options)) {
    if (name === "text") element.textContent = value;
    else if (name === "class") element.className = value;
    else element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== null));
  return element;
}

// ---------------------------------------------------------------- charts

function draw() {
  const style = getComputedStyle(document.documentElement);
  const ink = style.getPropertyValue("--ink").trim();
  const line = style.getPropertyValue("--line").trim();
  const config = {
    background: null, font: "system-ui, sans-serif", view: { stroke: line }, title: { color: ink },
    axis: { labelColor: ink, titleColor: ink, gridColor: line, domainColor: line, tickColor: line, labelLimit: 220 },
    legend: { labelColor: ink, titleColor: ink, labelLimit: 260 }, header: { labelColor: ink, titleColor: ink },
  };
  for (const place of document.querySelectorAll("[data-chart]")) {
    window.vegaEmbed(place, specs[place.dataset.chart], { renderer: "svg", actions: false, config });
  }
}

// ---------------------------------------------------------------- samples

const ROW = 46;
const state = { index: [], shown: [], chosen: -1, opened: new Map() };

function outcome(arm) {
  if (!arm) return "";
  return arm.failed ? "failed" : arm.score >= 1 ? "right" : "wrong";
}

const SIGNS = { right: "\u2713", wrong: "\u2717", failed: "!" };

function mark(arm, name) {
  const kind = outcome(arm);
  if (!kind) return make("span", { text: "\u2013 ", title: `${name}: no answer` });
  const partly = kind === "wrong" && arm.score > 0 ? ` ${Number(arm.score).toFixed(2)}` : "";
  return make("span", { class: `mark ${kind}`, text: `${SIGNS[kind]}${partly} `, title: `${name}: ${kind}` });
}

function select(element, values) {
  for (const value of values) element.append(make("option", { value, text: value }));
}

function filter() {
  const words = $("search").value.toLowerCase().split(/\s+/).filter(Boolean);
  const [task, want, run] = [$("task").value, $("outcome").value, facts.arms.indexOf($("run").value)];
  state.shown = [];
  state.index.forEach((row, number) => {
    if (task && row.task !== task) return;
    const [base, own] = [outcome(row.arms[0]), outcome(row.arms[run])];
    if (want === "lost" && !(base === "right" && own && own !== "right")) return;
    if (want === "gained" && !(base && base !== "right" && own === "right")) return;
    if (want === "wrong" && own !== "wrong") return;
    if (want === "right" && own !== "right") return;
    if (want === "failed" && own !== "failed") return;
    if (words.length && !words.every((word) => row.text.includes(word))) return;
    state.shown.push(number);
  });
  $("count").textContent = `${state.shown.length.toLocaleString()} of ${state.index.length.toLocaleString()} samples`;
  $("rows").style.height = `${state.shown.length * ROW}px`;
  $("list").scrollTop = 0;
  paint();
}

function paint() {
  const list = $("list");
  const first = Math.max(0, Math.floor(list.scrollTop / ROW) - 4);
  const last = Math.min(state.shown.length, first + Math.ceil(list.clientHeight / ROW) + 8);
  $("rows").replaceChildren();
  for (let place = first; place < last; place += 1) {
    const number = state.shown[place];
    const row = state.index[number];
    const marks = make("div", { class: "marks" }, ...row.arms.map((arm, i) => mark(arm, facts.arms[i])));
    marks.append(`${row.task} ${row.number + 1}`);
    const item = make("div", { class: "row", role: "option", id: `row-${number}` }, marks, make("div", { text: row.question }));
    item.style.top = `${place * ROW}px`;
    item.setAttribute("aria-selected", String(number === state.chosen));
    item.addEventListener("click", () => choose(number));
    $("rows").append(item);
  }
}

async function block(number) {
  if (!state.opened.has(number)) {
    state.opened.set(number, unpack(document.getElementsByClassName("block")[number].textContent));
  }
  return state.opened.get(number);
}

async function choose(number) {
  state.chosen = number;
  paint();
  $("list").setAttribute("aria-activedescendant", `row-${number}`);
  history.replaceState(null, "", `#sample-${number}`);
  const whole = (await block(Math.floor(number / facts.block)))[number % facts.block];
  if (state.chosen === number) show(state.index[number], whole);
}

function folded(title, text, open = false) {
  const details = make("details", {}, make("summary", { text: title }), make("pre", { text }));
  details.open = open;
  return details;
}

function show(row, whole) {
  const properties = Object.entries(row.fields).map(([name, value]) => `${name} ${value}`).join(" \u00b7 ");
  const arms = whole.arms.map((arm, i) => (arm ? column(facts.arms[i], row.arms[i], arm) : null));
  $("sample").replaceChildren(
    make("h3", { text: `${row.task} ${row.number + 1}` }),
    make("p", { class: "quiet", text: properties }),
    make("pre", { text: whole.question }),
    make("p", {}, make("strong", { text: "Gold answer: " }), whole.target),
    whole.prompt ? folded(`Prompt (${whole.prompt.length.toLocaleString()} characters)`, whole.prompt) : null,
    make("div", { class: "arms" }, ...arms.filter((arm) => arm !== null)),
  );
}

function column(name, short, arm) {
  const costs = [short.stop, arm.seconds === null ? "" : `${Number(arm.seconds).toFixed(2)} s`].filter(Boolean).join(" \u00b7 ");
  const title = make("h4", {}, mark(short, name), name);
  const parts = [title, make("p", { class: "quiet", text: costs }), make("pre", { text: arm.answer })];
  const paths = arm.steps.some((step) => step.path);
  parts.push(paths ? tree(arm.steps) : make("div", {}, ...arm.steps.map(step)));
  return make("section", { class: "arm", "aria-label": name }, ...parts);
}

// Steps of sub-problems are drawn as a tree, each where its sub-problem stands.
function tree(steps) {
  const root = make("ul", { class: "tree" });
  const places = new Map([["", root]]);
  const place = (path) => {
    if (!places.has(path)) {
      const cut = path.lastIndexOf(".");
      const list = make("ul");
      place(cut < 0 ? "" : path.slice(0, cut)).append(make("li", {}, make("strong", { text: `Part ${path}` }), list));
      places.set(path, list);
    }
    return places.get(path);
  };
  for (const each of steps) place(each.path || "").append(make("li", {}, step(each)));
  return root;
}

function step(each) {
  const kind = each.error ? "error" : each.kind;
  const counts = [
    each.prompt_tokens ? `${each.prompt_tokens} prompt` : "",
    each.completion_tokens ? `${each.completion_tokens} new tokens` : "",
    each.retrieved_tokens ? `${each.retrieved_tokens} retrieved` : "",
    each.seconds ? `${Number(each.seconds).toFixed(2)} s` : "",
    each.error ? `error: ${each.error}` : "",
  ].filter(Boolean).join(", ");
  const title = [each.kind, each.tool, each.purpose].filter(Boolean).join(" \u00b7 ");
  const details = make("details", { class: `step ${kind}` }, make("summary", {}, `${title} `, make("small", { text: counts })));
  if (each.prompt) details.append(each.kind === "generate" ? folded("Prompt", each.prompt) : make("pre", { text: each.prompt }));
  if (each.documents) {
    const rows = each.documents.map(([id, score]) => make("tr", {}, make("td", { text: id }), make("td", { class: "number", text: Number(score).toFixed(3) })));
    details.append(make("table", {}, make("tbody", {}, ...rows)));
  }
  if (each.output) details.append(make("pre", { text: each.output }));
  details.open = each.kind === "tool";
  return details;
}

function move(by) {
  const place = Math.min(state.shown.length - 1, Math.max(0, state.shown.indexOf(state.chosen) + by));
  if (place < 0 || state.shown.length === 0) return;
  const list = $("list");
  if (place * ROW < list.scrollTop) list.scrollTop = place * ROW;
  if ((place + 1) * ROW > list.scrollTop + list.clientHeight) list.scrollTop = (place + 1) * ROW - list.clientHeight;
  choose(state.shown[place]);
}

async function begin() {
  draw();
  dark.addEventListener("change", draw);
  state.index = await unpack($("index").textContent);
  for (const row of state.index) {
    const answers = row.arms.map((arm) => (arm ? arm.answer : ""));
    row.text = [row.question, row.target, ...answers].join("\n").toLowerCase();
  }
  select($("task"), [...new Set(state.index.map((row) => row.task))]);
  select($("run"), facts.arms);
  $("run").value = facts.shown;
  for (const id of ["search", "task", "outcome", "run"]) $(id).addEventListener("input", filter);
  $("list").addEventListener("scroll", paint);
  $("list").addEventListener("keydown", (event) => {
    const by = { ArrowDown: 1, ArrowUp: -1, PageDown: 10, PageUp: -10, Home: -Infinity, End: Infinity }[event.key];
    if (by === undefined) return;
    event.preventDefault();
    move(by === Infinity ? state.shown.length : by === -Infinity ? -state.shown.length : by);
  });
  filter();
  const linked = /^#sample-(\d+)$/.exec(location.hash);
  if (linked && Number(linked[1]) < state.index.length) await choose(Number(linked[1]));
  document.documentElement.dataset.ready = "true";
}

begin();
