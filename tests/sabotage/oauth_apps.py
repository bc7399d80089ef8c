"""Rules of the apps of an account, and of what operations do with the provider's tables."""

from tests.sabotage import Sabotage

OAUTH_APPS = [
    Sabotage(
        "the removal of an app ends its grants",
        "oauth/stores/apps.py",
        "ended.values(ended_at=now, end_reason=reason)",
        "ended.values(end_reason=reason)",
        "test_apps.py::test_226_tokens_of_a_removed_app_are_refused_at_once",
    ),
    Sabotage(
        "the removal of an app takes its codes",
        "oauth/stores/apps.py",
        "    tx.execute(codes)\n",
        "",
        "test_apps.py::test_226_tokens_of_a_removed_app_are_refused_at_once",
    ),
    Sabotage(
        "an app is removed from the caller's account only",
        "oauth/stores/apps.py",
        "allowed = (OAuthConsent.user_id == user_id, OAuthConsent.client_id == client_id)",
        "allowed = (OAuthConsent.client_id == client_id,)",
        "test_apps.py::test_app_without_access_is_not_found_and_nothing_is_recorded",
    ),
    Sabotage(
        "a bound grant lives as long as its session",
        "oauth/stores/apps.py",
        "or_(OAuthGrant.offline, (UserSession.id.is_not(None)) & in_session)",
        "or_(OAuthGrant.offline, (UserSession.id.is_not(None)) | in_session)",
        "test_apps.py::test_grant_that_cannot_be_used_is_not_listed",
    ),
    Sabotage(
        "the first consent is told to the owner",
        "oauth/authorize/decide.py",
        "        if asked.given is None:\n            notice",
        "        if False:\n            notice",
        "test_connection_notice.py::test_first_consent_is_mailed_and_a_repeated_one_is_not",
    ),
    Sabotage(
        "a trusted app is not told",
        "oauth/apps/notice.py",
        "    if client.trusted:\n",
        "    if False:\n",
        "test_connection_notice.py::test_trusted_app_causes_no_mail",
    ),
    Sabotage(
        "this was not me forgets consents of an intruder",
        "oauth/listener.py",
        "        apps.forget_consents(tx, user_id, since=now - LIFETIMES[LinkPurpose.DISOWN])\n",
        "",
        "test_connection_notice.py::test_link_of_the_mail_ends_the_access_and_forgets_the_consent",
    ),
    Sabotage(
        "grants of an erased account name no person",
        "auth/revocation/revoke.py",
        "    services.upkeep.forget_person(tx, user_id)\n",
        "",
        "test_upkeep.py::test_erased_account_is_named_by_no_grant",
    ),
    Sabotage(
        "sessions that ran out are ended and told",
        "auth/admin/pruning.py",
        '        Batches("sessions", RUN_OUT, partial(_end_run_out, services)),\n',
        "",
        "test_upkeep.py::test_session_that_ran_out_is_ended_by_prune_and_told",
    ),
    Sabotage(
        "a session that was ended in time is not called expired",
        "auth/sessions/rotation.py",
        "<= (found[0].ended_at or services.clock.now())",
        "<= services.clock.now()",
        "test_upkeep.py::test_session_that_was_ended_in_time_is_not_called_expired_later",
    ),
    Sabotage(
        "a grant is kept while the feed may name it",
        "oauth/apps/retention.py",
        "ended = max(timedelta(seconds=settings.ended_session_retention), told)",
        "ended = timedelta(seconds=settings.ended_session_retention)",
        "test_upkeep.py::test_grant_is_kept_while_the_feed_may_name_it",
    ),
]
