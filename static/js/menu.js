/*
 * Menus are <details class="menu">: they open and close without this module. It closes them at Escape, at a press
 * elsewhere and when the focus leaves, moves through the items with the arrow keys, and keeps the items inside the
 * window, out of the reach of scrolling boxes that would cut them off.
 */

const MARGIN = 8;

function close(menu, { focus = false } = {}) {
  menu.open = false;
  if (focus) menu.querySelector("summary").focus();
}

function place(menu) {
  const items = menu.querySelector(".menu-items");
  items.removeAttribute("style");
  if (!menu.open || menu.closest(".side")) return;
  const anchor = menu.querySelector("summary").getBoundingClientRect();
  const { width, height } = items.getBoundingClientRect();
  const below = anchor.bottom + 4;
  const top = below + height > innerHeight - MARGIN ? Math.max(MARGIN, anchor.top - height - 4) : below;
  const rightToLeft = getComputedStyle(menu).direction === "rtl";
  const left = rightToLeft ? anchor.left : anchor.right - width;
  items.style.position = "fixed";
  items.style.inset = "auto";
  items.style.top = `${top}px`;
  items.style.left = `${Math.min(Math.max(MARGIN, left), innerWidth - width - MARGIN)}px`;
}

const openMenus = () => document.querySelectorAll("details.menu[open]");

// `toggle` does not bubble, so it is caught on its way down.
document.addEventListener("toggle", (event) => {
  const menu = event.target;
  if (menu instanceof HTMLElement && menu.matches("details.menu")) place(menu);
}, true);

document.addEventListener("pointerdown", (event) => {
  for (const menu of openMenus()) if (!menu.contains(event.target)) close(menu);
});

document.addEventListener("focusin", (event) => {
  for (const menu of openMenus()) if (!menu.contains(event.target)) close(menu);
});

document.addEventListener("keydown", (event) => {
  const menu = event.target.closest?.("details.menu[open]");
  if (!menu) return;
  if (event.key === "Escape") {
    event.preventDefault();
    close(menu, { focus: true });
  } else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    event.preventDefault();
    const items = [...menu.querySelectorAll(".menu-items :is(a[href], button:not(:disabled))")];
    const step = event.key === "ArrowDown" ? 1 : -1;
    const next = items.indexOf(document.activeElement) + step;
    items.at(next < 0 ? -1 : next % items.length)?.focus();
  }
});

// Placed against the window, an open menu would stay behind when its row moves away.
for (const moved of ["scroll", "resize"]) {
  window.addEventListener(moved, () => openMenus().forEach(place), { capture: true, passive: true });
}
