/*
 * The boxes with many choices in the segment editor: a search among the choices, and the chosen ones named on top. Without
 * this module the boxes open, and the choices are named when the page comes back.
 */

const plain = (text) => text.normalize("NFD").replace(/\p{Diacritic}/gu, "").toLocaleLowerCase();

function filter(input) {
  const picker = input.closest("[data-picker]");
  const wanted = plain(input.value.trim());
  let found = 0;
  for (const label of picker.querySelectorAll(".picker-options label")) {
    label.hidden = !plain(label.textContent).includes(wanted);
    if (!label.hidden) found += 1;
  }
  picker.querySelector("[data-nothing]").hidden = found > 0;
}

function nameChosen(picker) {
  const place = picker.querySelector("[data-chosen]");
  const chips = [...picker.querySelectorAll(".picker-options :checked")].map((box) => {
    const chip = document.createElement("span");
    chip.className = "chip";
    chip.textContent = box.parentElement.textContent;
    return chip;
  });
  if (!chips.length) {
    const none = document.createElement("span");
    none.className = "muted";
    none.textContent = place.dataset.none;
    chips.push(none);
  }
  place.replaceChildren(...chips);
}

// Caught on its way down: what is typed into the search is no part of the conditions, so nothing is counted anew.
document.addEventListener("input", (event) => {
  if (!event.target.matches("[data-filter]")) return;
  event.stopPropagation();
  filter(event.target);
}, true);

document.addEventListener("change", (event) => {
  const picker = event.target.closest("[data-picker]");
  if (picker && !event.target.matches("[data-filter]")) nameChosen(picker);
});

document.addEventListener("keydown", (event) => {
  const input = event.target;
  if (!input.matches?.("[data-filter]")) return;
  if (event.key === "Enter") {
    // Not the form is meant, but the first choice that is left.
    event.preventDefault();
    const first = input.closest("[data-picker]").querySelector(".picker-options label:not([hidden]) input");
    if (input.value.trim()) first?.click();
  } else if (event.key === "Escape" && !input.value) {
    const picker = input.closest("[data-picker]");
    picker.open = false;
    picker.querySelector("summary").focus();
  }
});

document.addEventListener("toggle", (event) => {
  const picker = event.target;
  if (picker.matches?.("[data-picker]") && picker.open) picker.querySelector("[data-filter]").focus();
}, true);
