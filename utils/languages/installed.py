"""Which languages are installed: the folders in `locales/`."""

import re
from pathlib import Path

LOCALES = Path(__file__).parent.parent.parent / "locales"
ENGLISH = "en"
_TAG = re.compile(r"[a-z]{2,3}(-[A-Z][a-z]{3})?(-([A-Z]{2}|\d{3}))?")


def installed(folder: Path = LOCALES) -> list[str]:
    """Return the tags of the languages in a folder, sorted."""
    return sorted(path.name for path in folder.iterdir() if _TAG.fullmatch(path.name) and path.is_dir())
