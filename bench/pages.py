"""Cost of each page in a browser: requests, bytes, layout shift, render-blocking resources, first paint."""

import re
from collections.abc import Iterable
from statistics import median
from typing import Any, NamedTuple

from playwright.sync_api import BrowserContext, ViewportSize

OPEN = "/login /signup /signup/sent /forgot /forgot/sent /reset /reset/done /verify-email /terms".split()
OWN = "/account /account/security /account/devices /account/activity /account/delete".split()
PHONE: ViewportSize = {"width": 360, "height": 640}
LOADS = 5  # of which the median first paint is taken
SLOWDOWN = 4  # of the processor meanwhile, as Lighthouse slows it down for phones
HEAD = f"{'page':20} {'requests':>8} {'bytes':>8} {'shift':>6} {'render-blocking':>15} {'paint ms':>8}"
WATCH = """
window.__shift = 0;
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) window.__shift += entry.value;
}).observe({ type: "layout-shift", buffered: true });
"""
BLOCKING = """
performance.getEntriesByType("resource")
  .filter((entry) => entry.renderBlockingStatus === "blocking").map((entry) => entry.name)
"""
PAINTED = """
() => new Promise((done) => {
  new PerformanceObserver((list) => {
    for (const entry of list.getEntriesByName("first-contentful-paint")) done(entry.startTime);
  }).observe({ type: "paint", buffered: true });
})
"""


class Cost(NamedTuple):
    """The cost of a page with an empty cache. `bytes` includes headers; the icon is excluded."""

    requests: int
    bytes: int
    shift: float
    blocking: list[str]


def measure_page(context: BrowserContext, url: str, path: str) -> Cost:
    """Open the page with an empty cache and return its cost when the network is idle."""
    page = context.new_page()
    page.add_init_script(WATCH)
    network = context.new_cdp_session(page)
    asked: dict[str, str] = {}
    sizes: dict[str, float] = {}

    def sent(event: dict[str, Any]) -> None:
        asked[event["requestId"]] = event["request"]["url"]

    def finished(event: dict[str, Any]) -> None:
        sizes[event["requestId"]] = event["encodedDataLength"]

    network.on("Network.requestWillBeSent", sent)
    network.on("Network.loadingFinished", finished)
    network.send("Network.enable")
    network.send("Network.setCacheDisabled", {"cacheDisabled": True})
    page.goto(f"{url}{path}", wait_until="networkidle")
    counted = {key: address for key, address in asked.items() if not re.search(r"icon\.svg|favicon", address)}
    shift, blocking = page.evaluate("window.__shift"), page.evaluate(BLOCKING)
    page.close()
    return Cost(len(counted), round(sum(sizes.get(key, 0) for key in counted)), shift, blocking)


def first_paint(context: BrowserContext, url: str, path: str) -> float:
    """Return when the first text is seen: the median of `LOADS` loads with an empty cache, in milliseconds.

    The processor is slowed down to a part of `SLOWDOWN`. The time depends on the machine.
    """
    times = []
    for _ in range(LOADS):
        page = context.new_page()
        session = context.new_cdp_session(page)
        session.send("Network.setCacheDisabled", {"cacheDisabled": True})
        session.send("Emulation.setCPUThrottlingRate", {"rate": SLOWDOWN})
        page.goto(f"{url}{path}", wait_until="commit")
        times.append(float(page.evaluate(PAINTED)))
        page.close()
    return median(times)


def log_in(context: BrowserContext, url: str, email: str, password: str) -> None:
    """Log in by the form."""
    page = context.new_page()
    page.goto(f"{url}/login")
    page.fill("#email", email)
    page.fill("#current-password", password)
    page.press("#current-password", "Enter")
    page.wait_for_url("**/account")
    page.close()


def report_pages(context: BrowserContext, url: str, paths: Iterable[str]) -> None:
    """Print a line per page."""
    for path in paths:
        found = measure_page(context, url, path)
        paint = first_paint(context, url, path)
        cost = f"{found.requests:8} {found.bytes:8} {found.shift:6.3f} {len(found.blocking):15}"
        print(f"{path:20} {cost} {paint:8.0f}")
