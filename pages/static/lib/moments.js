// Dates and times as text.

const { lang } = document.documentElement;
const relative = new Intl.RelativeTimeFormat(lang, { numeric: "auto" });
const UNITS = [
  ["day", 86_400],
  ["hour", 3600],
  ["minute", 60],
  ["second", 1],
];

/** Return a time in the past as "2 hours ago". */
export function ago(moment) {
  const seconds = Math.max(0, (Date.now() - new Date(moment)) / 1000);
  const [unit, size] = UNITS.find(([, size]) => seconds >= size) ?? UNITS.at(-1);
  return relative.format(-Math.floor(seconds / size), unit);
}

/** Return a date as "November 25, 2026". */
export const day = (moment) => new Date(moment).toLocaleDateString(lang, { dateStyle: "long" });

/** Return a time as "Nov 25, 2026, 10:14 AM". */
export const exact = (moment) => new Date(moment).toLocaleString(lang, { dateStyle: "medium", timeStyle: "short" });
