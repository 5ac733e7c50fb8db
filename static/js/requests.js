/*
 * Says on the page when a request of htmx failed; the texts come from the page, translated. What asks in the background
 * (data-quiet) asks again by itself, and nobody waits for it.
 *
 * An input that asks for another form (hx-post="") asks where its form is sent to, which is not always the page's address.
 */

function tell(text) {
  const messages = document.getElementById("messages");
  const notice = document.getElementById("request-failed").content.firstElementChild.cloneNode(true);
  notice.querySelector("[data-text]").textContent = text;
  messages.replaceChildren(notice);
  messages.scrollIntoView({ block: "nearest" });
}

const isQuiet = (event) => event.target.closest?.("[data-quiet]");
const texts = () => document.getElementById("request-failed").dataset;

for (const failure of ["htmx:sendError", "htmx:timeout"]) {
  document.addEventListener(failure, (event) => { if (!isQuiet(event)) tell(texts().offline); });
}
document.addEventListener("htmx:responseError", (event) => {
  if (isQuiet(event)) return;
  tell(event.detail.xhr.status === 403 ? texts().forbidden : texts().failed);
});

document.addEventListener("htmx:configRequest", ({ detail }) => {
  const action = detail.elt.form?.getAttribute("action");
  if (action && detail.elt.getAttribute("hx-post") === "") detail.path = action;
});
