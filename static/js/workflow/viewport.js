/* What part of the canvas is seen, and how large: it is panned, zoomed, pinched and fitted. */

import { boundsOf } from "./geometry.js";

const SMALLEST = 0.2;
const LARGEST = 2;
const GRID = 20;

export class Viewport {
  constructor(board, world) {
    Object.assign(this, { board, world, x: 0, y: 0, zoom: 1 });
    board.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
  }

  apply() {
    this.world.style.transform = `translate(${this.x}px, ${this.y}px) scale(${this.zoom})`;
    this.board.style.backgroundPosition = `${this.x}px ${this.y}px`;
    // From afar every fourth point is left, lest they become a grey mass.
    const grid = GRID * this.zoom * (this.zoom < 0.6 ? 2 : 1);
    this.board.style.backgroundSize = `${grid}px ${grid}px`;
  }

  /* A point of the window as a point of the canvas. */
  at({ clientX, clientY }) {
    const { left, top } = this.board.getBoundingClientRect();
    return { x: (clientX - left - this.x) / this.zoom, y: (clientY - top - this.y) / this.zoom };
  }

  get centre() {
    const { left, top, width, height } = this.board.getBoundingClientRect();
    return { clientX: left + width / 2, clientY: top + height / 2 };
  }

  pan(dx, dy) {
    this.x += dx;
    this.y += dy;
    this.apply();
  }

  zoomBy(factor, point = this.centre) {
    const fixed = this.at(point);
    this.zoom = Math.min(LARGEST, Math.max(SMALLEST, this.zoom * factor));
    const { left, top } = this.board.getBoundingClientRect();
    this.x = point.clientX - left - fixed.x * this.zoom;
    this.y = point.clientY - top - fixed.y * this.zoom;
    this.apply();
  }

  wheel(event) {
    event.preventDefault();
    if (event.ctrlKey || event.metaKey) this.zoomBy(Math.exp(-event.deltaY / 300), event);
    else if (event.shiftKey && !event.deltaX) this.pan(-event.deltaY, 0);
    else this.pan(-event.deltaX, -event.deltaY);
  }

  /* Shows all nodes. ``hidden`` is how much of the canvas something lies over. */
  fit(nodes, waysOf, hidden = { right: 0, bottom: 0 }) {
    if (!nodes.length) return;
    const { left, top, width, height } = boundsOf(nodes, waysOf);
    const window = this.board.getBoundingClientRect();
    const margin = Math.min(48, window.width / 12);
    const room = { width: window.width - hidden.right - 2 * margin, height: window.height - hidden.bottom - 2 * margin };
    this.zoom = Math.max(SMALLEST, Math.min(1, room.width / width, room.height / height));
    this.x = margin + Math.max(0, (room.width - width * this.zoom) / 2) - left * this.zoom;
    this.y = margin + Math.max(0, (room.height - height * this.zoom) / 2) - top * this.zoom;
    this.apply();
  }

  /* Pans just as far as a node needs to be seen. */
  show(node, waysOf, hidden = { right: 0, bottom: 0 }) {
    const { left, top, width, height } = boundsOf([node], waysOf);
    const window = this.board.getBoundingClientRect();
    const margin = 32;
    const [x, y] = [left * this.zoom + this.x, top * this.zoom + this.y];
    const farX = window.width - hidden.right - width * this.zoom - margin;
    const farY = window.height - hidden.bottom - height * this.zoom - margin;
    this.pan(Math.max(margin, Math.min(x, farX)) - x, Math.max(margin, Math.min(y, farY)) - y);
  }
}
