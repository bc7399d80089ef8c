"""The apps in a data export. No secret is in it."""

from typing import Any

from auth.accounts.data_export import Section
from auth.outputs import optional_moment
from models import iso
from oauth.stores import apps, consents


def _consent(row: Any) -> dict[str, Any]:
    return {
        "client_id": row.client_id,
        "scopes": list(dict.fromkeys(consents.split(each)[1] for each in row.scopes)),
        "resources": row.resources,
        "granted_at": iso(row.granted_at),
    }


def _grant(row: Any) -> dict[str, Any]:
    moments = ("auth_time", "rotated_at", "idle_end", "absolute_end", "ended_at")
    return {
        "client_id": row.client_id,
        "scopes": row.scopes,
        "resource": row.resource,
        "works_without_you": row.offline,
        "signed_in_with": row.amr,
        "refreshes": row.generation,
        "ip_address": row.ip_address,
        "user_agent": row.user_agent,
        "created_at": iso(row.created_at),
        "last_used_at": iso(row.last_used_at),
        **{name: optional_moment(getattr(row, name)) for name in moments},
        "end_reason": row.end_reason,
    }


SECTIONS = (
    Section("app_consents", apps.CONSENT_PAGES.page, _consent),
    Section("app_grants", apps.GRANT_PAGES.page, _grant),
)
