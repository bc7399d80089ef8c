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
]
