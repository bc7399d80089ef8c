"""Guards for a service behind the authentication service: who calls, and may they do this?"""

from auth_guard.frameworks import GuardedApp, fastapi_requires, flask_requires
from auth_guard.guard import Caller, Forbidden, Guard, Refusal, Unauthorized, Unavailable

__all__ = ["Caller", "Forbidden", "Guard", "GuardedApp", "Refusal", "Unauthorized", "Unavailable"]
__all__ += ["fastapi_requires", "flask_requires"]
