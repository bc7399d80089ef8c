"""Health, metrics, the OpenAPI description and the API page."""

from ops.api_page import api_page_bp
from ops.openapi import describe
from ops.routes import ops_bp

__all__ = ["api_page_bp", "describe", "ops_bp"]
