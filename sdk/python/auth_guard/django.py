"""The guard in Django. Without a permission, or with a malformed one, none can be made."""

import functools
from collections.abc import Callable
from inspect import iscoroutinefunction
from typing import Any

from asgiref.sync import sync_to_async
from django.http import HttpRequest, HttpResponse, JsonResponse

from auth_guard.guard import Guard, Refusal, checked

View = Callable[..., Any]


def django_requires(guard: Guard, *permissions: str) -> Callable[[View], View]:
    """Require all these permissions of the caller, who is `request.caller` in the view. Decorator for views.

    A view may be `async`. It needs no CSRF token: other sites cannot send the `Authorization` header.
    """
    wanted = checked(permissions, at_least=1)

    def refused(request: HttpRequest) -> HttpResponse | None:
        try:
            request.caller = guard.check(request.headers.get("Authorization"), *wanted)
        except Refusal as refusal:
            return JsonResponse(refusal.body, status=refusal.status, headers=refusal.headers)
        return None

    def decorate(view: View) -> View:
        @functools.wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            refusal = refused(request)
            return view(request, *args, **kwargs) if refusal is None else refusal

        @functools.wraps(view)
        async def guarded_async(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            refusal = await sync_to_async(refused, thread_sensitive=False)(request)
            return await view(request, *args, **kwargs) if refusal is None else refusal

        chosen: Any = guarded_async if iscoroutinefunction(view) else guarded
        chosen.csrf_exempt = True
        return chosen  # type: ignore[no-any-return]

    return decorate
