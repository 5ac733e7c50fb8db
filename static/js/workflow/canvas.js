/* The canvas of a workflow: brings its parts together. The page has its data in #workflow-data. */

import { heightOf, WIDTH } from "./geometry.js";
import { Drawing } from "./drawing.js";
import { listenToKeys, neighbour } from "./keyboard.js";
import { arrange } from "./layout.js";
import { Model } from "./model.js";
import { connectPalette } from "./palette.js";
import { Panel } from "./panel.js";
import { Pointer } from "./pointer.js";
import { Saver, send } from "./saving.js";
import { Viewport } from "./viewport.js";

const CLIPBOARD = "muster-nodes";
const data = JSON.parse(document.getElementById("workflow-data").textContent);
const { words, addresses, mayEdit } = data;
const root = document.getElementById("workflow");
const byId = (id) => document.getElementById(id);
const board = byId("board");
const isPhone = matchMedia("(max-width: 56rem)");

root.hidden = false;
const model = new Model(data);
const drawing = new Drawing(model, { nodes: byId("nodes"), edges: byId("edges"), words, mayEdit });
const viewport = new Viewport(board, byId("world"));
const name = (id) => model.card(model.node(id)).label;

function announce(text, filled = {}) {
  byId("said").textContent = (words[text] ?? text).replace(/\{(\w+)\}/g, (_all, key) => filled[key] ?? "");
}

/* How the draft stands, in the page head; what stops saving, over the canvas. */
function showSaving(state, message = "") {
  const place = byId("saving");
  if (!place) return;
  place.dataset.state = state;
  place.querySelector("[data-text]").textContent = words[state];
  const stop = byId("stopped");
  stop.hidden = !["conflict", "signedOut"].includes(state) && !(state === "refused" && message);
  if (stop.hidden) return;
  stop.dataset.state = state;
  stop.querySelector("[data-message]").textContent = message || words[state];
}

function showFaults() {
  const list = byId("fault-list");
  byId("faults").hidden = !model.faults.length;
  byId("fault-count").textContent = model.faults.length;
  list.replaceChildren(...model.faults.map((fault) => {
    const item = document.createElement("li");
    const button = document.createElement("button");
    button.type = "button";
    button.dataset.node = fault.node;
    const title = document.createElement("strong");
    title.textContent = fault.label;
    button.append(...(fault.label ? [title, " "] : []), fault.message);
    item.append(button);
    return item;
  }));
}

const saver = new Saver({
  number: data.number,
  address: addresses.draft,
  graph: () => model.graph,
  saved: (answer) => {
    model.describe(answer);
    panel.follow();
  },
  show: showSaving,
});
const panel = new Panel({
  panel: byId("panel"),
  address: addresses.node,
  model,
  saver,
  opened: (id) => { if (model.node(id)) viewport.show(model.node(id), model.ways, hiddenBy()); },
  updated: (state) => {
    saver.number = state.number;
    model.cards = state.cards;
    model.adopt(state.graph);
    model.describe(state);
    showSaving("saved");
  },
  closed: (id, focus) => { if (focus && model.node(id)) drawing.focus(id); },
  remove: (id) => { model.select([id]); does.remove(); },
});

function open(id, { isKeyboard = false } = {}) {
  if (id === null) panel.close();
  else panel.open(id, { focus: isKeyboard });
}

model.addEventListener("graph", () => {
  drawing.draw();
  showHistory();
  saver.changed();
});
model.addEventListener("adopted", () => { drawing.draw(); showHistory(); });
model.addEventListener("described", () => { drawing.draw(); showFaults(); });
model.addEventListener("selection", () => {
  drawing.draw();
  if (model.only) drawing.lead(model.only.id);
});

function showHistory() {
  for (const [does, steps] of [["undo", model.before], ["redo", model.after]]) {
    for (const button of document.querySelectorAll(`[data-do="${does}"]`)) button.disabled = !steps.length;
  }
}

/* Where a new node goes: behind the selected one, into its free way out; else into the middle of what is seen. */
function placeFor(type) {
  const before = model.only;
  const ways = before ? model.ways(before) : [];
  const taken = new Set(model.graph.edges.filter((edge) => edge.from === before?.id).map((edge) => edge.port));
  const way = ways.find((one) => !taken.has(one.key)) ?? (ways.length === 1 ? ways[0] : null);
  const start = before && way
    ? { x: before.x + WIDTH + 72, y: before.y + (ways.length > 1 ? (ways.indexOf(way) - (ways.length - 1) / 2) * 112 : 0) }
    : middleOfView(type);
  while (model.graph.nodes.some((node) => Math.abs(node.x - start.x) < WIDTH && Math.abs(node.y - start.y) < 84)) start.y += 28;
  return { place: start, after: before && way ? { id: before.id, port: way.key } : undefined };
}

function middleOfView() {
  const { x, y } = viewport.at(viewport.centre);
  return { x: x - WIDTH / 2, y: y - 30 };
}

function add(type, point) {
  let added;
  if (point) {
    const at = viewport.at(point);
    const edge = document.elementsFromPoint(point.clientX, point.clientY).map((one) => one.closest("[data-edge]")).find(Boolean);
    const ways = model.kinds[type].ports;
    added = model.add(type, { x: at.x - WIDTH / 2, y: at.y - heightOf(ways) / 2 }, { edge: edge && model.edgeOf(edge.dataset.edge) });
  } else {
    const { place, after } = placeFor(type);
    added = model.add(type, place, { after });
  }
  if (!added) return announce("tooMany");
  announce("added", { node: name(added.id) });
  root.classList.remove("adding");
  drawing.lead(added.id);
  viewport.show(added, model.ways, hiddenBy());
  if (!isPhone.matches) open(added.id);
}

/* How much of the canvas the open panel covers. */
function hiddenBy() {
  const { offsetWidth, offsetHeight } = byId("panel");
  return isPhone.matches ? { right: 0, bottom: Math.max(64, offsetHeight) } : { right: offsetWidth, bottom: 64 };
}

const does = {
  undo: () => { if (model.back()) announce("undone"); },
  redo: () => { if (model.forth()) announce("redone"); },
  copy: () => {
    const clipping = model.clipping();
    if (!clipping.nodes.length) return announce("startStays");
    localStorage.setItem(CLIPBOARD, JSON.stringify(clipping));
    announce("copied", { count: clipping.nodes.length });
  },
  cut: () => { does.copy(); does.remove(); },
  paste: () => {
    const clipping = JSON.parse(localStorage.getItem(CLIPBOARD) ?? "null");
    const nodes = clipping?.nodes.filter((node) => model.kinds[node.type] && node.type !== "start") ?? [];
    if (!nodes.length) return;
    const ids = new Set(nodes.map((node) => node.id));
    const edges = clipping.edges.filter((edge) => ids.has(edge.from) && ids.has(edge.to));
    if (model.paste({ nodes, edges }) === null) return announce("tooMany");
    panel.close();
    const [first] = model.selected;
    drawing.focus(first);
    viewport.show(model.node(first), model.ways);
  },
  duplicate: () => {
    const clipping = model.clipping();
    if (clipping.nodes.length && model.paste(clipping) === null) announce("tooMany");
  },
  selectAll: () => model.select(model.graph.nodes.map((node) => node.id)),
  remove: () => {
    if (model.edge) {
      const { from, to } = model.edgeOf(model.edge);
      model.disconnect(model.edge);
      return announce("disconnected", { from: name(from), to: name(to) });
    }
    const ids = [...model.selected];
    const label = ids.length === 1 ? name(ids[0]) : "";
    const next = ids.length === 1 && neighbour(model, model.node(ids[0]), [-1, 0]);
    const count = model.remove(ids);
    if (!count) return ids.length ? announce("startStays") : undefined;
    announce(count === 1 ? "removed" : "removedSeveral", { node: label, count });
    panel.follow();
    const stays = (next && model.node(next.id)) || model.start || model.graph.nodes[0];
    if (!stays) return undefined;
    model.select([stays.id]);
    return drawing.focus(stays.id);
  },
  leave: () => {
    if (panel.id !== null) panel.close({ focus: true });
    else { root.classList.remove("adding"); model.select([]); }
  },
  zoomIn: () => viewport.zoomBy(1.25),
  zoomOut: () => viewport.zoomBy(0.8),
  fit: () => viewport.fit(model.graph.nodes, model.ways, hiddenBy()),
  arrange: () => {
    model.change((graph) => { graph.nodes = arrange(graph, model.ways); });
    does.fit();
    announce("arranged");
  },
  search: () => { root.classList.add("adding"); byId("palette")?.querySelector("[data-find]").focus(); },
  palette: () => root.classList.toggle("adding"),
  help: () => byId("shortcuts").showModal(),
  go: (way) => {
    const from = model.only ?? model.node([...model.selected][0]) ?? null;
    const to = from ? neighbour(model, from, way) : model.start ?? model.graph.nodes[0];
    if (!to) return;
    model.select([to.id]);
    drawing.focus(to.id);
    viewport.show(to, model.ways, hiddenBy());
    if (panel.id !== null && !panel.isDirty) panel.open(to.id);
  },
  move: ([dx, dy]) => { if (model.selected.size) { model.move(model.selected, dx, dy); announce("moved"); } },
};

new Pointer({
  board,
  model,
  drawing,
  viewport,
  mayEdit,
  open,
  say: (text, { from, to }) => announce(text, { from: name(from), to: name(to) }),
});
listenToKeys({ board, model, does, mayEdit });
if (mayEdit) {
  connectPalette(byId("palette"), { board, add, nothing: byId("no-kind") });
  byId("remove-edge").addEventListener("click", does.remove);
}
board.addEventListener("focusin", (event) => {
  const card = event.target.closest(".node");
  if (card && !model.selected.has(card.dataset.id)) model.select([card.dataset.id]);
});
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-do]");
  if (button) does[button.dataset.do]();
  const fault = event.target.closest("#fault-list [data-node]");
  if (fault && model.node(fault.dataset.node)) {
    byId("fault-list").hidePopover();
    goTo(fault.dataset.node);
  }
});
byId("fault-list").addEventListener("beforetoggle", ({ target }) => {
  const { left, bottom } = byId("faults").getBoundingClientRect();
  Object.assign(target.style, { left: `${left}px`, top: `${bottom + 6}px` });
});

function goTo(id) {
  model.select([id]);
  drawing.focus(id);
  viewport.show(model.node(id), model.ways, hiddenBy());
  open(id, { isKeyboard: true });
}

// What leads away to something about the draft waits until it is saved.
document.addEventListener("click", async (event) => {
  const link = event.target.closest("a[data-after-saving]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  if (await saver.flush()) location.assign(link.href);
});
byId("keep-mine")?.addEventListener("click", async () => {
  const answer = await send("POST", addresses.keep, { number: saver.number, graph: model.graph });
  if (!answer.ok || answer.redirected) return showSaving("refused", words.refused);
  saver.isChanged = false;
  return location.assign((await answer.json()).address);
});
byId("show-theirs")?.addEventListener("click", () => {
  saver.isChanged = false;
  location.reload();
});

drawing.draw();
showFaults();
showHistory();
if (mayEdit && model.graph.nodes.length === 1) model.select([model.graph.nodes[0].id]);
drawing.lead(model.start?.id ?? model.graph.nodes[0]?.id);
viewport.fit(model.graph.nodes, model.ways);
// Another page leads to a node: /workflows/7/#node-n3
const asked = decodeURIComponent(location.hash).replace("#node-", "");
if (model.node(asked)) goTo(asked);
