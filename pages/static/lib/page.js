// Shared by all pages: texts, screen reader announcements and preferences.

import texts from "./texts.js";

const status = document.getElementById("status");

const plural = new Intl.PluralRules(document.documentElement.lang);

/** Return the words of a key; with the value `n`, those that the language uses for this number. */
function words(key, { n }) {
  return texts[`${key}.${plural.select(Number(n ?? NaN))}`] ?? texts[key];
}

/** Return a text with its `{placeholders}` replaced by these values. */
export function text(key, values = {}) {
  return words(key, values).replace(/\{(\w+)\}/g, (gap, name) => values[name] ?? gap);
}

/** Put a text into `node`. Placeholders may be replaced by elements, such as a link. */
export function fill(node, key, values = {}) {
  node.replaceChildren(
    ...words(key, values).split(/(\{\w+\})/).map((part) => {
      const name = /^\{(\w+)\}$/.exec(part)?.[1];
      return name && name in values ? values[name] : part;
    }),
  );
  return node;
}

/** Announce a text to screen readers. */
export function say(words) {
  status.textContent = words;
}

/** Return a copy of an icon of the page. */
export function icon(name) {
  return document.getElementById(`icon-${name}`).content.cloneNode(true);
}

/** Return the first letter of a name, however many code units it has. */
export const initial = (name) => [...name.trim()][0]?.toUpperCase() ?? "";

/** Return a setting of the service from the page's data attributes. */
export function setting(name) {
  return document.documentElement.dataset[name];
}

/** Return a new element with this text and these attributes. */
export function element(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

/** Show what has waited for the first answer of the API. */
export function reveal() {
  for (const node of document.querySelectorAll("[data-waits]")) node.removeAttribute("data-waits");
}

/** Set the title of the page to its heading, with a prefix if a form has errors. */
export function retitle({ error = false } = {}) {
  const title = `${document.querySelector("h1").textContent} – ${setting("brand")}`;
  document.title = error ? text("title.error", { title }) : title;
}

/** Return the page to set up the second factor that is required. */
export const setUpPage = (next) => `/account/two-factor?${new URLSearchParams({ next })}`;

/**
 * Return the token in the fragment of a mailed link. It is removed from the address bar and stored in the
 * state of the history entry, so that the link works after a reload or going back.
 */
export function tokenOfLink() {
  const token = new URLSearchParams(location.hash.slice(1)).get("token") ?? history.state?.token ?? "";
  history.replaceState({ token }, "", location.pathname + location.search);
  // Opening another link in this tab only changes the fragment: reload the page.
  addEventListener("hashchange", () => location.hash.startsWith("#token=") && location.reload());
  return token;
}

// Focus the result of an action. Not `autofocus`: browsers may refuse it with a warning.
document.querySelector("[data-focus]")?.focus();

// Go back to the form with its values, if the browser still has them.
document.getElementById("back")?.addEventListener("click", (event) => {
  if (!document.referrer.startsWith(`${location.origin}/`)) return;
  event.preventDefault();
  history.back();
});

const contrast = document.getElementById("contrast");
const choice = contrast.form.querySelector("input[name=contrast]"); // `elements` has two of that name
const root = document.documentElement;

function showContrast() {
  const more =
    root.dataset.contrast === "more" ||
    (!root.dataset.contrast && matchMedia("(prefers-contrast: more)").matches);
  contrast.setAttribute("aria-pressed", String(more));
  choice.value = more ? "seed" : "more";
}

/**
 * Store a choice of this browser, for the next page at once, and for a year by the server: browsers may shorten
 * the lifetime of what scripts store.
 */
function prefer(name, value) {
  document.cookie = `__Host-${name}=${value}; Path=/; Max-Age=31536000; Secure; SameSite=Lax`;
  fetch(`/preferences/${name}`, {
    method: "POST",
    body: new URLSearchParams({ [name]: value, back: "/terms" }),
    redirect: "manual",
    keepalive: true, // also if the page is closed immediately
  }).catch(() => {});
}

// Without leaving the page, so that input is not lost.
contrast.form.addEventListener("submit", (event) => {
  event.preventDefault();
  const wanted = choice.value;
  root.dataset.contrast = wanted;
  showContrast();
  prefer("contrast", wanted);
});
showContrast();

document.getElementById("scheme").addEventListener("change", ({ target: { value } }) => {
  if (value === "auto") delete root.dataset.scheme;
  else root.dataset.scheme = value;
  document.querySelector("meta[name=color-scheme]").content = value === "auto" ? "light dark" : value;
  prefer("scheme", value);
});

// The page is loaded again. Its entry in the history keeps the token of a mailed link.
document.getElementById("language-choice")?.addEventListener("submit", async (event) => {
  event.preventDefault();
  await fetch(event.target.action, {
    method: "POST",
    body: new URLSearchParams(new FormData(event.target)),
    redirect: "manual",
  }).catch(() => {});
  location.reload();
});
