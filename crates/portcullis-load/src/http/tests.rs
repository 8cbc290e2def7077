//! Tests of the parser, byte by byte: framing, errors, and arbitrary cuts of the input.

use proptest::prelude::*;

use super::response::{Invalid, Response};

struct Parsed {
    status: u16,
    body: Vec<u8>,
    keep_alive: bool,
    left: usize,
}

fn parse_in(pieces: &[&[u8]], to_head_request: bool) -> Result<Parsed, Invalid> {
    let mut response = Response::default();
    response.begin(to_head_request, true);
    let mut input = Vec::new();
    for piece in pieces {
        input.extend_from_slice(piece);
        let taken = response.feed(&input)?;
        input.drain(..taken);
    }
    if !response.is_done() {
        response.end()?;
    }
    let head = response.head();
    Ok(Parsed {
        status: head.status,
        body: response.body().to_vec(),
        keep_alive: head.keep_alive,
        left: input.len(),
    })
}

fn parse(text: &str) -> Result<Parsed, Invalid> {
    parse_in(&[text.as_bytes()], false)
}

fn check(text: &str, status: u16, body: &str, keep_alive: bool) {
    let whole = parse(text).unwrap();
    assert_eq!((whole.status, whole.keep_alive), (status, keep_alive), "{text:?}");
    assert_eq!(whole.body, body.as_bytes(), "{text:?}");
    let bytes: Vec<&[u8]> = text.as_bytes().chunks(1).collect();
    let single = parse_in(&bytes, false).unwrap();
    assert_eq!((single.status, single.body), (status, body.as_bytes().to_vec()), "{text:?}");
}

#[test]
fn bodies_are_framed_as_rfc_9112_says() {
    check("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc", 200, "abc", true);
    check("HTTP/1.1 200 OK\r\nContent-Length: 3, 3\r\n\r\nabc", 200, "abc", true);
    check("HTTP/1.1 200 OK\r\n\r\nuntil close", 200, "until close", false);
    check("HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\na", 200, "a", false);
    check(
        "HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\nContent-Length: 1\r\n\r\na",
        200,
        "a",
        true,
    );
    check("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", 200, "", false);
    check("HTTP/1.1 204 No Content\r\n\r\n", 204, "", true);
    check("HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n", 304, "", true);
    let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    check(&format!("{chunked}3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n"), 200, "abcde", true);
    check(&format!("{chunked}3\r\nabc\r\n0\r\nTrailer: x\r\n\r\n"), 200, "abc", true);
    let both = "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n";
    check(&format!("{both}3\r\nabc\r\n0\r\n\r\n"), 200, "abc", false);
    let interim = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n";
    check(&format!("{interim}HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na"), 200, "a", true);
}

#[test]
fn folded_lines_and_leading_zeros_are_read_as_rfc_9112_says() {
    let folded = "HTTP/1.1 200 OK\r\nX-Note: a\r\n b\r\nContent-Length:\r\n\t3\r\n\r\nabc";
    check(folded, 200, "abc", true);
    let close = "HTTP/1.1 200 OK\r\nConnection: x,\r\n close\r\nContent-Length: 1\r\n\r\na";
    check(close, 200, "a", false);
    let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip,\r\n chunked\r\n\r\n";
    let zeros = "0".repeat(40);
    check(&format!("{chunked}{zeros}3\r\nabc\r\n{zeros}\r\n\r\n"), 200, "abc", true);
    check(&format!("{chunked}3\r\nabc\r\n0\r\nT: a\r\n  b\r\nU: c\r\n\r\n"), 200, "abc", true);
    let bad = |text: &str| assert!(parse(text).is_err(), "{text:?}");
    bad(&format!("{chunked}{zeros}x\r\nabc"));
    bad(&format!("{chunked}{}1\r\na\r\n0\r\n\r\n", "0".repeat(70_000)));
    // A break inside a number is a blank inside it.
    bad("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n 2\r\n\r\nabcabcabcabc");
}

#[test]
fn the_media_type_and_the_first_byte_are_kept_without_the_body() {
    let mut response = Response::default();
    for (fields, body, media_type, first) in [
        (
            "Content-Type: Application/JSON; charset=utf-8\r\n",
            " \n{\"a\": 1}",
            "application/json",
            b'{',
        ),
        ("content-type:\r\n text/html\r\n", "<p>", "text/html", b'<'),
        ("", "x", "", b'x'),
    ] {
        response.begin(false, false);
        let head = format!("HTTP/1.1 200 OK\r\n{fields}Content-Length: {}\r\n\r\n", body.len());
        response.feed(head.as_bytes()).unwrap();
        assert_eq!(response.first_byte(), None);
        response.feed(body.as_bytes()).unwrap();
        assert_eq!(response.media_type(), media_type.as_bytes());
        assert_eq!((response.first_byte(), response.body().len()), (Some(first), 0));
    }
}

#[test]
fn a_head_request_has_no_body_and_garbage_is_left_over() {
    let text = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n";
    let parsed = parse_in(&[text], true).unwrap();
    assert_eq!((parsed.status, parsed.body.len(), parsed.left), (200, 0, 0));
    let parsed = parse("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nabcd").unwrap();
    assert_eq!((parsed.body.as_slice(), parsed.left), (b"a".as_slice(), 3));
}

#[test]
fn malformed_answers_are_refused() {
    let bad = |text: &str| assert!(parse(text).is_err(), "{text:?}");
    bad("SSH-2.0-OpenSSH\r\n\r\n");
    bad("HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n");
    bad("HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n");
    bad("HTTP/1.1 200 OK\r\nContent-Length: +1\r\n\r\na");
    bad("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab");
    bad("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc");
    bad("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n");
    bad("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n");
    bad("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n");
    bad("HTTP/1.1 200 OK\r\nContent-Le");
    bad("");
    bad(&format!("HTTP/1.1 200 OK\r\nX: {}", "y".repeat(70_000)));
}

#[test]
fn what_matters_of_the_head_is_kept() {
    let mut response = Response::default();
    response.begin(false, false);
    let text = "HTTP/1.1 429 Slow\r\nRetry-After: 77\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\nab";
    response.feed(text.as_bytes()).unwrap();
    assert_eq!(response.head().retry_after_s, Some(77));
    assert!(response.head().gzip);
    assert_eq!(response.body(), b"ab", "the body of an unexpected status is kept");
}

#[test]
fn a_redirect_keeps_its_place() {
    let mut response = Response::default();
    for (status, place) in [(302, Some("/login/?next=/")), (200, None)] {
        response.begin(false, false);
        let text =
            format!("HTTP/1.1 {status} X\r\nLocation: /login/?next=/\r\nContent-Length: 0\r\n\r\n");
        response.feed(text.as_bytes()).unwrap();
        assert_eq!(response.head().location.as_deref(), place);
    }
}

proptest! {
    #[test]
    fn any_cut_of_the_input_gives_the_same_answer(cuts in prop::collection::vec(0usize..200, 0..6)) {
        let text = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX-Long: aaaaaaaaaaaaaaaaaaa\r\n\r\n\
            5\r\nhello\r\n0b\r\n and world!\r\n0\r\nT: u\r\n\r\n";
        let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut % text.len()).collect();
        cuts.extend([0, text.len()]);
        cuts.sort_unstable();
        let pieces: Vec<&[u8]> = cuts.windows(2).map(|pair| &text[pair[0]..pair[1]]).collect();
        let parsed = parse_in(&pieces, false).unwrap();
        prop_assert_eq!(parsed.body, b"hello and world!");
    }

    #[test]
    fn no_bytes_make_the_parser_panic(bytes in prop::collection::vec(any::<u8>(), 0..300), valid_head: bool) {
        let mut input = Vec::new();
        if valid_head {
            input.extend_from_slice(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
        }
        input.extend(bytes);
        let _ = parse_in(&[&input], false);
    }
}
