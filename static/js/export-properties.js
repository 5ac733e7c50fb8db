// Columns of an export can be dragged into their order. The buttons beside them do the same without a mouse.

const ITEM = "[data-sortable] > li";
let dragged = null;

function makeDraggable() {
  for (const item of document.querySelectorAll(ITEM)) item.draggable = true;
}

function settle(list) {
  const items = [...list.children];
  for (const item of items) {
    item.querySelector("[name=up]").disabled = item === items[0];
    item.querySelector("[name=down]").disabled = item === items.at(-1);
  }
}

document.addEventListener("dragstart", (event) => {
  dragged = event.target.closest?.(ITEM) ?? null;
  if (!dragged) return;
  event.dataTransfer.effectAllowed = "move";
  event.dataTransfer.setData("text/plain", "");
  dragged.classList.add("dragged");
});

document.addEventListener("dragover", (event) => {
  const over = event.target.closest?.(ITEM);
  if (!dragged || !over || over.parentElement !== dragged.parentElement) return;
  event.preventDefault();
  if (over === dragged) return;
  const { top, height } = over.getBoundingClientRect();
  over[event.clientY < top + height / 2 ? "before" : "after"](dragged);
});

document.addEventListener("drop", (event) => {
  if (dragged) event.preventDefault();
});

document.addEventListener("dragend", () => {
  if (!dragged) return;
  dragged.classList.remove("dragged");
  settle(dragged.parentElement);
  dragged = null;
});

document.addEventListener("htmx:load", makeDraggable);
makeDraggable();
