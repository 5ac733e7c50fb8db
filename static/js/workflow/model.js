/* The graph that is being drawn, what is selected in it, and what was before: every change can be undone. */

const MOST_NODES = 200;
const MOST_STEPS = 200;
const copy = (graph) => structuredClone(graph);

export const keyOf = (edge) => JSON.stringify([edge.from, edge.port, edge.to]);

export class Model extends EventTarget {
  constructor({ graph, cards, kinds, faults }) {
    super();
    Object.assign(this, { graph: copy(graph), cards, kinds, faults });
    this.selected = new Set();
    this.edge = null;
    this.before = [];
    this.after = [];
  }

  node(id) { return this.graph.nodes.find((node) => node.id === id); }
  get start() { return this.graph.nodes.find((node) => node.type === "start"); }
  edgeOf(key) { return this.graph.edges.find((edge) => keyOf(edge) === key); }

  /* The card of a node: as the server described it, or as one of its kind before that. */
  card(node) {
    const kind = this.kinds[node.type];
    return this.cards[node.id] ?? { label: kind?.label ?? node.type, text: "", icon: kind?.icon, group: kind?.group, ports: kind?.ports ?? [], faults: [] };
  }

  ways = (node) => this.card(node).ports;

  say(name) { this.dispatchEvent(new Event(name)); }

  /* Changes the graph by a function, as one step that can be undone. */
  change(edit) {
    const before = copy(this.graph);
    edit(this.graph);
    if (JSON.stringify(before) === JSON.stringify(this.graph)) return false;
    this.remember(before);
    this.say("graph");
    return true;
  }

  remember(before) {
    this.before.push(before);
    this.before.splice(0, this.before.length - MOST_STEPS);
    this.after = [];
  }

  /* Takes a graph over that the server has saved already. */
  adopt(graph) {
    if (JSON.stringify(graph) !== JSON.stringify(this.graph)) this.remember(copy(this.graph));
    this.graph = copy(graph);
    this.keepSelection();
    this.say("adopted");
  }

  describe({ cards, faults }) {
    Object.assign(this, { cards, faults });
    this.say("described");
  }

  back() { return this.step(this.before, this.after); }
  forth() { return this.step(this.after, this.before); }

  step(from, to) {
    if (!from.length) return false;
    to.push(this.graph);
    this.graph = from.pop();
    // What the server said of the ways out may be of other settings.
    this.keepSelection();
    this.say("graph");
    return true;
  }

  keepSelection() {
    for (const id of this.selected) if (!this.node(id)) this.selected.delete(id);
    if (this.edge && !this.edgeOf(this.edge)) this.edge = null;
  }

  select(ids, edge = null) {
    this.selected = new Set(ids);
    this.edge = edge;
    this.say("selection");
  }

  get only() { return this.selected.size === 1 ? this.node([...this.selected][0]) : undefined; }

  hasRoomFor(count) { return this.graph.nodes.length + count <= MOST_NODES; }

  freeId() {
    const taken = new Set(this.graph.nodes.map((node) => node.id));
    let id;
    do id = `n${crypto.getRandomValues(new Uint32Array(1))[0].toString(36)}`; while (taken.has(id));
    return id;
  }

  isTrigger(node) { return this.kinds[node.type]?.group === "trigger"; }

  /* Lets a port lead to a node. Only Start leads to several, its triggers; else the port leads there alone. */
  connect(from, port, to) {
    const source = this.node(from);
    const target = this.node(to);
    if (from === to) return "intoItself";
    if (target.type === "start") return "intoStart";
    this.change((graph) => {
      const isBeside = (edge) => source.type === "start" && this.isTrigger(target) && this.isTrigger(this.node(edge.to));
      graph.edges = graph.edges.filter((edge) => edge.from !== from || edge.port !== port || isBeside(edge));
      graph.edges = graph.edges.filter((edge) => keyOf(edge) !== keyOf({ from, port, to }));
      graph.edges.push({ from, port, to });
    });
    return "connected";
  }

  disconnect(key) {
    this.change((graph) => { graph.edges = graph.edges.filter((edge) => keyOf(edge) !== key); });
    this.select(this.selected);
  }

  /* Removes nodes. What led to one of them leads on to what came next, where that is a single node. */
  remove(ids) {
    const gone = [...ids].filter((id) => this.node(id) && this.node(id) !== this.start);
    this.change((graph) => {
      for (const id of gone) {
        const ends = new Set(graph.edges.filter((edge) => edge.from === id && edge.to !== id).map((edge) => edge.to));
        const next = ends.size === 1 ? [...ends][0] : null;
        const edges = new Map();
        for (const edge of graph.edges) {
          if (edge.from === id) continue;
          const kept = edge.to === id ? { ...edge, to: next } : edge;
          if (kept.to && kept.to !== kept.from) edges.set(keyOf(kept), kept);
        }
        graph.edges = [...edges.values()];
        graph.nodes = graph.nodes.filter((node) => node.id !== id);
      }
    });
    this.keepSelection();
    this.say("selection");
    return gone.length;
  }

  /* Adds a node. It comes after a way out of another one, or into an edge; what followed there follows on it. */
  add(type, { x, y }, { after, edge } = {}) {
    if (!this.hasRoomFor(1)) return null;
    const node = { id: this.freeId(), type, x: Math.round(x), y: Math.round(y), settings: {} };
    const [first] = this.ways(node);
    this.change((graph) => {
      graph.nodes.push(node);
      const into = edge ?? (after && graph.edges.find((one) => one.from === after.id && one.port === after.port && !this.isBeside(node, one)));
      if (into) {
        graph.edges = graph.edges.filter((one) => keyOf(one) !== keyOf(into));
        graph.edges.push({ from: into.from, port: into.port, to: node.id });
        if (first) graph.edges.push({ from: node.id, port: first.key, to: into.to });
      } else if (after) {
        graph.edges.push({ from: after.id, port: after.port, to: node.id });
      }
    });
    this.select([node.id]);
    return node;
  }

  isBeside(node, edge) {
    return this.node(edge.from).type === "start" && this.isTrigger(node) && this.isTrigger(this.node(edge.to));
  }

  /* What is selected, to be pasted here or on another canvas. */
  clipping() {
    const nodes = this.graph.nodes.filter((node) => this.selected.has(node.id) && node !== this.start);
    const ids = new Set(nodes.map((node) => node.id));
    return { nodes: copy(nodes), edges: copy(this.graph.edges.filter((edge) => ids.has(edge.from) && ids.has(edge.to))) };
  }

  paste({ nodes, edges }, offset = 40) {
    if (!this.hasRoomFor(nodes.length)) return null;
    const ids = new Map();
    this.change((graph) => {
      for (const node of nodes) {
        const id = this.freeId();
        ids.set(node.id, id);
        if (this.cards[node.id]) this.cards[id] = this.cards[node.id];
        graph.nodes.push({ ...copy(node), id, x: node.x + offset, y: node.y + offset });
      }
      for (const edge of edges) graph.edges.push({ from: ids.get(edge.from), port: edge.port, to: ids.get(edge.to) });
    });
    this.select(ids.values());
    return nodes.length;
  }

  move(ids, dx, dy) {
    this.change((graph) => {
      for (const node of graph.nodes) if (ids.has(node.id)) { node.x += dx; node.y += dy; }
    });
  }
}
