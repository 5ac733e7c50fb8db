/* Where cards have their ports, and how an edge runs; in pixels of the canvas. */

export const WIDTH = 216;
const LEAST_HEIGHT = 60;
const ROW = 24;

export const heightOf = (ways) => Math.max(LEAST_HEIGHT, ways.length * ROW + 12);

export const inAt = (node, ways) => ({ x: node.x, y: node.y + heightOf(ways) / 2 });

/* A way that the node no longer has leaves at the bottom. */
export function outAt(node, ways, port) {
  const place = ways.findIndex((way) => way.key === port);
  if (place < 0) return { x: node.x + WIDTH / 2, y: node.y + heightOf(ways) };
  return { x: node.x + WIDTH, y: node.y + heightOf(ways) / 2 + (place - (ways.length - 1) / 2) * ROW };
}

export function curve(from, to) {
  const ahead = to.x - from.x;
  if (ahead > 8) {
    const bend = Math.max(32, ahead / 2);
    return `M${from.x} ${from.y} C${from.x + bend} ${from.y} ${to.x - bend} ${to.y} ${to.x} ${to.y}`;
  }
  // A way back turns round behind the cards.
  const { x, y } = middle(from, to);
  const bend = 56;
  return `M${from.x} ${from.y} C${from.x + bend} ${from.y} ${from.x + bend} ${y} ${x} ${y} C${to.x - bend} ${y} ${to.x - bend} ${to.y} ${to.x} ${to.y}`;
}

/* The middle of an edge; of a way back between cards at the same height, the point below them. */
export function middle(from, to) {
  const x = (from.x + to.x) / 2;
  const isLevel = to.x - from.x <= 8 && Math.abs(to.y - from.y) < LEAST_HEIGHT + 24;
  return { x, y: isLevel ? Math.max(from.y, to.y) + LEAST_HEIGHT : (from.y + to.y) / 2 };
}

export function boundsOf(nodes, waysOf) {
  const left = Math.min(...nodes.map((node) => node.x));
  const top = Math.min(...nodes.map((node) => node.y));
  const right = Math.max(...nodes.map((node) => node.x + WIDTH));
  const bottom = Math.max(...nodes.map((node) => node.y + heightOf(waysOf(node)) + (node.note ? 32 : 0)));
  return { left, top, width: right - left, height: bottom - top };
}
