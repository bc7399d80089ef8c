"""A plugin of pytest: each template is compiled once in a test process.

Jinja keeps compiled templates for each app, and each test has an app of its own: a page with its layout and
its parts takes 30 ms. The code depends on the name, the path and the text of a template alone.
"""

from types import CodeType

from flask import Flask
from jinja2.bccache import Bucket, BytecodeCache


class _Compiled(BytecodeCache):
    """The code of the templates of this process, in memory."""

    def __init__(self) -> None:
        self.codes: dict[tuple[str, str], CodeType] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        bucket.code = self.codes.get((bucket.key, bucket.checksum))

    def dump_bytecode(self, bucket: Bucket) -> None:
        if bucket.code is not None:
            self.codes[bucket.key, bucket.checksum] = bucket.code


def pytest_configure() -> None:
    """Let every app of this process share its compiled templates."""
    Flask.jinja_options = {"bytecode_cache": _Compiled()}
