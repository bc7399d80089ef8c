"""Second factors: who lifts them, and from where codes are guessed."""

from tests.sabotage import Sabotage

FACTORS = [
    Sabotage(
        "a session that was disowned before the factor lifts nothing",
        "auth/stores/sessions.py",
        "UserSession.end_reason.in_(reasons), UserSession.ended_at >= in_force_at",
        "UserSession.end_reason.in_(reasons)",
        "test_mailbox_alone.py::test_thief_of_the_mailbox_whose_access_was_ended_removes_no_factor",
    ),
    Sabotage(
        "a device that a reset shut out before the factor lifts nothing",
        "auth/passwords/reset.py",
        "    known_devices.note_reset(tx, account.id, now)\n",
        "",
        "test_mailbox_alone.py::test_thief_of_the_mailbox_whose_access_was_ended_removes_no_factor",
    ),
    Sabotage(
        "a login after a reset makes its device count again",
        "auth/stores/known_devices.py",
        ".values(last_seen_at=now, reset_at=None)",
        ".values(last_seen_at=now)",
        "test_mailbox_alone.py::test_device_counts_again_after_a_login_that_follows_the_reset",
    ),
    Sabotage(
        "devices from before the second factor share one count of wrong codes",
        "auth/stores/known_devices.py",
        "*_one(user_id, device_id), KnownDevice.last_seen_at >= since)",
        "*_one(user_id, device_id))",
        "test_totp_guesses.py::test_devices_from_before_the_factor_share_one_hundred",
    ),
    Sabotage(
        "a new authenticator app begins without wrong codes",
        "auth/factors/totp.py",
        "    totp_guesses.clear(tx, account.id)  # they were for an earlier app\n",
        "",
        "test_totp_guesses.py::test_new_app_is_not_blocked_by_wrong_codes_for_the_old_one",
    ),
    Sabotage(
        "a passkey challenge of a machine whose clock is ahead is accepted",
        "auth/factors/passkey_ceremonies.py",
        "<= now + LIFETIME + CLOCK_LEEWAY",
        "<= now + LIFETIME",
        "test_anonymous_passkey_challenges.py"
        "::test_challenge_of_a_machine_whose_clock_is_ahead_by_seconds_is_accepted",
    ),
]
