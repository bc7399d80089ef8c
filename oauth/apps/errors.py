"""Errors of the apps of an account."""

from utils.errors import ApiError


class AppNotFound(ApiError):
    status, code, message = 404, "app_not_found", "This app has no access to your account."
