/* Switches between light, dark and system at once; the server keeps the choice in a cookie. */

document.addEventListener("submit", async (event) => {
  const form = event.target.closest("form[data-theme-switch]");
  if (!form || !event.submitter) return;
  event.preventDefault();
  const chosen = event.submitter;
  const answer = await fetch(form.action, {
    method: "POST",
    body: new FormData(form, chosen),
    headers: { "X-Requested-With": "fetch" },
  });
  if (!answer.ok) {
    // Most likely signed out in another tab: the page itself says so.
    location.reload();
    return;
  }
  document.documentElement.dataset.theme = chosen.value;
  for (const button of form.querySelectorAll("button[name=theme]")) {
    button.setAttribute("aria-pressed", String(button === chosen));
  }
});
