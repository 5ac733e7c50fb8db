/*
 * Arranges a graph from left to right: every node stands one column behind the last that leads to it, ways that part
 * stand below each other, and a node stands in the middle of what follows it.
 */

import { WIDTH, heightOf } from "./geometry.js";

const COLUMN = WIDTH + 80;
const GAP = 44;

export function arrange({ nodes, edges }, waysOf) {
  const place = new Map(nodes.map((node) => [node.id, node]));
  const order = (node) => new Map(waysOf(node).map((way, index) => [way.key, index]));
  const ahead = new Map(nodes.map((node) => {
    const ways = order(node);
    const own = edges.filter((edge) => edge.from === node.id);
    return [node.id, own.sort((a, b) => (ways.get(a.port) ?? 99) - (ways.get(b.port) ?? 99)).map((edge) => edge.to)];
  }));
  const ledTo = new Set(edges.map((edge) => edge.to));
  const roots = [
    ...nodes.filter((node) => node.type === "start"),
    ...nodes.filter((node) => node.type !== "start" && !ledTo.has(node.id)),
    ...nodes,
  ];

  // Ways back do not count for the columns: they would push what they lead to behind themselves.
  const column = new Map();
  const back = new Set();
  const state = new Map();
  const sorted = [];
  const visit = (id) => {
    state.set(id, "open");
    for (const next of ahead.get(id)) {
      if (state.get(next) === "open") back.add(`${id} ${next}`);
      else if (!state.has(next)) visit(next);
    }
    state.set(id, "done");
    sorted.unshift(id);
  };
  for (const root of roots) if (!state.has(root.id)) visit(root.id);
  for (const id of sorted) {
    if (!column.has(id)) column.set(id, 0);
    for (const next of ahead.get(id)) {
      if (!back.has(`${id} ${next}`)) column.set(next, Math.max(column.get(next) ?? 0, column.get(id) + 1));
    }
  }

  // Each node hangs below the first that leads to it; who hangs below nobody begins anew underneath.
  const placed = new Map();
  const lay = (id, top) => {
    placed.set(id, null);
    const node = place.get(id);
    const own = heightOf(waysOf(node)) + (node.note ? 28 : 0) + GAP;
    let bottom = top;
    const middles = [];
    for (const next of ahead.get(id)) {
      if (placed.has(next)) continue;
      bottom = lay(next, bottom);
      middles.push(placed.get(next) + heightOf(waysOf(place.get(next))) / 2);
    }
    const middle = middles.length ? (middles[0] + middles.at(-1)) / 2 : top + (own - GAP) / 2;
    placed.set(id, Math.max(top, middle - heightOf(waysOf(node)) / 2));
    return Math.max(bottom, top + own);
  };
  let top = 0;
  for (const root of roots) if (!placed.has(root.id)) top = lay(root.id, top);
  return nodes.map((node) => ({
    ...node,
    x: Math.round(column.get(node.id) * COLUMN),
    y: Math.round(placed.get(node.id)),
  }));
}
