/*
 * What mouse, pen and fingers do on the canvas: move cards, draw connections from ports, choose edges, pan, select with a
 * frame (Shift), pinch.
 */

import { WIDTH, heightOf, outAt } from "./geometry.js";

const STILL = 4; // pixels that a press may move and still be a click
const SNAP = 8;

const snap = (number) => Math.round(number / SNAP) * SNAP;

export class Pointer {
  constructor({ board, model, drawing, viewport, mayEdit, open, say }) {
    Object.assign(this, { board, model, drawing, viewport, mayEdit, open, say });
    this.down = new Map();
    this.gesture = null;
    this.frame = board.querySelector(".frame");
    board.addEventListener("pointerdown", (event) => this.press(event));
    board.addEventListener("pointermove", (event) => this.moved(event));
    board.addEventListener("pointerup", (event) => this.release(event));
    board.addEventListener("pointercancel", (event) => this.release(event, true));
    // A press of a key on a card, or of a reader of the screen, comes without a pointer.
    board.addEventListener("click", (event) => {
      const card = event.detail === 0 && event.target.closest(".node");
      if (card) this.choose(card.dataset.id, { isKeyboard: true });
    });
  }

  press(event) {
    if (event.button > 1 || event.target.closest("#remove-edge")) return;
    this.down.set(event.pointerId, { x: event.clientX, y: event.clientY });
    this.board.setPointerCapture(event.pointerId);
    if (this.down.size === 2) {
      this.gesture?.cancel?.();
      this.gesture = this.pinching();
      return;
    }
    if (this.down.size > 2) return;
    this.from = { clientX: event.clientX, clientY: event.clientY };
    this.hasMoved = false;
    this.gesture = this.begun(event);
  }

  begun(event) {
    const port = event.target.closest(".port.out");
    const card = event.target.closest(".node");
    const edge = event.target.closest("[data-edge]");
    if (event.button === 1) return this.panning(event);
    if (port && this.mayEdit) return this.connecting(card.dataset.id, port);
    if (card) return this.carrying(card.dataset.id, event);
    if (edge) return { end: () => { if (!this.hasMoved) this.model.select([], edge.dataset.edge); } };
    return event.shiftKey ? this.framing(event) : this.panning(event);
  }

  moved(event) {
    const before = this.down.get(event.pointerId);
    if (!before) return;
    const dx = event.clientX - before.x;
    const dy = event.clientY - before.y;
    if (!this.hasMoved && Math.hypot(event.clientX - this.from.clientX, event.clientY - this.from.clientY) < STILL) return;
    this.hasMoved = true;
    this.gesture?.move?.(event, dx, dy);
    this.down.set(event.pointerId, { x: event.clientX, y: event.clientY });
  }

  release(event, isCancelled = false) {
    if (!this.down.delete(event.pointerId)) return;
    const gesture = this.gesture;
    this.gesture = null;
    if (isCancelled) gesture?.cancel?.(event);
    else gesture?.end?.(event);
  }

  panning() {
    return {
      move: (_event, dx, dy) => this.viewport.pan(dx, dy),
      end: () => { if (!this.hasMoved) { this.model.select([]); this.open(null); } },
    };
  }

  pinching() {
    const spread = () => {
      const [one, other] = [...this.down.values()];
      return { size: Math.hypot(one.x - other.x, one.y - other.y), x: (one.x + other.x) / 2, y: (one.y + other.y) / 2 };
    };
    let last = spread();
    this.hasMoved = true;
    return {
      move: (event) => {
        this.down.set(event.pointerId, { x: event.clientX, y: event.clientY });
        if (this.down.size !== 2) return;
        const next = spread();
        this.viewport.pan(next.x - last.x, next.y - last.y);
        if (last.size) this.viewport.zoomBy(next.size / last.size, { clientX: next.x, clientY: next.y });
        last = next;
      },
    };
  }

  carrying(id, event) {
    const adds = event.shiftKey || event.ctrlKey || event.metaKey;
    const wasSelected = this.model.selected.has(id);
    if (!wasSelected && !adds) this.model.select([id]);
    else if (!wasSelected) this.model.select([...this.model.selected, id]);
    const ids = new Set(this.model.selected);
    const start = this.viewport.at(this.from);
    const places = new Map([...ids].map((one) => [one, { ...this.model.node(one) }]));
    const place = (dx, dy) => {
      for (const [one, { x, y }] of places) Object.assign(this.model.node(one) ?? {}, { x: snap(x + dx), y: snap(y + dy) });
    };
    const back = () => {
      for (const [one, { x, y }] of places) Object.assign(this.model.node(one) ?? {}, { x, y });
    };
    const way = (now) => {
      const at = this.viewport.at(now);
      return [at.x - start.x, at.y - start.y];
    };
    return {
      move: (now) => {
        if (!this.mayEdit) return;
        place(...way(now));
        this.drawing.draw();
      },
      end: (now) => {
        if (this.hasMoved && this.mayEdit) {
          back();
          this.model.change(() => place(...way(now)));
        } else if (adds && wasSelected) {
          this.model.select([...ids].filter((one) => one !== id));
        } else if (!adds) {
          this.choose(id);
        }
      },
      cancel: () => { back(); this.drawing.draw(); },
    };
  }

  choose(id, { isKeyboard = false } = {}) {
    this.model.select([id]);
    this.drawing.focus(id);
    this.open(id, { isKeyboard });
  }

  connecting(id, port) {
    const node = this.model.node(id);
    const start = outAt(node, this.model.ways(node), port.dataset.port);
    const under = (event) => {
      const card = document.elementsFromPoint(event.clientX, event.clientY).map((one) => one.closest(".node")).find(Boolean);
      return card && card.dataset.id !== id && this.model.node(card.dataset.id)?.type !== "start" ? card : null;
    };
    let target = null;
    const aim = (card) => {
      target?.classList.remove("target");
      target = card;
      target?.classList.add("target");
    };
    this.board.classList.add("connecting");
    const done = () => {
      aim(null);
      this.board.classList.remove("connecting");
      this.drawing.dropThread();
    };
    return {
      move: (event) => {
        aim(under(event));
        this.drawing.drawThread(start, this.viewport.at(event), port.dataset.kind);
      },
      end: (event) => {
        const card = this.hasMoved && under(event);
        done();
        if (card) this.say(this.model.connect(id, port.dataset.port, card.dataset.id), { from: id, to: card.dataset.id });
        else if (!this.hasMoved) this.choose(id);
      },
      cancel: done,
    };
  }

  framing(event) {
    const from = { x: event.clientX, y: event.clientY };
    const { left, top } = this.board.getBoundingClientRect();
    const before = [...this.model.selected];
    const hide = () => { this.frame.hidden = true; };
    return {
      move: (now) => {
        const box = { x: Math.min(from.x, now.clientX), y: Math.min(from.y, now.clientY) };
        Object.assign(this.frame.style, {
          left: `${box.x - left}px`,
          top: `${box.y - top}px`,
          width: `${Math.abs(now.clientX - from.x)}px`,
          height: `${Math.abs(now.clientY - from.y)}px`,
        });
        this.frame.hidden = false;
        const [a, b] = [this.viewport.at({ clientX: box.x, clientY: box.y }), this.viewport.at({
          clientX: Math.max(from.x, now.clientX), clientY: Math.max(from.y, now.clientY),
        })];
        const inside = this.model.graph.nodes.filter((node) => (
          node.x < b.x && node.x + WIDTH > a.x && node.y < b.y && node.y + heightOf(this.model.ways(node)) > a.y
        ));
        this.model.select([...before, ...inside.map((node) => node.id)]);
      },
      end: hide,
      cancel: hide,
    };
  }
}
