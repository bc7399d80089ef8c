"""Rules of every request: the WSGI layer, pages of errors, and the connections of reads."""

from tests.sabotage import Sabotage

ERROR_PAGES = "pages/error_pages.py"
REQUESTS = [
    Sabotage(
        "a header of the response is not added again",
        "utils/web/layer.py",
        "elif not self._names.isdisjoint(present):",
        "elif present is None:",
        "test_request_layer.py::test_header_of_the_response_is_not_added_again",
    ),
    Sabotage(
        "a request that raises is logged and counted",
        "utils/web/layer.py",
        "            self._finish(environ, record)\n            raise\n",
        "            raise\n",
        "test_request_layer.py::test_line_and_metric_are_written_once_when_the_application_raises",
    ),
    Sabotage(
        "a response that the client broke off is logged once",
        "utils/web/layer.py",
        "        finish, self._finish = self._finish, None\n",
        "        finish = self._finish\n",
        "test_request_layer.py::test_line_and_metric_are_written_once_when_the_client_breaks_off",
    ),
    Sabotage(
        "a short body is closed",
        "utils/web/layer.py",
        "        if close is not None:\n            close()\n\n\nclass",
        "        if close is None:\n            close()\n\n\nclass",
        "test_request_layer.py::test_short_body_is_a_list_and_closed",
    ),
    Sabotage(
        "a repeated document is no longer repeated when it is not right",
        "utils/web/repeats.py",
        "        return found.is_right()\n",
        "        return True\n",
        "test_repeated_metadata.py::test_document_is_no_longer_repeated_when_it_is_not_right",
    ),
    Sabotage(
        "conditional requests and other methods are not answered by a repeated document",
        "utils/web/repeats.py",
        'return environ["REQUEST_METHOD"] == "GET" and CONDITIONS.isdisjoint(environ)',
        "return True",
        "test_repeated_metadata.py::test_repeated_document_is_as_the_first_and_has_an_id_of_its_own",
    ),
    Sabotage(
        "a repeated document is logged with its route",
        "utils/web/layer.py",
        'record.rule or getattr(environ.get("werkzeug.request"), "url_rule", None)',
        'getattr(environ.get("werkzeug.request"), "url_rule", None)',
        "test_repeated_metadata.py::test_repeated_document_is_logged_and_counted_as_any_call",
    ),
    Sabotage(
        "a kept page of an error has the id of its own request",
        ERROR_PAGES,
        "page.replace(ID_MARK, request_record().id)",
        "page",
        "test_error_pages.py::test_kept_page_has_the_request_id_of_each_answer",
    ),
    Sabotage(
        "a kept page of an error is of one look",
        ERROR_PAGES,
        "look(services().settings), shown)",
        "None, shown)",
        "test_error_pages.py::test_kept_page_is_of_one_language_and_look",
    ),
    Sabotage(
        "a kept page of an error shows the values of its own request",
        ERROR_PAGES,
        "shown = tuple((name, _hashable(value)) for name, value in values.items())",
        "shown, self._last = getattr(self, '_last', tuple(values.items())), tuple(values.items())",
        "test_error_pages.py::test_kept_page_shows_the_values_of_its_own_request",
    ),
    Sabotage(
        "an export ends if the timer of its end cannot start",
        "utils/web/spooling.py",
        "        body.close_after(limits.send_seconds)\n    except OSError",
        "    except OSError",
        "test_spooling.py::test_response_whose_timer_cannot_start_is_an_error_and_ends",
    ),
    Sabotage(
        "a connection with a fault is not kept",
        "utils/database/reads.py",
        "            _discard(kept)\n            if is_lost:\n                self.close()",
        "            self._put_back(kept)\n            if is_lost:\n                pass",
        "test_reads.py::test_connection_with_a_fault_is_closed_and_the_statement_repeated",
    ),
    Sabotage(
        "a kept connection is replaced after five minutes",
        "utils/database/reads.py",
        "if kept.opened_at > oldest:",
        "if kept.opened_at > 0:",
        "test_reads.py::test_connection_older_than_five_minutes_is_replaced",
    ),
    Sabotage(
        "at most eight connections are kept",
        "utils/database/reads.py",
        "is_current and len(self._idle) < MAX_KEPT",
        "is_current",
        "test_reads.py::test_more_threads_than_connections_are_all_answered_and_few_are_kept",
    ),
    Sabotage(
        "a connection in use at a dispose is closed when it comes back",
        "utils/database/reads.py",
        "is_current = kept.generation == self._generation",
        "is_current = kept.generation <= self._generation",
        "test_reads.py::test_dispose_closes_kept_connections_and_those_in_use_later",
    ),
    Sabotage(
        "a forked process does not use its parent's connections",
        "utils/database/reads.py",
        "os.register_at_fork(after_in_child=_abandon_all)",
        "os.register_at_fork(after_in_child=list)",
        "test_reads.py::test_connections_are_not_shared_with_a_forked_process",
    ),
]
