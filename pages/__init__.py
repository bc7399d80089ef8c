"""The pages: templates, ES modules and a stylesheet. They are a client of the JSON API.

Pages have no privileged access: every action is a call of the public API. A GET changes nothing.
"""

from pages.routes import Facts, error_page, init_pages, rendered

__all__ = ["Facts", "error_page", "init_pages", "rendered"]
