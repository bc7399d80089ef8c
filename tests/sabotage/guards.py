"""Rules of the guard for other services, and of its examples."""

from tests.sabotage import Sabotage

GUARDS = [
    Sabotage(
        "only a 204 with one account is a yes",
        "sdk/python/auth_guard/guard.py",
        "if answer.status == 204:",
        "if answer.status < 400:",
        "test_guard.py::test_unknown_answer_is_unavailable",
    ),
    Sabotage(
        "a page of a proxy is no refusal of the service",
        "sdk/python/auth_guard/guard.py",
        "if not isinstance(told, dict) or",
        "if answer.status not in {401, 403} or",
        "test_guard.py::test_unknown_answer_is_unavailable",
    ),
    Sabotage(
        "a yes is remembered for its permissions only",
        "sdk/python/auth_guard/guard.py",
        'f"{token} {query}"',
        "token",
        "test_guard_cache.py::test_yes_is_remembered_for_its_token_and_permissions_until_its_time",
    ),
    Sabotage(
        "the time of a yes begins with the question",
        "sdk/python/auth_guard/guard.py",
        "= asked_at + self._cache_seconds",
        "= time.monotonic() + self._cache_seconds",
        "test_guard_cache.py::test_time_of_a_yes_begins_with_the_question",
    ),
    Sabotage(
        "what is remembered is bounded",
        "sdk/python/auth_guard/guard.py",
        "                self._yes.clear()\n            self",
        "                pass\n            self",
        "test_guard_cache.py::test_cache_is_bounded_and_holds_no_token",
    ),
    Sabotage(
        "tokens do not cross a network unencrypted",
        "sdk/python/auth_guard/connections.py",
        "LOOPBACK.fullmatch(url.hostname)",
        "LOOPBACK.match(url.hostname)",
        "test_guard.py::test_plain_http_to_another_host_must_be_allowed",
    ),
    Sabotage(
        "a guard needs a permission",
        "sdk/python/auth_guard/guard.py",
        "if not at_least <= len(permissions)",
        "if not 0 <= len(permissions)",
        "test_guard_with_service.py::test_guard_is_not_made_with_a_malformed_permission_or_without_one",
    ),
    Sabotage(
        "a connection with data that was not asked for is closed",
        "sdk/python/auth_guard/connections.py",
        "not selector.select(0) and process",
        "process",
        "test_guard_connections.py::test_data_on_an_idle_connection_closes_it",
    ),
    Sabotage(
        "an answer with another nonce is not taken",
        "sdk/python/auth_guard/connections.py",
        "answer.headers.get_all(NONCE) != [nonce]",
        "not answer.headers",
        "test_guard_connections.py::"
        "test_surplus_answer_that_arrives_with_the_next_question_is_not_taken_for_its_answer",
    ),
    Sabotage(
        "the service returns the nonce of a question",
        "utils/web/nonce.py",
        "request_record().headers = {NONCE: nonce}",
        "pass",
        "test_verify.py::test_nonce_comes_back_with_every_answer",
    ),
    Sabotage(
        "nothing but a nonce comes back",
        "utils/web/nonce.py",
        "if nonce and _NONCE.fullmatch(nonce):",
        "if nonce:",
        "test_verify.py::test_anything_but_a_nonce_does_not_come_back",
    ),
    Sabotage(
        "a name with control characters is refused",
        "sdk/python/auth_guard/guard.py",
        "_NAME.fullmatch(unquote(names[0]))",
        "unquote(names[0])",
        "test_guard.py::test_unknown_answer_is_unavailable",
    ),
    Sabotage(
        "a forked process does not use the guard's connections of its parent",
        "sdk/python/auth_guard/connections.py",
        "and process == os.getpid()",
        "and process",
        "test_guard_connections.py::test_connections_are_not_shared_with_a_forked_process",
    ),
    Sabotage(
        "an answer to the guard has a deadline",
        "sdk/python/auth_guard/connections.py",
        "max(deadline - time.monotonic(), 1e-6)",
        "5.0",
        "test_guard_connections.py::test_answer_has_a_deadline_however_slowly_it_arrives",
    ),
    Sabotage(
        "identity headers of the caller do not reach a guarded application",
        "sdk/python/auth_guard/frameworks.py",
        "            del environ[name]\n",
        "            environ[name]\n",
        "test_guard_with_service.py::test_identity_and_question_of_the_caller_are_ignored",
    ),
    Sabotage(
        "a location of nginx without its variable is refused",
        "utils/web/permission_query.py",
        "    if not query:\n",
        '    if not query or query == b"permission=":\n',
        "test_authorization_guide.py::test_nginx_location_without_its_variable_is_refused",
    ),
]
