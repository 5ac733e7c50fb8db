/*
 * The panel with the settings of a node, a form of the server's. Before it is fetched or sent, the draft is saved, so
 * that both speak of the same one.
 */

/* global htmx */

export class Panel {
  constructor({ panel, address, model, saver, opened, updated, closed, remove }) {
    Object.assign(this, { panel, address, model, saver, opened, updated, closed });
    this.id = null;
    this.isDirty = false;
    panel.addEventListener("click", (event) => {
      if (event.target.closest("[data-close]")) this.close({ focus: true });
      else if (event.target.closest("[data-remove]")) remove(this.id);
    });
    panel.addEventListener("input", () => { this.isDirty = true; });
    panel.addEventListener("htmx:configRequest", (event) => this.prepare(event));
    panel.addEventListener("htmx:confirm", (event) => this.saveFirst(event));
    panel.addEventListener("htmx:beforeSwap", (event) => this.take(event));
    panel.addEventListener("htmx:afterSettle", () => this.settle());
    // What asked may be gone from the panel when its request ends.
    for (const end of ["htmx:afterRequest", "htmx:sendError"]) document.addEventListener(end, () => this.letGo());
  }

  async open(id, { focus = false } = {}) {
    this.id = id;
    this.wantsFocus = focus;
    this.shown = this.signature();
    if (!(await this.saver.flush()) || this.id !== id) return;
    await htmx.ajax("GET", this.address.replace("NODE", encodeURIComponent(id)), { source: this.panel, target: this.panel, swap: "innerHTML" });
  }

  close({ focus = false } = {}) {
    const id = this.id;
    this.id = null;
    this.isDirty = false;
    this.panel.hidden = true;
    this.panel.replaceChildren();
    if (id !== null) this.closed(id, focus);
  }

  /* What the panel shows of the graph. */
  signature() {
    const edges = this.model.graph.edges.filter((edge) => edge.from === this.id);
    const { settings, note } = this.model.node(this.id) ?? {};
    return JSON.stringify([edges, settings, note ?? ""]);
  }

  /* Follows what became of its node on the canvas, unless something was typed. */
  follow() {
    if (this.id === null) return;
    if (!this.model.node(this.id)) this.close();
    else if (!this.isDirty && this.shown !== this.signature()) this.open(this.id);
  }

  prepare(event) {
    if (event.detail.verb === "get") return;
    event.detail.parameters.draft_number = this.saver.number;
    this.isDirty = true;
  }

  saveFirst(event) {
    if (event.detail.verb === "get") return;
    event.preventDefault();
    this.saver.flush().then((isSaved) => {
      if (!isSaved) return;
      this.saver.held += 1;
      this.isSending = true;
      event.detail.issueRequest(true);
    });
  }

  letGo() {
    if (!this.isSending) return;
    this.isSending = false;
    this.saver.held -= 1;
    this.saver.flush();
  }

  take(event) {
    const { xhr } = event.detail;
    if (xhr.status === 409) {
      event.detail.isError = false;
      this.saver.stop("conflict", xhr.responseText);
    }
    // Another node was chosen while the answer was on its way.
    if (this.id === null) event.detail.shouldSwap = false;
  }

  settle() {
    this.panel.hidden = this.id === null;
    const state = this.panel.querySelector("#panel-state");
    if (state) {
      this.isDirty = false;
      this.updated(JSON.parse(state.textContent));
      this.shown = this.signature();
      state.remove();
    }
    this.opened(this.id);
    if (this.wantsFocus) this.panel.querySelector("#panel-heading")?.focus();
    this.wantsFocus = false;
  }
}
