/*
 * The form of a contact field: suggests the key while the label is typed, and shows the options only for the types that
 * have some. Without it the server makes the key from the label, and options of other types are ignored.
 */

const form = document.querySelector("[data-field-form]");
const { label, key, type } = form.elements;
const options = form.querySelector("[data-options]");
let suggested = key.value === "";

function suggestion(text) {
  const words = text.normalize("NFKD").replace(/[\u0300-\u036f]/g, "").toLowerCase();
  const joined = words.replace(/[^a-z0-9\s_-]/g, "").replace(/[\s_-]+/g, "_").replace(/^_+|_+$/g, "");
  return (/^[^a-z]/.test(joined) ? `field_${joined}` : joined).slice(0, 63).replace(/_+$/, "");
}

function showOptions() {
  if (options) options.hidden = !type.value.startsWith("choice");
}

if (!key.disabled) {
  label.addEventListener("input", () => {
    if (suggested) key.value = suggestion(label.value);
  });
  key.addEventListener("input", () => {
    suggested = key.value === "";
  });
  type.addEventListener("change", showOptions);
  showOptions();
}
