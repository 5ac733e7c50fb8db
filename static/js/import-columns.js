/*
 * The columns of an import: counts those that go somewhere, and finds one among many.
 *
 *   <form data-columns>
 *     <span data-taken>7</span>               how many columns go somewhere
 *     <input type="search" data-find>         a part of the name; not there for few columns
 *     <input type="checkbox" data-only-left>  only columns that go nowhere
 *     <tr data-column="e-mail">               one per column, with its name in lower case
 *     <p data-nothing hidden>                 shown when no column is found
 */

const form = document.querySelector("[data-columns]");
const rows = [...form.querySelectorAll("[data-column]")];
const find = form.querySelector("[data-find]");
const onlyLeft = form.querySelector("[data-only-left]");
const isTaken = (row) => row.querySelector("select").value !== "";

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

form.addEventListener("change", count);
find?.addEventListener("input", show);
onlyLeft?.addEventListener("change", show);
// The browser puts choices back when one returns to the page.
window.addEventListener("pageshow", count);
// Enter in the search finds; it does not go on to the next step.
find?.addEventListener("keydown", (event) => {
  if (event.key === "Enter") event.preventDefault();
});
