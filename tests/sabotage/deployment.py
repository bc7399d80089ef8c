"""Deployment rules: proxies, limits of connections, mailed links."""

from tests.sabotage import Sabotage

DEPLOYMENT = [
    Sabotage(
        "one source cannot take all connections of the proxy",
        "deploy/haproxy/haproxy.cfg",
        "{ sc0_conn_cur(sources) gt 200 }",
        "{ sc0_conn_cur(sources) gt 4000 }",
        "test_shipped_proxies.py::test_idle_connections_of_one_source_leave_room_for_others",
    ),
    Sabotage(
        "the proxy overwrites the address header",
        "deploy/nginx/auth.conf",
        "proxy_set_header Clientaddress $remote_addr;",
        "proxy_set_header Clientaddress $http_clientaddress;",
        "test_shipped_proxies.py::test_forged_header_does_not_change_the_address",
    ),
    Sabotage(
        "every mailed link passes the proxy",
        "deploy/haproxy/haproxy.cfg",
        "-m str /metrics /health/live /health/ready",
        "-m str /metrics /health/live /health/ready /reset",
        "test_shipped_proxies.py::test_every_mailed_link_opens_its_page",
    ),
    Sabotage(
        "the image installs verified packages",
        "Dockerfile",
        "--require-hashes ",
        "",
        "test_pinning.py::test_every_install_requires_hashes",
    ),
    Sabotage(
        "a digest is that of its manifest",
        "deploy/pin_images.py",
        "    if stated != computed:",
        "    if not stated:",
        "test_pinning.py::test_pin_images_changes_nothing_if_a_digest_cannot_be_read",
    ),
    Sabotage(
        "every mailed link passes the Ingress",
        "deploy/kubernetes/ingress.yaml",
        "          - path: /disown\n            pathType: Prefix\n            backend: *backend\n",
        "",
        "test_deployment_isolation.py::test_ingress_opens_every_mailed_link",
    ),
    Sabotage(
        "doctor warns of unencrypted connections",
        "auth/admin/transport.py",
        '"verify-full" in url.normalized_query.get("sslmode", ())',
        '"sslmode" in url.normalized_query',
        "test_doctor.py::test_unencrypted_connection_to_another_machine_is_a_warning",
    ),
    Sabotage(
        "the address is read from the configured header",
        "utils/web/client_address.py",
        """    key = f"HTTP_{header.upper().replace('-', '_')}"\n""",
        """    key = "HTTP_X_FORWARDED_FOR"\n""",
        "test_rate_limit_subjects.py::test_forged_spelling_of_another_header_does_not_evade_the_limit",
    ),
    Sabotage(
        "an entry is counted from the end",
        "utils/web/client_address.py",
        "entries[-hops]",
        "entries[hops - 1]",
        "test_client_address.py::test_entry_is_counted_from_the_end",
    ),
    Sabotage(
        "an open quote in Forwarded hides no element",
        "utils/web/client_address.py",
        "    if not _FORWARDED.fullmatch(value):",
        "    if not _FORWARDED.match(value):",
        "test_client_address.py::test_forwarded_header_is_read_as_rfc_7239",
    ),
]
