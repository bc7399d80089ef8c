"""Rules of signing keys and of the metadata."""

from tests.sabotage import Sabotage

FORGED = "test_forged_client_tokens.py::test_faults_29_30_and_31_forged_token_of_each_type_is_refused"

OAUTH_KEYS = [
    Sabotage(
        "a token of clients is verified by the key that its kid names",
        "utils/crypto/jws.py",
        '(found := ring.get(header["kid"])) is None',
        '(found := next((k for k in ring.values() if k.alg == header["alg"]), None)) is None',
        FORGED,
    ),
    Sabotage(
        "a token by a key that is no longer published is refused",
        "oauth/keys/ring.py",
        "        if kid not in found.keys or not lifecycle.is_published(found.keys[kid], now):",
        "        if kid not in found.keys:",
        "test_rotation.py::test_leaked_key_is_replaced_erased_and_unpublished_at_once",
    ),
    Sabotage(
        "a token of clients is of the type that is asked for",
        "utils/crypto/jws.py",
        'header["typ"] != typ or ',
        "",
        "test_forged_client_tokens.py::test_fault_33_token_of_one_type_is_not_read_as_another",
    ),
    Sabotage(
        "the algorithm of a token is that of its key",
        "utils/crypto/jws.py",
        "algorithms=[found.alg]",
        'algorithms=[found.alg, "PS256", "RS384"]',
        FORGED,
    ),
    Sabotage(
        "a token of clients has no header but ours",
        "utils/crypto/jws.py",
        "not isinstance(header, dict) or header.keys() != _HEADER",
        "not isinstance(header, dict) or not header.keys() >= _HEADER",
        FORGED,
    ),
    Sabotage(
        "a signing key is published a day before it signs",
        "oauth/keys/rotation.py",
        "at = max(latest.signs_until, now + PUBLISHED_AHEAD)",
        "at = max(latest.signs_until, now)",
        "test_rotation.py::test_late_rotation_lengthens_the_life_of_the_present_key",
    ),
    Sabotage(
        "the private part of a signing key is erased when it stops signing",
        "oauth/keys/rotation.py",
        "            changed += signing_keys.erase_private(tx, key.kid)",
        "            changed += 0 * len(key.kid)",
        "test_rotation.py::test_key_is_published_a_day_before_it_signs_and_erased_after",
    ),
    Sabotage(
        "of concurrent first calls one makes the first signing keys",
        "oauth/keys/making.py",
        "    return add(services, tx, private, FIRST, now, signs_from=now)",
        '    return add(services, tx, private, jws.public_jwk(private)["kid"], now, signs_from=now)',
        "test_ring.py::test_concurrent_first_calls_of_two_machines_store_one_key_of_each_algorithm",
    ),
    Sabotage(
        "signing keys of a transaction that may be rolled back are not remembered",
        "oauth/keys/ring.py",
        "        if _UNCOMMITTED not in tx.info:",
        "        if _UNCOMMITTED:",
        "test_ring.py::test_first_keys_of_a_transaction_that_is_rolled_back_are_not_kept",
    ),
    Sabotage(
        "a key that leaked verifies nothing",
        "oauth/keys/lifecycle.py",
        "    if key.leaked_at is not None:\n        return False\n",
        "",
        "test_rotation.py::test_key_is_published_while_it_may_sign_and_until_its_tokens_have_ended",
    ),
    Sabotage(
        "the keys are read every five seconds at most, for an unknown kid too",
        "oauth/keys/ring.py",
        "timedelta(0) <= now - loaded.read_at < READ_EVERY:",
        "timedelta(0) <= now - loaded.read_at < READ_EVERY / 5:",
        "test_ring.py::test_unknown_kid_is_looked_up_at_most_every_five_seconds",
    ),
    Sabotage(
        "a key that leaked signs and verifies for five seconds at most in other processes",
        "oauth/keys/ring.py",
        "READ_EVERY = timedelta(seconds=5)",
        "READ_EVERY = timedelta(seconds=60)",
        "test_ring.py::test_leaked_key_neither_signs_nor_verifies_after_five_seconds_in_another_process",
    ),
    Sabotage(
        "strangers cause a statement a second at most while no client is registered",
        "oauth/keys/ring.py",
        "NO_CLIENTS_KNOWN_FOR = timedelta(seconds=1)",
        "NO_CLIENTS_KNOWN_FOR = timedelta(0)",
        "test_metadata.py::test_without_a_client_the_documents_cost_a_statement_a_second_at_most",
    ),
    Sabotage(
        "the metadata is the same for every host",
        "oauth/metadata/content.py",
        "return _document(services.settings.public_url,",
        "return _document(__import__('flask').request.host_url,",
        "test_metadata.py::test_fault_68_headers_of_the_request_never_change_the_document",
    ),
    Sabotage(
        "nothing is published while no client is registered",
        "oauth/keys/publication.py",
        "    if not services.signer.has_clients(services):\n        return None\n",
        "",
        "test_metadata.py::test_metadata_and_keys_are_404_while_no_client_is_registered",
    ),
    Sabotage(
        "signing keys are encrypted again by reseal",
        "auth/admin/operators.py",
        "    more, unreadable = services.upkeep.rotate_encrypted_secrets(services, tx)\n",
        "    more, unreadable = 0, 0\n",
        "test_keys_commands.py::test_reseal_encrypts_the_keys_under_the_present_secret",
    ),
]
