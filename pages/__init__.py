"""The pages: templates, ES modules and a stylesheet. They are a client of the JSON API.

Pages have no privileged access: every action is a call of the public API. A GET changes nothing.
"""

from pages.error_pages import ErrorPages
from pages.routes import Facts, init_pages, rendered

__all__ = ["ErrorPages", "Facts", "init_pages", "rendered"]
