/*
 * Selecting rows of a table and doing something with them.
 *
 *   <form data-bulk data-bulk-total="1234">            the form around table and bar; a total like "10,000+" is a text
 *     <input type="checkbox" data-bulk-page hidden>    in the head of the table: all rows of this page
 *     <input type="checkbox" name="contact" value="7"> one per row, inside td.select
 *     <div class="bulk-bar" data-bulk-bar>             what can be done; stands there always without this module
 *       <span data-bulk-count></span>                  how many are selected
 *       <label data-bulk-everything><input type="checkbox" name="everything" value="1"> …</label>
 *                                                      offered when the whole page is selected: all that match
 *
 * Ticking "everything" selects more than this page shows; changing any row takes it back.
 */

function connect(form) {
  const bar = form.querySelector("[data-bulk-bar]");
  const page = form.querySelector("[data-bulk-page]");
  const everything = form.querySelector("[data-bulk-everything]");
  const rows = () => [...form.querySelectorAll(".select input[type=checkbox]:not([data-bulk-page])")];
  const number = new Intl.NumberFormat(document.documentElement.lang || undefined);
  let last = null;

  function show() {
    const all = rows();
    const selected = all.filter((row) => row.checked).length;
    const whole = selected === all.length && selected > 0;
    const box = everything?.querySelector("input");
    if (everything) {
      everything.hidden = !whole;
      if (!whole) box.checked = false;
    }
    if (page) {
      page.checked = whole;
      page.indeterminate = selected > 0 && !whole;
    }
    bar.hidden = selected === 0;
    const total = box?.checked && form.dataset.bulkTotal;
    for (const count of form.querySelectorAll("[data-bulk-count]")) {
      count.textContent = total && !/^\d+$/.test(total) ? total : number.format(total || selected);
    }
  }

  form.addEventListener("click", (event) => {
    const row = event.target;
    if (!rows().includes(row)) return;
    if (event.shiftKey && last) {
      const all = rows();
      const [from, to] = [all.indexOf(last), all.indexOf(row)].sort((a, b) => a - b);
      for (const between of all.slice(from, to + 1)) between.checked = row.checked;
    }
    last = row;
  });

  form.addEventListener("change", (event) => {
    if (event.target === page) for (const row of rows()) row.checked = page.checked;
    show();
  });

  // The browser puts ticks back when one returns to the page.
  window.addEventListener("pageshow", show);
  if (page) page.hidden = false;
  form.addEventListener("htmx:afterSettle", show);
  show();
}

const connected = new WeakSet();

function connectAll(within) {
  for (const form of within.querySelectorAll("form[data-bulk]")) {
    if (!connected.has(form)) connect(form);
    connected.add(form);
  }
}

connectAll(document);
// A table that htmx brings comes with a form of its own.
document.addEventListener("htmx:load", (event) => connectAll(event.target));
