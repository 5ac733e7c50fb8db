/* Reads the schema and shows it in the page, by Swagger UI, which stands in its own script before this one. */

const place = document.querySelector(".api-documentation");

window.SwaggerUIBundle({
  url: place.dataset.schema,
  domNode: place,
  deepLinking: true,
  displayRequestDuration: true,
  defaultModelsExpandDepth: -1,
  validatorUrl: null, // nobody elsewhere is asked
});
