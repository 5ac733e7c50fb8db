/* The keys of the canvas. They are listed on the page: #shortcuts. */

import { WIDTH, heightOf } from "./geometry.js";

const STEP = 24;
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

const isTyping = (element) => element.closest?.("input, select, textarea, [contenteditable], dialog, .menu");

/* The nearest card in a direction, rather ahead than aside. */
export function neighbour(model, from, [dx, dy]) {
  const centre = (node) => ({ x: node.x + WIDTH / 2, y: node.y + heightOf(model.ways(node)) / 2 });
  const here = centre(from);
  let best = null;
  let least = Infinity;
  for (const node of model.graph.nodes) {
    const there = centre(node);
    const ahead = (there.x - here.x) * dx + (there.y - here.y) * dy;
    const aside = Math.abs((there.x - here.x) * dy) + Math.abs((there.y - here.y) * dx);
    const far = ahead + 2 * aside;
    if (node !== from && ahead > 0 && far < least) [best, least] = [node, far];
  }
  return best;
}

export function listenToKeys({ board, model, does, mayEdit }) {
  const withControl = {
    z: (event) => (event.shiftKey ? does.redo() : does.undo()),
    y: () => does.redo(),
    c: () => does.copy(),
    x: () => does.cut(),
    v: () => does.paste(),
    d: () => does.duplicate(),
    a: () => does.selectAll(),
  };
  const alone = {
    Delete: () => does.remove(),
    Backspace: () => does.remove(),
    Escape: () => does.leave(),
    "+": () => does.zoomIn(),
    "=": () => does.zoomIn(),
    "-": () => does.zoomOut(),
    0: () => does.fit(),
    l: () => does.arrange(),
    "/": () => does.search(),
    "?": () => does.help(),
  };
  const looking = new Set(["Escape", "+", "=", "-", "0", "?"]);

  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || isTyping(event.target)) return;
    const isOnCanvas = board.contains(event.target) || event.target.contains(board);
    const hasControl = event.ctrlKey || event.metaKey;
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    if (hasControl && !event.altKey && withControl[key] && (mayEdit || key === "a")) {
      if (!isOnCanvas && !["z", "y"].includes(key)) return;
      // What is marked as text is meant to be copied as text.
      if (["c", "x"].includes(key) && String(getSelection())) return;
      event.preventDefault();
      withControl[key](event);
    } else if (!hasControl && !event.altKey && isOnCanvas && ARROWS[event.key]) {
      event.preventDefault();
      if (event.shiftKey && mayEdit) does.move(ARROWS[event.key].map((way) => way * STEP));
      else does.go(ARROWS[event.key]);
    } else if (!hasControl && !event.altKey && alone[key] && (mayEdit || looking.has(key))) {
      if (!isOnCanvas && !["Escape", "/", "?"].includes(key)) return;
      event.preventDefault();
      alone[key]();
    }
  });
}
