/* The palette: found by name, added by a press or Enter, or dragged to where it belongs. */

const STILL = 4;
const plain = (text) => text.normalize("NFD").replace(/\p{Diacritic}/gu, "").toLocaleLowerCase();

/* ``add(kind, point)`` adds a node: at a point of the window, or where it fits. */
export function connectPalette(palette, { board, add, nothing }) {
  const find = palette.querySelector("[data-find]");
  const buttons = [...palette.querySelectorAll("[data-kind]")];

  const search = () => {
    const wanted = plain(find.value.trim());
    for (const button of buttons) button.hidden = !plain(`${button.textContent} ${button.title}`).includes(wanted);
    for (const group of palette.querySelectorAll("[data-group-of]")) {
      group.hidden = !group.querySelector("[data-kind]:not([hidden])");
    }
    nothing.hidden = buttons.some((button) => !button.hidden);
  };
  find.addEventListener("input", search);
  find.addEventListener("keydown", (event) => {
    const shown = buttons.filter((button) => !button.hidden);
    if (event.key === "Enter") {
      event.preventDefault();
      if (!find.value.trim() || !shown.length) return;
      find.value = "";
      search();
      add(shown[0].dataset.kind);
    } else if (event.key === "ArrowDown") {
      event.preventDefault();
      shown[0]?.focus();
    } else if (event.key === "Escape" && find.value) {
      event.stopPropagation();
      find.value = "";
      search();
    }
  });
  palette.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step || !event.target.matches("[data-kind]")) return;
    event.preventDefault();
    const shown = buttons.filter((button) => !button.hidden);
    const next = shown[shown.indexOf(event.target) + step];
    (next ?? (step < 0 ? find : event.target)).focus();
  });

  let isDragged = false;
  palette.addEventListener("click", (event) => {
    const button = event.target.closest("[data-kind]");
    if (button && !isDragged) add(button.dataset.kind);
    isDragged = false;
  });
  // Fingers scroll the palette; they add by a tap.
  palette.addEventListener("pointerdown", (event) => {
    const button = event.target.closest("[data-kind]");
    if (!button || event.button || event.pointerType === "touch") return;
    const from = event;
    let ghost = null;
    const move = (now) => {
      if (!ghost && Math.hypot(now.clientX - from.clientX, now.clientY - from.clientY) < STILL) return;
      if (!ghost) {
        ghost = button.cloneNode(true);
        ghost.classList.add("ghost-card");
        ghost.inert = true;
        document.body.append(ghost);
      }
      ghost.style.transform = `translate(${now.clientX + 8}px, ${now.clientY + 8}px)`;
    };
    const end = (now) => {
      button.removeEventListener("pointermove", move);
      button.removeEventListener("pointerup", end);
      button.removeEventListener("pointercancel", end);
      if (!ghost) return;
      ghost.remove();
      isDragged = true;
      setTimeout(() => { isDragged = false; });
      const { left, top, right, bottom } = board.getBoundingClientRect();
      const isInside = now.clientX > left && now.clientX < right && now.clientY > top && now.clientY < bottom;
      if (now.type === "pointerup" && isInside) add(button.dataset.kind, now);
    };
    button.setPointerCapture(event.pointerId);
    button.addEventListener("pointermove", move);
    button.addEventListener("pointerup", end);
    button.addEventListener("pointercancel", end);
  });
}
