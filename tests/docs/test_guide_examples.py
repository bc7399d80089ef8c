"""The examples of the backend guides: how much a reader has to write. Other tests run them."""

import pytest

from tests.support.documents import example

MOST = 15  # lines, without blank ones and comments
EXAMPLES = [
    *(("backend", name) for name in ("flask", "fastapi", "django", "express", "nginx")),
    *(
        ("authorization", f"{name}-permission")
        for name in ("flask", "fastapi", "django", "wsgi", "express", "nginx")
    ),
    ("guarded-site", "nginx-site"),
    ("provider-resources", "flask-resource"),
]


@pytest.mark.parametrize(("guide", "name"), EXAMPLES)
def test_example_of_a_guarded_service_has_fifteen_lines_at_most(guide: str, name: str) -> None:
    lines = [line.strip() for line in example(name, {}, guide).splitlines()]
    written = [line for line in lines if line and not line.startswith(("#", "//"))]
    assert len(written) <= MOST, "\n".join(written)
