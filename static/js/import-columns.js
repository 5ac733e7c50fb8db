/*
 * The columns of an import: counts those that go somewhere, and finds one among many.
 *
 *   <form data-columns>
 *     <span data-taken>7</span>               how many columns go somewhere
 *     <input type="search" data-find>         a part of the name; not there for few columns
 *     <input type="checkbox" data-only-left>  only columns that go nowhere
 *     <tr data-column="e-mail" data-family>   one per column, with its name in lower case and the family of its values:
 *                                             the style sheet shows by it what has to be said of dates and numbers
 *     <select data-choices>                   has only what is chosen; <template id="choices"> has all options
 *     <p data-nothing hidden>                 shown when no column is found
 */

const form = document.querySelector("[data-columns]");
const rows = [...form.querySelectorAll("[data-column]")];
const find = form.querySelector("[data-find]");
const onlyLeft = form.querySelector("[data-only-left]");
const isTaken = (row) => row.querySelector("select").value !== "";
const ofType = { integer: "number", decimal: "number" };

// Of many columns each gets what it can go to only when somebody goes to it.
function offer(event) {
  const select = event.target.closest("select[data-choices]");
  if (!select) return;
  const chosen = select.value;
  select.replaceChildren(document.getElementById("choices").content.cloneNode(true));
  select.value = chosen;
  select.removeAttribute("data-choices");
}

function setFamily(row) {
  const type = row.querySelector(".new-field select")?.value;
  row.dataset.family = type === undefined ? row.querySelector("select").selectedOptions[0].dataset.family : ofType[type] ?? type;
}

function count() {
  form.querySelector("[data-taken]").textContent = rows.filter(isTaken).length;
}

function show() {
  const part = find.value.trim().toLowerCase();
  for (const row of rows) {
    row.hidden = !row.dataset.column.includes(part) || (onlyLeft.checked && isTaken(row));
  }
  form.querySelector("[data-nothing]").hidden = rows.some((row) => !row.hidden);
}

form.addEventListener("change", (event) => {
  const row = event.target.closest("[data-column]");
  if (row) setFamily(row);
  count();
});
// A new field that was asked for says by its type what its values are.
form.addEventListener("htmx:afterSettle", (event) => setFamily(event.target.closest("[data-column]")));
form.addEventListener("pointerdown", offer);
form.addEventListener("focusin", offer);
find?.addEventListener("input", show);
onlyLeft?.addEventListener("change", show);
// The browser puts choices back when one returns to the page, and some choose before this is loaded.
window.addEventListener("pageshow", () => {
  for (const row of rows) {
    const select = row.querySelector("select");
    if (select.value === "new" && !row.querySelector(".new-field")) {
      select.dispatchEvent(new Event("change", { bubbles: true }));
    }
    setFamily(row);
  }
  count();
});
// Enter in the search finds; it does not go on to the next step.
find?.addEventListener("keydown", (event) => {
  if (event.key === "Enter") event.preventDefault();
});
