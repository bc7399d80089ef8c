// What every page has: words, the voice for screen readers, the contrast switch, and where it may lead.

import texts from "./texts.js";

const status = document.getElementById("status");

/** The text of this key, its `{gaps}` filled with these values. */
export function text(key, values = {}) {
  return texts[key].replace(/\{(\w+)\}/g, (gap, name) => values[name] ?? gap);
}

/** Put the text into `node`; a gap may be filled with an element, such as a link. */
export function fill(node, key, values = {}) {
  node.replaceChildren(
    ...texts[key].split(/(\{\w+\})/).map((part) => {
      const name = /^\{(\w+)\}$/.exec(part)?.[1];
      return name && name in values ? values[name] : part;
    }),
  );
  return node;
}

/** Say something to those who do not see the page. */
export function say(words) {
  status.textContent = words;
}

/** A copy of one of the icons that the page brought along. */
export function icon(name) {
  return document.getElementById(`icon-${name}`).content.cloneNode(true);
}

/** A setting of the service, as the page was given it. */
export function setting(name) {
  return document.documentElement.dataset[name];
}

/** An element with its text and attributes. */
export function element(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

/** The title of the page follows its heading; a form with errors says so first. */
export function retitle({ error = false } = {}) {
  const title = `${document.querySelector("h1").textContent} – ${setting("brand")}`;
  document.title = error ? text("title.error", { title }) : title;
}

const SIGNED_OUT =
  /^\/(login|signup|logout|forgot|two-factor|reset|verify-email|reject|undo-email-change|restore|disown|auth)(\/|$)/i;

/** `raw` if it is a place on this origin for somebody who is logged in, else `fallback`. */
export function safeNext(raw, fallback = "/account") {
  if (typeof raw !== "string" || raw === "" || raw.length > 2048) return fallback;
  // eslint-disable-next-line no-control-regex
  if (!raw.startsWith("/") || /^\/[/\\]/.test(raw) || /[\u0000-\u0020\u007f\\]/.test(raw)) return fallback;
  // As on the server (pages/safety.py): what a parser would have to tidy up is nobody's honest address.
  const bare = raw.split(/[?#]/, 1)[0];
  if (bare.includes("//") || /(^|\/)(\.|%2e){1,2}(\/|$)/i.test(bare)) return fallback;
  try {
    if (SIGNED_OUT.test(decodeURIComponent(bare))) return fallback;
    return new URL(raw, location.origin).href; // whole, so that nothing reads it as a relative address again
  } catch {
    return fallback;
  }
}

/**
 * The token that a mailed link carries behind its `#`. The address bar does not keep it; the entry of the
 * browser's history does, so that the link still works after a reload or on the way back.
 */
export function tokenOfLink() {
  const token = new URLSearchParams(location.hash.slice(1)).get("token") ?? history.state?.token ?? "";
  history.replaceState({ token }, "", location.pathname + location.search);
  // Another link that is opened in this tab changes nothing but the fragment: the page starts anew with it.
  addEventListener("hashchange", () => location.hash.startsWith("#token=") && location.reload());
  return token;
}

// Of a page that tells how something ended: not `autofocus`, which the browser may refuse and complain of.
document.querySelector("[data-focus]")?.focus();

// Back to a form as it was left, where the browser still has it.
document.getElementById("back")?.addEventListener("click", (event) => {
  if (!document.referrer.startsWith(`${location.origin}/`)) return;
  event.preventDefault();
  history.back();
});

const contrast = document.getElementById("contrast");
const choice = contrast.form.querySelector("input[name=contrast]"); // `elements` knows two of that name
const root = document.documentElement;

function showContrast() {
  const more =
    root.dataset.contrast === "more" ||
    (!root.dataset.contrast && matchMedia("(prefers-contrast: more)").matches);
  contrast.setAttribute("aria-pressed", String(more));
  choice.value = more ? "seed" : "more";
}

// Without leaving the page, so that nothing that was typed is lost.
contrast.form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const wanted = choice.value;
  root.dataset.contrast = wanted;
  showContrast();
  await fetch("/preferences/contrast", {
    method: "POST",
    body: new URLSearchParams({ contrast: wanted, back: "/terms" }),
    redirect: "manual",
    keepalive: true, // also for somebody who leaves at once
  }).catch(() => {});
});
showContrast();
