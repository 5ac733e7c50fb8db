/* Draws the graph: a card for each node, a curve for each edge. */

import { WIDTH, curve, heightOf, inAt, middle, outAt } from "./geometry.js";
import { keyOf } from "./model.js";

const SVG = "http://www.w3.org/2000/svg";

function made(tag, className, parent) {
  const element = document.createElement(tag);
  element.className = className;
  parent?.append(element);
  return element;
}

export class Drawing {
  constructor(model, { nodes, edges, words, mayEdit }) {
    Object.assign(this, { model, list: nodes, svg: edges, words, mayEdit });
    this.cards = new Map();
    this.curves = new Map();
    this.icons = document.getElementById("node-icons").content;
    this.knife = document.getElementById("remove-edge");
  }

  draw() {
    const { nodes, edges } = this.model.graph;
    this.keep(this.cards, nodes.map((node) => node.id), () => this.newCard());
    for (const node of nodes) this.drawCard(node, this.cards.get(node.id));
    this.keep(this.curves, edges.map(keyOf), () => this.newCurve());
    for (const edge of edges) this.drawCurve(edge, this.curves.get(keyOf(edge)));
    this.drawKnife();
  }

  /* Has one element for each key, in no order. */
  keep(elements, keys, make) {
    const wanted = new Set(keys);
    for (const [key, element] of elements) {
      if (wanted.has(key)) continue;
      element.remove();
      elements.delete(key);
    }
    for (const key of wanted) if (!elements.has(key)) elements.set(key, make());
  }

  newCard() {
    const item = made("li", "node", this.list);
    const button = made("button", "node-card", item);
    button.type = "button";
    button.tabIndex = -1;
    made("span", "node-icon", button);
    const words = made("span", "node-words", button);
    made("span", "node-label", words);
    made("span", "node-text", words);
    made("span", "sr-only", button);
    made("span", "port in", item).ariaHidden = "true";
    made("span", "ports", item).ariaHidden = "true";
    made("span", "node-note", item);
    return item;
  }

  drawCard(node, item) {
    const { card, ways } = { card: this.model.card(node), ways: this.model.ways(node) };
    const [button, inPort, ports, note] = item.children;
    const isSelected = this.model.selected.has(node.id);
    item.dataset.id = node.id;
    item.dataset.group = card.group ?? "";
    item.style.transform = `translate(${node.x}px, ${node.y}px)`;
    item.style.width = `${WIDTH}px`;
    button.style.height = `${heightOf(ways)}px`;
    button.ariaPressed = String(isSelected);
    item.classList.toggle("selected", isSelected);
    item.classList.toggle("faulty", card.faults.length > 0);
    item.classList.toggle("unset", card.faults.includes(card.text));
    item.classList.toggle("parting", ways.length > 1 || (ways[0] && ways[0].kind !== "next"));
    const [icon, words, more] = button.children;
    if (icon.dataset.icon !== card.icon) {
      icon.dataset.icon = card.icon;
      icon.replaceChildren(...[...(this.icons.querySelector(`[data-icon="${card.icon}"]`)?.children ?? [])].map((one) => one.cloneNode(true)));
    }
    words.children[0].textContent = card.label;
    words.children[1].textContent = card.text;
    more.textContent = [
      ...card.faults.filter((fault) => fault !== card.text).map((fault) => this.words.fault.replace("{fault}", fault)),
      ...(node.note ? [this.words.note.replace("{note}", node.note)] : []),
    ].join(" ");
    button.title = card.faults.join("\n");
    inPort.hidden = node.type === "start";
    inPort.style.top = `${heightOf(ways) / 2}px`;
    this.drawPorts(node, ways, ports);
    note.textContent = node.note ?? "";
    note.hidden = !node.note;
  }

  drawPorts(node, ways, ports) {
    const known = JSON.stringify(ways);
    const taken = new Set(this.model.graph.edges.filter((edge) => edge.from === node.id).map((edge) => edge.port));
    if (ports.dataset.ways !== known) {
      ports.dataset.ways = known;
      ports.replaceChildren();
      for (const way of ways) {
        const port = made("span", "port out", ports);
        port.dataset.port = way.key;
        port.dataset.kind = way.kind;
        port.style.top = `${outAt(node, ways, way.key).y - node.y}px`;
        port.title = way.label;
        if (way.kind !== "next" || ways.length > 1) made("span", "port-label", port).textContent = way.label;
      }
    }
    for (const port of ports.children) port.classList.toggle("taken", taken.has(port.dataset.port));
  }

  newCurve() {
    const group = document.createElementNS(SVG, "g");
    for (const name of ["edge-reach", "edge-line"]) {
      const path = document.createElementNS(SVG, "path");
      path.classList.add(name);
      group.append(path);
    }
    this.svg.append(group);
    return group;
  }

  ends(edge) {
    const [from, to] = [this.model.node(edge.from), this.model.node(edge.to)];
    return [outAt(from, this.model.ways(from), edge.port), inAt(to, this.model.ways(to))];
  }

  drawCurve(edge, group) {
    const way = this.model.ways(this.model.node(edge.from)).find((one) => one.key === edge.port);
    group.dataset.edge = keyOf(edge);
    group.dataset.kind = way?.kind ?? "lost";
    group.classList.toggle("selected", this.model.edge === keyOf(edge));
    for (const path of group.children) path.setAttribute("d", curve(...this.ends(edge)));
  }

  /* The button in the middle of the selected edge that removes it. */
  drawKnife() {
    const edge = this.mayEdit && this.model.edge && this.model.edgeOf(this.model.edge);
    if (!this.knife) return;
    this.knife.hidden = !edge;
    if (!edge) return;
    const { x, y } = middle(...this.ends(edge));
    this.knife.style.transform = `translate(${x}px, ${y}px) translate(-50%, -50%)`;
    const name = (id) => this.model.card(this.model.node(id)).label;
    this.knife.ariaLabel = this.words.removeEdge.replace("{from}", name(edge.from)).replace("{to}", name(edge.to));
  }

  /* A curve that follows the pointer while a connection is being drawn. */
  drawThread(from, to, kind) {
    if (!this.thread) {
      this.thread = document.createElementNS(SVG, "path");
      this.thread.classList.add("edge-line", "thread");
      this.svg.append(this.thread);
    }
    this.thread.dataset.kind = kind;
    this.thread.setAttribute("d", curve(from, to));
  }

  dropThread() {
    this.thread?.remove();
    this.thread = null;
  }

  /* One card can be reached with the tab key, the arrow keys go on from there. */
  lead(id) {
    for (const [key, item] of this.cards) item.firstElementChild.tabIndex = key === id ? 0 : -1;
  }

  focus(id) {
    this.lead(id);
    this.cards.get(id)?.firstElementChild.focus({ preventScroll: true });
  }
}
