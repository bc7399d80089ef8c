"""Rate limits, ceilings and challenges."""

from tests.sabotage import Sabotage

LIMITS = [
    Sabotage(
        "wider networks of an IPv6 address are counted",
        "utils/client_info.py",
        "IPV6_SHARES = {64: 1, 56: 8, 48: 64}",
        "IPV6_SHARES = {64: 1}",
        "test_rate_limits_of_ipv6.py::test_subscribers_of_a_56_share_eight_quotas",
    ),
    Sabotage(
        "counting stops at the first network over its quota",
        "auth/stores/rate_limits.py",
        "        if counts[-1].calls > quota:\n            break\n",
        "",
        "test_rate_limits_of_ipv6.py::test_refused_subscriber_does_not_use_up_the_quota_of_its_neighbours",
    ),
    Sabotage(
        "pruning waits for no row that is being counted",
        "auth/stores/rate_limits.py",
        "    some = some.with_for_update(skip_locked=True)\n",
        "",
        "test_rate_limits_of_ipv6.py::test_pruning_does_not_wait_for_a_row_that_is_counted",
    ),
    Sabotage(
        "members are never held back by a ceiling",
        "auth/emails/change.py",
        "    if principal.account.email_verified_at is None:\n",
        "    if principal:\n",
        "test_ceilings.py::test_with_every_ceiling_spent_a_member_logs_in_and_gets_a_reset_mail",
    ),
    Sabotage(
        "reset mails to confirmed addresses are never counted",
        "auth/mailing/delivery.py",
        "is_proven = account is None or account.email_verified_at is not None",
        "is_proven = account is None",
        "test_ceilings.py::test_with_every_ceiling_spent_a_member_logs_in_and_gets_a_reset_mail",
    ),
    Sabotage(
        "registrations have a ceiling",
        "auth/accounts/registration.py",
        '        "registrations",\n',
        "",
        "test_ceilings.py::test_registrations_from_many_networks_reach_the_ceiling",
    ),
    Sabotage(
        "a response to a challenge passes once",
        "utils/challenges.py",
        "Outcome.PASSED if uses.calls == 1 else Outcome.USED",
        "Outcome.PASSED if uses else Outcome.USED",
        "test_challenges.py::test_concurrent_uses_of_a_proof_of_work_pass_once",
    ),
    Sabotage(
        "a proof of work is bound to its route",
        "utils/challenges.py",
        "self._is_valid(parts[1], route)",
        "any(self._is_valid(parts[1], each) for each in ('register', 'email_resend'))",
        "test_challenges.py::test_response_of_another_route_does_not_pass",
    ),
    Sabotage(
        "without an answer of the challenge server the ceiling holds",
        "utils/challenges.py",
        "            return Outcome.UNAVAILABLE\n",
        "            return Outcome.PASSED\n",
        "test_challenges.py::test_without_an_answer_the_ceiling_holds",
    ),
]
