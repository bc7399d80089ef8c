"""Where a Chromium is, for whatever drives one."""

import os
import shutil
from functools import cache
from pathlib import Path

INSTALL = "There is no Chromium: install it (Debian: chromium), or name it in CHROMIUM."


@cache
def chromium() -> str | None:
    """The one that `CHROMIUM` names, else the system's, else the one that Playwright downloaded."""
    for found in (os.environ.get("CHROMIUM"), shutil.which("chromium"), "/usr/bin/chromium"):
        if found and Path(found).exists():
            return found
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        return None
    with sync_playwright() as playwright:
        own = playwright.chromium.executable_path
    return own if Path(own).exists() else None
