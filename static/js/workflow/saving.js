/*
 * Keeps the draft saved: a moment after every change, one request at a time, again and again while there is no
 * connection. Never over what somebody else saved: then it stops, and the page asks.
 */

const REST = 700; // milliseconds without a change
const AGAIN = 4000; // milliseconds until the next attempt
const token = () => JSON.parse(document.body.getAttribute("hx-headers"))["X-CSRFToken"];

export function send(method, address, sent) {
  return fetch(address, {
    method,
    body: JSON.stringify(sent),
    headers: { "Content-Type": "application/json", "X-CSRFToken": token() },
  });
}

export class Saver {
  /* ``saved(answer)`` is told what the server says of the draft, ``show(state, message)`` how it stands. */
  constructor({ number, address, graph, saved, show }) {
    Object.assign(this, { number, address, graph, saved, show });
    this.isChanged = false;
    this.isStopped = false;
    this.held = 0;
    this.going = null;
    window.addEventListener("online", () => this.flush());
    window.addEventListener("beforeunload", (event) => { if (this.isChanged || this.going) event.preventDefault(); });
    document.addEventListener("visibilitychange", () => { if (document.hidden) this.flush(); });
  }

  changed() {
    this.isChanged = true;
    this.show("saving");
    this.later(REST);
  }

  later(span) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.flush(), span);
  }

  /* Saves what there is to save. Resolves once nothing is left, with whether everything is saved. */
  async flush() {
    while (this.going) await this.going;
    clearTimeout(this.timer);
    if (!this.isChanged || this.isStopped || this.held) return !this.isChanged;
    this.going = this.put();
    await this.going;
    return this.isChanged ? (this.isStopped || this.isWaiting ? false : this.flush()) : true;
  }

  async put() {
    this.isChanged = false;
    this.isWaiting = false;
    try {
      const answer = await send("PUT", this.address, { number: this.number, graph: this.graph() });
      const isJson = answer.headers.get("Content-Type")?.startsWith("application/json");
      if (answer.ok && isJson) this.take(await answer.json());
      else this.refuse(answer, isJson ? (await answer.json()).message : "");
    } catch {
      this.isChanged = this.isWaiting = true;
      this.show("offline");
      this.later(AGAIN);
    }
    this.going = null;
  }

  take(answer) {
    this.number = answer.number;
    // What was changed meanwhile is about another graph than the answer.
    if (this.isChanged) return;
    this.show("saved");
    this.saved(answer);
  }

  refuse(answer, message) {
    this.isChanged = true;
    if (answer.status >= 500) {
      this.isWaiting = true;
      this.show("refused");
      this.later(AGAIN);
      return;
    }
    this.isStopped = true;
    const state = answer.status === 409 ? "conflict" : answer.redirected || answer.status === 403 ? "signedOut" : "refused";
    this.show(state, message);
  }

  stop(state, message) {
    this.isStopped = true;
    this.isChanged = true;
    this.show(state, message);
  }
}
