/* Says on the page when a request of htmx failed; the texts come from the page, translated. */

function tell(text) {
  const messages = document.getElementById("messages");
  const notice = document.getElementById("request-failed").content.firstElementChild.cloneNode(true);
  notice.querySelector("[data-text]").textContent = text;
  messages.replaceChildren(notice);
  messages.scrollIntoView({ block: "nearest" });
}

const texts = () => document.getElementById("request-failed").dataset;

document.addEventListener("htmx:sendError", () => tell(texts().offline));
document.addEventListener("htmx:timeout", () => tell(texts().offline));
document.addEventListener("htmx:responseError", (event) => {
  tell(event.detail.xhr.status === 403 ? texts().forbidden : texts().failed);
});
