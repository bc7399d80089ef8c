"""The React hook of the JavaScript guide, with React itself."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.test_screen_javascript_client import ADA, CREDENTIALS, LOG_IN, guide, run, service
from tests.support.architecture import ROOT
from tests.support.frontends import frontend
from tests.support.programs import installed
from tests.support.screens import opened

pytestmark = [pytest.mark.slow, pytest.mark.nightly]

APP = """
import { createElement } from "react";
import dom from "/react-dom-client.js";
import { auth } from "./auth.js";
import { useAccount } from "./account.js";

function App() {
  const { me, isLoading, load } = useAccount();
  if (isLoading) return "loading";
  const logIn = async () => (await auth.login(window.__given), load());
  if (!me) return createElement("button", { onClick: logIn }, "Log in");
  return createElement("button", { onClick: () => auth.logout() }, `Log out ${me.user.username}`);
}

dom.createRoot(document.getElementById("root")).render(createElement(App));
"""


def as_module(packages: Path, file: str, *needs: str) -> str:
    """Return a CommonJS file of React as an ES module that imports what it needs."""
    package, _, name = file.partition("/")
    text = (packages / "node_modules" / package / "cjs" / f"{name or package}.production.js").read_text()
    imports = "".join(f'import {each.replace("-", "_")} from "/{each}.js";\n' for each in needs)
    table = ", ".join(f'"{each}": {each.replace("-", "_")}' for each in needs)
    head = f"{imports}const module = {{ exports: {{}} }}, exports = module.exports;\n"
    head += f"const require = (name) => ({{ {table} }})[name];\nconst process = {{ env: {{}} }};\n"
    names = {each for each in re.findall(r"^exports\.(\w+) =", text, re.MULTILINE) if each.isidentifier()}
    shown = "".join(
        f"export const {each} = module.exports.{each};\n"
        for each in sorted(names & {"createElement", "useSyncExternalStore"})
    )
    return f"{head}{text}\nexport default module.exports;\n{shown}"


@pytest.mark.timeout(300)
def test_react_hook_follows_login_and_a_logout_in_another_tab(
    screen: Page, complaints: list[str], sqlite_template: Path, tmp_path: Path
) -> None:
    """npm fetches React, which needs the registry."""
    (tmp_path / "packages").mkdir()
    packages = installed(tmp_path / "packages", ROOT / "tests" / "sdk" / "javascript")
    files = {
        "/auth.js": guide("login"),
        "/account.js": guide("react"),
        "/app.js": APP,
        "/react.js": as_module(packages, "react"),
        "/scheduler.js": as_module(packages, "scheduler"),
        "/react-dom.js": as_module(packages, "react-dom", "react"),
        "/react-dom-client.js": as_module(
            packages, "react-dom/react-dom-client", "scheduler", "react", "react-dom"
        ),
    }
    with frontend(files) as site, service(sqlite_template, tmp_path, site, PUBLIC_URL=site.origin):
        screen.goto(site.origin)
        screen.evaluate("(given) => { window.__given = given; return import('/app.js'); }", CREDENTIALS)
        screen.get_by_role("button", name="Log in").click()
        expect(screen.get_by_role("button", name=f"Log out {ADA['username']}")).to_be_visible()
        screen.reload()
        screen.evaluate("import('/app.js')")
        expect(screen.get_by_role("button", name=f"Log out {ADA['username']}")).to_be_visible()
        other = opened(screen.context, complaints)
        other.goto(site.origin)
        run(other, "({ auth }) => auth.logout()")
        expect(screen.get_by_role("button", name="Log in")).to_be_visible()
        run(other, LOG_IN, CREDENTIALS)
        screen.reload()
        screen.evaluate("import('/app.js')")
        screen.get_by_role("button", name="Log out").click()
        expect(screen.get_by_role("button", name="Log in")).to_be_visible()
