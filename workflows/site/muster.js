/* Muster: tells what visitors of a shop's site do, and shows what workflows send them. See docs/site.md of Muster. */
(() => {
  "use strict";
  const script = document.currentScript;
  if (!script || (window.muster && window.muster.track)) return;
  const address = new URL("events", script.src).href;
  const options = script.dataset;
  const waitingCalls = Array.isArray(window.muster) ? window.muster : [];

  // What this browser remembers. Where it may not, a visit is remembered for as long as the page.
  const memory = {};
  const store = {
    get(name) {
      try { return localStorage.getItem("muster." + name); } catch { return memory[name] || null; }
    },
    set(name, value) {
      memory[name] = value;
      try {
        if (value === null) localStorage.removeItem("muster." + name);
        else localStorage.setItem("muster." + name, value);
      } catch { /* remembered above */ }
    },
  };
  const random = () =>
    Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");

  // Consent

  const wantsNoTracking = navigator.doNotTrack === "1" || navigator.globalPrivacyControl === true;
  const maySend = () => {
    const said = store.get("consent");
    return said ? said === "yes" : options.consent !== "wait" && !wantsNoTracking;
  };
  const visitor = () => {
    let key = store.get("visitor");
    if (!key) store.set("visitor", (key = random()));
    return key;
  };

  // Sending

  const MOST = 50;
  let queue = [], token = null, timer = null, sending = false, failures = 0;

  const device = () => {
    const agent = navigator.userAgent;
    if (/iPad|Tablet|Android(?!.*Mobile)/i.test(agent)) return "tablet";
    return /Mobi|iPhone|Android/i.test(agent) ? "mobile" : "desktop";
  };
  const add = (event) => {
    queue.push({ id: random(), at: Date.now(), ...event });
    if (queue.length > 200) queue.shift();
    soon(0);
  };
  const soon = (delay) => {
    clearTimeout(timer);
    timer = setTimeout(send, delay);
  };
  const body = (events) => {
    const now = Date.now();
    return JSON.stringify({
      visitor: visitor(),
      token: token || undefined,
      events: events.map(({ at, ...event }) => ({ ...event, age: Math.max(0, now - at) })),
    });
  };
  async function send() {
    if (sending || !maySend() || !(queue.length || token)) return;
    sending = true;
    const batch = queue.slice(0, MOST);
    const shown = token;
    let answer = null;
    try {
      const headers = { "Content-Type": "text/plain" };
      const response = await fetch(address, {
        method: "POST", body: body(batch), headers, credentials: "omit", keepalive: true,
      });
      if (response.ok) answer = await response.json();
      else if (response.status < 500 && response.status !== 429) answer = {}; // it will never be taken
    } catch { /* tried again below */ }
    sending = false;
    if (!answer) {
      failures += 1;
      if (failures < 6) soon(2000 * 2 ** failures);
      return;
    }
    failures = 0;
    queue = queue.filter((event) => !batch.includes(event));
    if (token === shown) token = null;
    (answer.contents || []).forEach(show);
    if (queue.length || token) soon(0);
  }
  addEventListener("pagehide", () => {
    // Sent twice, if it is also under way: the ids tell.
    if (queue.length && maySend()) navigator.sendBeacon(address, body(queue.slice(0, MOST)));
  });

  // What happens

  let place = null;
  const page = () => {
    place = location.href.split("#")[0];
    const category = document.querySelector('meta[name="muster:category"]');
    const properties = { url: place, path: location.pathname, title: document.title.slice(0, 300), device: device() };
    if (document.referrer) properties.referrer = document.referrer;
    if (category) properties.category = category.content;
    add({ type: "page_visit", properties });
  };
  const track = (type, properties, value) =>
    add({ type: String(type), properties: { device: device(), ...properties }, value });
  if (options.pages !== "off") {
    const moved = () => setTimeout(() => location.href.split("#")[0] !== place && page());
    for (const name of ["pushState", "replaceState"]) {
      const original = history[name];
      history[name] = function (...values) {
        original.apply(this, values);
        moved();
      };
    }
    addEventListener("popstate", moved);
    if (document.readyState === "loading") addEventListener("DOMContentLoaded", page);
    else page();
  }

  // What is shown. In a shadow root the site's styles do not reach it, nor its own the site.

  const STYLE = `
    :host { all: initial; }
    * { box-sizing: border-box; }
    .box { position: relative; background: #fff; color: #1f2433; font: 16px/1.5 system-ui, sans-serif; padding: 24px;
      color-scheme: light; }
    .veil { position: fixed; inset: 0; z-index: 2147483000; display: grid; place-items: center; padding: 16px;
      background: #0f12228c; }
    .popup { width: min(460px, 100%); max-height: 100%; overflow: auto; border-radius: 14px;
      box-shadow: 0 24px 64px #0006; }
    .banner { position: fixed; inset: auto 0 0; z-index: 2147482999; padding: 16px 56px 16px 24px;
      display: flex; flex-wrap: wrap; gap: 8px 24px; align-items: center; justify-content: center;
      box-shadow: 0 -4px 24px #0003; }
    .inline { border: 1px solid #dfe2ec; border-radius: 12px; }
    h2 { font-size: 20px; line-height: 1.3; margin: 0 32px 8px 0; }
    .banner h2 { font-size: 16px; margin: 0; } .banner p { margin: 0; }
    img { max-width: 100%; height: auto; }
    .go { display: inline-block; margin: 12px 0 0; padding: 10px 18px; border-radius: 8px; background: #4338ca;
      color: #fff; font-weight: 600; text-decoration: none; }
    .banner .go { margin: 0; }
    .close { position: absolute; top: 10px; right: 10px; width: 36px; height: 36px; border: 0; border-radius: 8px;
      background: none; color: #4b5165; font-size: 24px; line-height: 1; cursor: pointer; }
    .text > :first-child { margin-top: 0; } .text > :last-child { margin-bottom: 0; }
    :focus-visible { outline: 3px solid #4f46e5; outline-offset: 2px; } .box:focus { outline: 0; }`;
  const known = new Set();
  let dialog = null;
  const popups = [];

  const tell = (content, what, url) => add({ type: "content_" + what, content: content.id, url });

  function show(content) {
    if (known.has(content.id)) return;
    if (content.kind === "popup" && dialog) {
      if (!popups.some((one) => one.id === content.id)) popups.push(content);
      return;
    }
    const slot = content.kind === "inline" && document.querySelector(`[data-muster-slot="${CSS.escape(content.slot)}"]`);
    if (content.kind === "inline" && !slot) return; // not on this page
    known.add(content.id);
    const host = document.createElement("div");
    host.dataset.musterContent = content.id;
    const root = host.attachShadow({ mode: "open" });
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(STYLE);
    root.adoptedStyleSheets = [sheet];
    const box = element("div", { class: `box ${content.kind}` });
    if (content.title) box.append(element("h2", { id: "title" }, content.title));
    const text = element("div", { class: "text" });
    text.innerHTML = content.html;
    box.append(text);
    if (content.button && content.button.text)
      box.append(element("a", { class: "go", href: content.button.url }, content.button.text));
    const close = element("button", { class: "close", type: "button", "aria-label": content.close }, "×");
    box.append(close);
    const isPopup = content.kind === "popup";
    box.setAttribute("role", isPopup ? "dialog" : "region");
    if (content.title) box.setAttribute("aria-labelledby", "title");
    else box.setAttribute("aria-label", content.name);

    const before = document.activeElement;
    const dismiss = (what) => {
      host.remove();
      if (what) tell(content, what);
      if (!isPopup) return;
      dialog = null;
      document.removeEventListener("keydown", escape, true);
      if (before && before.focus) before.focus();
      if (popups.length) show(popups.shift());
    };
    const escape = (event) => {
      if (event.key === "Escape") {
        event.stopPropagation();
        dismiss("closed");
      }
    };
    close.addEventListener("click", () => dismiss("closed"));
    box.addEventListener("click", (event) => {
      const link = event.target.closest("a[href]");
      if (link) tell(content, "clicked", link.href);
    });
    if (isPopup) {
      box.setAttribute("aria-modal", "true");
      box.tabIndex = -1;
      const veil = element("div", { class: "veil" });
      veil.append(box);
      veil.addEventListener("click", (event) => event.target === veil && dismiss("closed"));
      veil.addEventListener("keydown", (event) => event.key === "Tab" && keepInside(event, root, box));
      document.addEventListener("keydown", escape, true);
      root.append(veil);
      dialog = host;
    } else {
      box.addEventListener("keydown", escape);
      root.append(box);
    }
    (slot || document.body).append(host);
    if (isPopup) box.focus();
    tell(content, "shown");
  }
  function element(name, attributes, text) {
    const made = document.createElement(name);
    for (const key in attributes) made.setAttribute(key, attributes[key]);
    if (text) made.textContent = text;
    return made;
  }
  function keepInside(event, root, box) {
    const stops = [...box.querySelectorAll("a[href], button, input, select, textarea")];
    const last = stops.length - 1;
    const current = stops.indexOf(root.activeElement);
    if (event.shiftKey ? current <= 0 : current === last) {
      event.preventDefault();
      stops[event.shiftKey ? last : 0].focus();
    }
  }

  // What the site may call

  const api = {
    track,
    page,
    identify(signed) {
      token = String(signed);
      soon(0);
    },
    forget() {
      // Somebody signed out: who comes next is somebody else.
      store.set("visitor", null);
      token = null;
    },
    consent(given = true) {
      store.set("consent", given ? "yes" : "no");
      if (given) soon(0);
      else {
        queue = [];
        store.set("visitor", null);
      }
    },
    push(call) {
      const [name, ...values] = call;
      if (typeof api[name] === "function" && name !== "push") api[name](...values);
    },
  };
  window.muster = api;
  waitingCalls.forEach(api.push);
})();
