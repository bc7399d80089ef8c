"""What happened to one's own account, over HTTP."""

from typing import Any

from flask import g

from auth import auth_bp, session_outputs
from auth.flows import activity
from auth.inputs import Page
from utils.auth_helpers import jwt_required
from utils.cursors import read_cursor
from utils.http import answers, limited
from utils.services import services
from utils.validation import takes_query


@auth_bp.get("/me/activity")
@answers(200, session_outputs.Activity)
@limited("reads")
@jwt_required
@takes_query(Page)
def my_activity(page: Page) -> Any:
    """Read what happened to one's account, the newest first."""
    before = read_cursor(page.cursor) if page.cursor else None
    return session_outputs.activity(*activity.page(services(), g.principal, before, page.limit))
