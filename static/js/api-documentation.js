/* Reads the schema and shows it in the page, by Swagger UI, which stands in its own script before this one. */

const root = document.documentElement;
const place = document.querySelector("[data-schema]");
const system = matchMedia("(prefers-color-scheme: dark)");

/* Swagger UI knows the dark theme by a class; ours is the choice on the page, or the system's. */
function followTheme() {
  const chosen = root.dataset.theme;
  root.classList.toggle("dark-mode", chosen === "dark" || (chosen !== "light" && system.matches));
}

followTheme();
system.addEventListener("change", followTheme);
new MutationObserver(followTheme).observe(root, { attributeFilter: ["data-theme"] });

window.SwaggerUIBundle({
  url: place.dataset.schema,
  domNode: place,
  deepLinking: true,
  displayRequestDuration: true,
  defaultModelsExpandDepth: -1,
  validatorUrl: null, // nobody elsewhere is asked
});
