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
  const bend = ahead > 0 ? Math.max(32, ahead / 2) : Math.min(260, 90 - ahead / 4);
  return `M${from.x} ${from.y} C${from.x + bend} ${from.y} ${to.x - bend} ${to.y} ${to.x} ${to.y}`;
}

export const middle = (from, to) => ({ x: (from.x + to.x) / 2, y: (from.y + to.y) / 2 });

export function boundsOf(nodes, waysOf) {
  const left = Math.min(...nodes.map((node) => node.x));
  const top = Math.min(...nodes.map((node) => node.y));
  const right = Math.max(...nodes.map((node) => node.x + WIDTH));
  const bottom = Math.max(...nodes.map((node) => node.y + heightOf(waysOf(node)) + (node.note ? 32 : 0)));
  return { left, top, width: right - left, height: bottom - top };
}
