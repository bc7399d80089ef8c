"""An open-redirect corpus: addresses that `next` may name with these return origins, and hostile ones."""

from utils.web.return_addresses import MAX_LENGTH

GOOD_ORIGIN = "https://good.example"
ORIGINS = (GOOD_ORIGIN, "https://other.example:8443", "http://localhost:5173", "http://[::1]:5173")
GOOD = [
    *(GOOD_ORIGIN, f"{GOOD_ORIGIN}/", f"{GOOD_ORIGIN}?a=1", f"{GOOD_ORIGIN}#top", f"{GOOD_ORIGIN}/a/b?c=d#e"),
    *(f"{GOOD_ORIGIN}/?next=https://evil.example", f"{GOOD_ORIGIN}/@evil.example", f"{GOOD_ORIGIN}/:80"),
    *(f"{GOOD_ORIGIN}/%2F%2Fevil.example", f"{GOOD_ORIGIN}/stra\u00dfe", f"{GOOD_ORIGIN}/%zz"),
    *("https://other.example:8443/x", "http://localhost:5173/x", "http://[::1]:5173/x"),
    f"{GOOD_ORIGIN}/".ljust(MAX_LENGTH, "a"),
]
HOSTILE = [
    # Another host.
    *(
        "https://evil.example",
        "https://evil.example/https://good.example",
        "https://evil.example#@good.example",
    ),
    *("https://good.example.evil.example", "https://evilgood.example", "https://www.good.example/"),
    *("https://good.exampleevil.example", "https://good.exampl", "https://good", "https://"),
    # No scheme, or another one.
    *("//good.example", "//evil.example", "///evil.example", "////good.example/", "/\\evil.example"),
    *(
        "good.example",
        "https:good.example",
        "https:/good.example",
        "https:///good.example/",
        "https:\\\\good.example",
    ),
    *("http://good.example/", "ftp://good.example/", "javascript://good.example/%0aalert(1)"),
    *(
        "javascript:alert(1)//https://good.example",
        "data:text/html,https://good.example",
        "view-source:https://good.example",
    ),
    *("blob:https://good.example/1", "wss://good.example/", "https+x://good.example/"),
    # Another spelling of the scheme or the host.
    *("HTTPS://good.example/", "hTtPs://good.example/", "https://GOOD.example/", "https://good.EXAMPLE/"),
    *(
        "https://good.example./",
        "https://good..example/",
        "https://g%6Fod.example/",
        "https://good%2Eexample/",
    ),
    *("https://good\u3002example/", "https://good\uff0eexample/", "https://good\uff61example/"),
    *("https://g\u2134od.example/", "https://go\u00adod.example/", "https://good.example\u200b/"),
    # User names and passwords.
    *(
        "https://good.example@evil.example",
        "https://good.example@evil.example/",
        "https://good.example:@evil.example",
    ),
    *(
        "https://good.example:443@evil.example/",
        "https://good.example%40evil.example",
        "https://user@good.example/",
    ),
    *("https://evil.example@good.example/", "https://:@good.example/", "https://@good.example/"),
    # Ports.
    *(
        "https://good.example:443/",
        "https://good.example:8443/",
        "https://good.example:/",
        "https://good.example:0/",
    ),
    *("https://good.example:80/", "https://good.example:x/", "https://good.example:443443/"),
    *(
        "https://other.example/",
        "https://other.example:84430/",
        "http://localhost:51730/",
        "http://localhost/",
    ),
    # Backslashes, and characters that browsers drop.
    *("https://good.example\\@evil.example", "https://good.example\\.evil.example", "https:\\/good.example"),
    *(
        "https://good.example/\\evil.example",
        "https://good.example\\",
        "\\\\good.example",
        "https://evil.example\\good.example",
    ),
    *(
        "https://good.example\t.evil.example",
        "https://good.example\n@evil.example",
        "https://good.example\r/",
    ),
    *(
        "ht\ntps://good.example/",
        "https://good.example/\t/evil.example",
        "https://good.example/\r\nSet-Cookie: a=b",
    ),
    *(
        " https://good.example/",
        "https://good.example/ ",
        "\u0000https://good.example/",
        "https://good.example/\u0000",
    ),
    *(
        "\thttps://good.example/",
        "https://good.example /",
        "https://good.example/a b",
        "https://good.example/\x7f",
    ),
    # Encodings of what ends a host.
    *(
        "https://good.example%2f@evil.example",
        "https://good.example%5c@evil.example",
        "https://good.example%23.evil.example",
    ),
    *(
        "https://good.example%00.evil.example",
        "https://good.example%3F.evil.example",
        "https%3A%2F%2Fgood.example",
    ),
    *(
        "https://good.example;@evil.example",
        "https://good.example,evil.example",
        "https://good.example&@evil.example",
    ),
    *("https://good.example$.evil.example", "https://[good.example]/", "https://good.example].evil.example"),
    # Nothing, and too much.
    *("", " ", "*", "null", "https://*", "https://*.example", f"{GOOD_ORIGIN}/".ljust(MAX_LENGTH + 1, "a")),
]
