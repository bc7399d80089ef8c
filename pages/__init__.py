"""The pages: shells from templates, small ES modules, one stylesheet; a client of the JSON API.

They hold no rules of their own. Whatever a page does, it does by a call that anybody else
could make; nothing is changed by opening one.
"""

from pages.routes import Facts, init_pages

__all__ = ["Facts", "init_pages"]
