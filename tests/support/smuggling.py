"""Requests whose end two servers might see in different places, each with a hidden second request."""

from dataclasses import dataclass

HIDDEN = b"GET /auth/verify HTTP/1.1\r\nHost: localhost\r\n\r\n"  # in no other request of these tests
LENGTH = len(HIDDEN)
START = b"POST /auth/logout HTTP/1.1\r\nHost: localhost\r\n"
EMPTY = b"0\r\n\r\n"  # a body in chunks that has none
BOTH = b"Content-Length: %d\r\n\r\n" % (len(EMPTY) + LENGTH) + EMPTY + HIDDEN
CHUNKED = b"Transfer-Encoding: chunked\r\n"
ME = b"GET /auth/me HTTP/1.1\r\n"


@dataclass(frozen=True)
class Attempt:
    """The bytes sent, and the expected number of responses, from the server directly and through the proxy.

    Two are correct only if the first request ends before the hidden one for both of them.
    """

    name: str
    sent: bytes
    straight: int = 1
    proxied: int = 1


def framed(name: str, headers: bytes, **answers: int) -> Attempt:
    return Attempt(name, START + headers, **answers)


ATTEMPTS = [
    # Both a length and chunks (RFC 9112, 6.3): the chunks count, and the connection is closed.
    framed("CL.TE", CHUNKED + BOTH),
    framed("TE.CL", CHUNKED + b"Content-Length: 4\r\n\r\n%x\r\n" % LENGTH + HIDDEN + b"\r\n" + EMPTY),
    framed("CL.TE, no length", CHUNKED + b"Content-Length: 0\r\n\r\n" + EMPTY + HIDDEN),
    # TE.TE: a spelling that one of two servers might not know.
    framed("TE unknown", b"Transfer-Encoding: xchunked\r\n" + BOTH),
    framed("TE not last", b"Transfer-Encoding: chunked, identity\r\n" + BOTH),
    framed("TE last", b"Transfer-Encoding: identity, chunked\r\n" + BOTH),
    framed("TE and another", CHUNKED + b"Transfer-Encoding: identity\r\n" + BOTH),
    framed("TE in capitals", b"Transfer-Encoding: ChUnKeD\r\n" + BOTH),
    framed("TE quoted", b'Transfer-Encoding: "chunked"\r\n' + BOTH),
    framed("TE after a vertical tab", b"Transfer-Encoding:\x0bchunked\r\n" + BOTH),
    framed("TE after a tab", b"Transfer-Encoding:\tchunked\r\n" + BOTH),
    framed("TE with an underscore", b"Transfer_Encoding: chunked\r\n" + BOTH),
    Attempt("TE of HTTP/1.0", START.replace(b"1.1", b"1.0") + b"Connection: keep-alive\r\n" + CHUNKED + BOTH),
    # Chunked twice, which is forbidden: the server reads it as once, the proxy refuses.
    framed("TE twice", b"Transfer-Encoding: chunked, chunked\r\n\r\n" + EMPTY + HIDDEN, straight=2),
    # Lengths.
    framed("CL twice", b"Content-Length: 0\r\nContent-Length: %d\r\n\r\n" % LENGTH + HIDDEN),
    framed("CL twice alike", b"Content-Length: %d\r\n" % LENGTH * 2 + b"\r\n" + HIDDEN),
    framed("CL list", b"Content-Length: 0, %d\r\n\r\n" % LENGTH + HIDDEN),
    framed("CL list alike", b"Content-Length: %d, %d\r\n\r\n" % (LENGTH, LENGTH) + HIDDEN),
    framed("CL with a plus", b"Content-Length: +%d\r\n\r\n" % LENGTH + HIDDEN),
    framed("CL below 0", b"Content-Length: -1\r\n\r\n" + HIDDEN),
    framed("CL in base 16", b"Content-Length: 0x%x\r\n\r\n" % LENGTH + HIDDEN),
    framed("CL of two words", b"Content-Length: 0 %d\r\n\r\n" % LENGTH + HIDDEN),
    framed("CL empty", b"Content-Length: \r\n\r\n" + HIDDEN),
    # HAProxy 2.6 takes 2**64 for 0 and passes it on; the server refuses it and closes.
    framed("CL of 2**64", b"Content-Length: 18446744073709551616\r\n\r\n" + HIDDEN, proxied=2),
    # Folded lines: the server refuses them, the proxy unfolds them before it reads them.
    framed("TE folded", b"Transfer-Encoding:\r\n chunked\r\n" + BOTH),
    framed("CL folded", b"Content-Length:\r\n %d\r\n\r\n" % LENGTH + HIDDEN),
    framed("CL folded into Host", b" Content-Length: %d\r\n\r\n" % LENGTH + HIDDEN, proxied=2),
    # Ends of lines: LF alone is one (RFC 9112, 2.2) for both, CR alone is none.
    Attempt("LF alone", START.replace(b"\r", b"") + b"Content-Length: %d\n\n" % LENGTH + HIDDEN),
    framed("LF in a header", b"X-A: b\nContent-Length: %d\r\n\r\n" % LENGTH + HIDDEN),
    framed("CR in a header", b"X-A: b\rContent-Length: %d\r\n\r\n" % LENGTH + HIDDEN),
    # Chunks.
    framed("chunk extension", CHUNKED + b"\r\n%x;a=b\r\n" % LENGTH + HIDDEN + b"\r\n" + EMPTY),
    framed("LF in an extension", CHUNKED + b"\r\n2;\nxx\r\n%x\r\n" % LENGTH + HIDDEN + b"\r\n" + EMPTY),
    framed("LF after a chunk", CHUNKED + b"\r\n%x\n" % LENGTH + HIDDEN + b"\n0\n\n"),
    framed("chunk size with 0x", CHUNKED + b"\r\n0x%x\r\n" % LENGTH + HIDDEN + b"\r\n" + EMPTY),
    framed("chunk size below 0", CHUNKED + b"\r\n-1\r\n" + HIDDEN + b"\r\n" + EMPTY),
    framed("chunk size of 2**64", CHUNKED + b"\r\n10000000000000000\r\n" + HIDDEN + b"\r\n" + EMPTY),
    framed("chunk too long", CHUNKED + b"\r\n2\r\nabc0\r\n\r\n" + HIDDEN),
    # The body ends here unambiguously, and another request follows: the case with two responses.
    framed(
        "CL in a trailer", CHUNKED + b"\r\n0\r\nContent-Length: 9\r\n\r\n" + HIDDEN, straight=2, proxied=2
    ),
    # What no header's name may hold.
    framed("CL and NUL", b"Content-Length\x00: %d\r\n\r\n" % LENGTH + HIDDEN),
    framed("CL and a space", b"Content-Length : %d\r\n\r\n" % LENGTH + HIDDEN),
    framed("CL and a tab", b"Content-Length\t: %d\r\n\r\n" % LENGTH + HIDDEN),
    framed("TE and a space", b"Transfer-Encoding : chunked\r\n" + BOTH),
    framed("NUL in a value", b"X-A: \x00\r\nContent-Length: %d\r\n\r\n" % LENGTH + HIDDEN),
    framed("no colon", b"Content-Length\r\n\r\n" + HIDDEN),
    # Whom it is for, and the line that begins it.
    Attempt(
        "another host in the target", b"GET http://evil.example/auth/me HTTP/1.1\r\nHost: localhost\r\n\r\n"
    ),
    Attempt("two hosts", ME + b"Host: localhost\r\nHost: evil.example\r\n\r\n"),
    Attempt("no host", ME + b"\r\n"),
    Attempt("HTTP/0.9", b"GET /auth/me\r\n\r\n"),
    Attempt("two versions", b"GET /auth/me HTTP/1.1 HTTP/1.1\r\nHost: localhost\r\n\r\n"),
    Attempt("CR in the target", b"GET /auth/me\r HTTP/1.1\r\nHost: localhost\r\n\r\n"),
    Attempt("a body of GET", ME + b"Host: localhost\r\nContent-Length: %d\r\n\r\n" % LENGTH + HIDDEN),
]
