//! Answers in which the end of the body is what matters: RFC 9112, section 6.

use super::{Case, End, abc, chunked, joined, length, packed, refused, taken};

/// Content-Length: RFC 9110, section 8.6.
pub fn lengths() -> Vec<Case> {
    let big: Vec<u8> = (0..1024 * 1024).map(|i: u32| (i % 251) as u8).collect();
    let of_big = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", big.len());
    let gzip = packed();
    let of_gzip = |n: usize| {
        format!("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {n}\r\n\r\n")
    };
    vec![
        taken("a length of zero", length("0", ""), 200, ""),
        taken("an exact length", length("3", "abc"), 200, "abc"),
        taken("a list of equal lengths", length("3, 3", "abc"), 200, "abc"),
        taken("equal lengths in two fields", abc("Content-Length: 3\r\n"), 200, "abc"),
        taken("a length with leading zeros", length("0000003", "abc"), 200, "abc"),
        taken("a length in blanks", length("\t 3 \t", "abc"), 200, "abc"),
        taken(
            "a length in another case",
            "HTTP/1.1 200 OK\r\ncOnTeNt-LENGTH:3\r\n\r\nabc",
            200,
            "abc",
        ),
        taken("a body of NUL bytes", length("5", "a\0\0\0b"), 200, "a\0\0\0b"),
        taken("a body of line ends", length("6", "\r\n\r\n\r\n"), 200, "\r\n\r\n\r\n"),
        taken("a body of 1 MiB", joined(&of_big, &big), 200, &big),
        taken("a packed body", joined(of_gzip(gzip.len()), &gzip), 200, &gzip),
        taken("a packed body in pieces", joined(of_gzip(gzip.len()), &gzip), 200, &gzip)
            .dripped(50),
        taken("an answer behind the body", length("3", "abcHTTP/1.1 200 OK\r\n\r\n"), 200, "abc")
            .not_kept(),
        taken("garbage behind the body", length("3", "abc\0garbage"), 200, "abc").not_kept(),
        refused("a length that is too long", length("5", "abc")),
        refused("a length without a body", length("5", "")),
        refused("a negative length", length("-3", "abc")),
        refused("a length that is a word", length("three", "abc")),
        refused("a huge length", length("9223372036854775807", "abc")),
        refused("a length beyond 64 bits", length("99999999999999999999", "abc"))
            .differs("curl ignores it and reads on; it is a length that no body has"),
        refused("a length with a plus", length("+3", "abc")).differs("1*DIGIT: RFC 9110, 8.6"),
        refused("an empty length", length("", "abc")),
        refused("a length in hexadecimal", length("0x3", "abc")).differs("1*DIGIT: RFC 9110, 8.6"),
        refused("a length with a tail", length("3abc", "abc")).differs("1*DIGIT: RFC 9110, 8.6"),
        refused("a list of conflicting lengths", length("3, 4", "abcd"))
            .differs("the message framing is invalid: 6.3, item 5"),
        refused("conflicting lengths in two fields", abc("Content-Length: 4\r\n"))
            .differs("the message framing is invalid: 6.3, item 5"),
    ]
}

/// Transfer-Encoding: sections 6.1 and 7.1.
pub fn chunks() -> Vec<Case> {
    let many: String = (0..300).map(|_| "1\r\nx\r\n").collect();
    let zeros = "0".repeat(40);
    let many_zeros = format!("{zeros}3\r\nabc\r\n{zeros}\r\n\r\n");
    let large = format!("10000\r\n{}\r\n0\r\n\r\n", "y".repeat(0x10000));
    let with = |fields: &str| format!("HTTP/1.1 200 OK\r\n{fields}\r\n3\r\nabc\r\n0\r\n\r\n");
    vec![
        taken("one chunk", chunked("3\r\nabc\r\n0\r\n\r\n"), 200, "abc"),
        taken("several chunks", chunked("3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"), 200, "abcde"),
        taken("300 chunks", chunked(&format!("{many}0\r\n\r\n")), 200, "x".repeat(300)),
        taken("a chunk of 64 KiB", chunked(&large), 200, "y".repeat(0x10000)),
        taken(
            "a chunk size in lower case",
            chunked("b\r\nhello world\r\n0\r\n\r\n"),
            200,
            "hello world",
        ),
        taken(
            "a chunk size in upper case",
            chunked("B\r\nhello world\r\n0\r\n\r\n"),
            200,
            "hello world",
        ),
        taken("a chunk size with zeros", chunked("0003\r\nabc\r\n000\r\n\r\n"), 200, "abc"),
        taken("a chunk size with many zeros", chunked(&many_zeros), 200, "abc")
            .differs("leading zeros have no meaning, and no limit: 7.1; curl has one"),
        taken("a folded trailer", chunked("3\r\nabc\r\n0\r\nA: b\r\n c\r\n\r\n"), 200, "abc"),
        taken("chunk extensions", chunked("3;a=b;c\r\nabc\r\n0;last\r\n\r\n"), 200, "abc"),
        taken("a quoted chunk extension", chunked("3 ; a=\"b;c\"\r\nabc\r\n0\r\n\r\n"), 200, "abc"),
        taken("line ends in a chunk", chunked("4\r\n\r\n\r\n\r\n0\r\n\r\n"), 200, "\r\n\r\n"),
        taken("no chunk but the last", chunked("0\r\n\r\n"), 200, ""),
        taken("a trailer", chunked("3\r\nabc\r\n0\r\nExpires: never\r\n\r\n"), 200, "abc"),
        taken(
            "trailers",
            chunked("1\r\na\r\n0\r\nA: 1\r\nB: 2\r\nContent-Length: 9\r\n\r\n"),
            200,
            "a",
        ),
        taken("chunks in another case", with("tRANSFER-eNCODING: CHUNKED\r\n"), 200, "abc"),
        taken("an empty item behind chunked", with("Transfer-Encoding: chunked,\r\n"), 200, "abc"),
        taken("an empty item before chunked", with("Transfer-Encoding: , chunked\r\n"), 200, "abc"),
        taken(
            "chunks with a length behind",
            with("Transfer-Encoding: chunked\r\nContent-Length: 2\r\n"),
            200,
            "abc",
        )
        .end(End::Closes),
        taken(
            "chunks with a length before",
            with("Content-Length: 2\r\nTransfer-Encoding: chunked\r\n"),
            200,
            "abc",
        )
        .end(End::Closes),
        taken(
            "chunks with a length, kept open",
            with("Transfer-Encoding: chunked\r\nContent-Length: 2\r\n"),
            200,
            "abc",
        )
        .not_kept()
        .reuse_differs("the server must close: 6.3, item 3"),
        taken(
            "chunks in HTTP/1.0",
            with("Transfer-Encoding: chunked\r\n").replace("/1.1", "/1.0"),
            200,
            "abc",
        )
        .end(End::Closes),
        taken(
            "chunks in HTTP/1.0 with keep-alive",
            with("Connection: keep-alive\r\nTransfer-Encoding: chunked\r\n")
                .replace("/1.1", "/1.0"),
            200,
            "abc",
        )
        .not_kept()
        .reuse_differs("HTTP/1.0 has no chunks, so the framing is faulty: 6.1"),
        taken("garbage behind the last chunk", chunked("3\r\nabc\r\n0\r\n\r\ngarbage"), 200, "abc")
            .not_kept()
            .reuse_differs("what is left is not the beginning of the next answer: 9.2"),
        refused("a chunk size that is none", chunked("zz\r\nabc\r\n0\r\n\r\n")),
        refused("an empty chunk size", chunked("3\r\nabc\r\n\r\n\r\n")),
        refused("a chunk size that is an extension only", chunked("3\r\nabc\r\n;x\r\n\r\n")),
        refused("a negative chunk size", chunked("-3\r\nabc\r\n0\r\n\r\n")),
        refused("a chunk size in 0x", chunked("0x3\r\nabc\r\n0\r\n\r\n")),
        refused("a chunk size beyond 64 bits", chunked("10000000000000003\r\nabc\r\n0\r\n\r\n")),
        refused("a chunk size of 64 bits", chunked("fffffffffffffffe\r\nabc\r\n0\r\n\r\n")),
        refused("a chunk without an end", chunked("3\r\nabc0\r\n\r\n")),
        refused("a chunk that is too long", chunked("3\r\nabcdef\r\n0\r\n\r\n")),
        refused("no chunks at all", chunked("")),
        refused("a cut in the chunk size", chunked("3\r\nabc\r\n1")),
        refused("a cut behind the chunk size", chunked("3\r\nabc\r\n1\r\n")),
        refused("a cut in the chunk", chunked("3\r\nab")),
        refused("a cut behind the chunk", chunked("3\r\nabc\r\n")),
        refused("a cut in the end of the chunk", chunked("3\r\nabc\r")),
        refused("a cut in the last chunk", chunked("3\r\nabc\r\n0\r\n")),
        refused("a cut in the trailers", chunked("3\r\nabc\r\n0\r\nExpires: nev")),
        refused("a cut behind a trailer", chunked("3\r\nabc\r\n0\r\nExpires: never\r\n")),
        refused("a chunk size with a bare LF", chunked("3\nabc\r\n0\r\n\r\n"))
            .differs("a chunk ends in CRLF: 7.1; the leave of 2.2 is for the head only"),
        refused("a blank before the chunk size", chunked(" 3\r\nabc\r\n0\r\n\r\n")),
    ]
}

/// Bodies that the end of the connection ends: section 6.3, item 8.
pub fn ends() -> Vec<Case> {
    let open = "HTTP/1.1 200 OK\r\nServer: x\r\n\r\n";
    vec![
        taken("until close", joined(open, "until close"), 200, "until close").end(End::Closes),
        taken("until close, empty", open, 200, "").end(End::Closes),
        taken("until half-close", joined(open, "half"), 200, "half").end(End::HalfCloses),
        taken("until close in HTTP/1.0", "HTTP/1.0 200 OK\r\n\r\nold", 200, "old").end(End::Closes),
        taken("until close, in pieces", joined(open, "a|b|c"), 200, "abc").end(End::Closes).cut(),
        taken(
            "until close, though keep-alive",
            joined("HTTP/1.1 200 OK\r\nConnection: keep-alive\r\n\r\n", "abc"),
            200,
            "abc",
        )
        .end(End::Closes),
        taken(
            "an encoding that is not chunked",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: identity\r\n\r\nabc",
            200,
            "abc",
        )
        .end(End::Closes),
        taken("half-close behind a length", abc("Connection: close\r\n"), 200, "abc")
            .end(End::HalfCloses),
        taken(
            "half-close behind chunks",
            chunked("3\r\nabc\r\n0\r\n\r\n").replace("OK\r\n", "OK\r\nConnection: close\r\n"),
            200,
            "abc",
        )
        .end(End::HalfCloses),
        taken("reset behind a length", abc("Connection: close\r\n"), 200, "abc").end(End::Resets),
        refused("reset without an answer", "").end(End::Resets),
        refused("reset in the head", "HTTP/1.1 200 OK\r\nCont").end(End::Resets),
        refused("reset in a length", length("9", "abc")).end(End::Resets),
        refused("reset in a chunk", chunked("9\r\nabc")).end(End::Resets),
        refused("reset until close", joined(open, "abc")).end(End::Resets),
        refused("half-close in a length", length("9", "abc")).end(End::HalfCloses),
        refused("half-close without an answer", "").end(End::HalfCloses),
    ]
}
