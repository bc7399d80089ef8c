"""docs/security/past-faults.md has a test for each fault of other OpenID providers that is closed here."""

import re

from tests.support import evidence
from tests.support.documents import read, table_rows

PAST = read("docs/security/past-faults.md")
# Numbers in the names of tests. The missing ones are faults of what is not built: pushed requests, client
# assertions, logos, the device flow, login with other providers.
CLOSED = {*range(1, 21), *range(22, 35), 36, 37, *range(38, 41), *range(42, 46), 48, 68, 69, 70, 72}


def test_every_fault_of_providers_has_a_test_with_its_number() -> None:
    named: set[int] = set()
    for row in table_rows(PAST, *evidence.FAULTS):
        for _, test in evidence.NODE.findall(row[2]):
            if found := re.match(r"test_faults?_((?:\d+_)(?:(?:and_)?\d+_)*)", test):
                named |= {int(number) for number in re.findall(r"\d+", found[1])}
    assert CLOSED - named == set()
    assert len(CLOSED) == 47
