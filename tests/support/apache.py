"""Apache in the foreground, with the modules and directives of a test."""

import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.provider import running_client

APACHE, MODULES = Path("/usr/sbin/apache2"), Path("/usr/lib/apache2/modules")
HEAD = """
ServerRoot "{folder}"
ServerName localhost
Listen 127.0.0.1:{port}
PidFile apache.pid
ErrorLog /dev/stderr
Mutex posixsem
DocumentRoot "{folder}/pages"
"""


@contextmanager
def apache(port: int, modules: Sequence[str], directives: str, pages: Mapping[str, str]) -> Iterator[str]:
    """Run Apache with these modules and pages; yield its address. Skips the test if one is not installed."""
    files = [f"mod_{name}.so" for name in ("mpm_event", "authn_core", "authz_core", "authz_user", *modules)]
    if missing := [name for name in files if not (MODULES / name).exists()]:
        pytest.skip(f"needs apache2-bin and the package of {', '.join(missing)}")
    # Not under pytest's own folder, which other users cannot read: as root, Apache changes its user.
    folder = Path(tempfile.mkdtemp(prefix="auth-apache-"))
    folder.chmod(0o755)
    for name, text in pages.items():
        page = folder / "pages" / name
        page.parent.mkdir(parents=True, exist_ok=True)
        page.write_text(text)
    lines = [] if os.geteuid() else ["User nobody", "Group nogroup"]
    lines += [HEAD.format(folder=folder, port=port)]
    lines += [f"LoadModule {name[4:-3]}_module {MODULES / name}" for name in files]
    file = folder / "apache.conf"
    file.write_text("\n".join([*lines, directives]))
    try:
        with running_client(
            [str(APACHE), "-f", str(file), "-D", "FOREGROUND"], f"http://localhost:{port}", folder
        ):
            yield f"http://localhost:{port}"
    finally:
        shutil.rmtree(folder)
