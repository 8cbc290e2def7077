//! What must be true of the response parser, whatever bytes it is fed and
//! however they are cut. The fuzzer calls this, and so does the test that
//! replays the corpus.

use portcullis_load::http::{Head, Invalid, Response};

/// What stands for 1 KiB of the byte before it, so that short inputs reach the
/// limits of the parser.
const RUN: u8 = 0x01;
const RUN_LENGTH: usize = 1024;
/// The longest answer that is made of an input.
const LONGEST: usize = 96 * 1024;

/// What came of one answer.
#[derive(Debug, PartialEq)]
struct Outcome {
    verdict: Result<(), Invalid>,
    head: Head,
    body: Vec<u8>,
    body_bytes: u64,
    taken: usize,
}

/// The first byte chooses: bit 0, the answer is to a HEAD request; bit 1, the
/// body is kept; bit 2, runs are written out. The second chooses the pieces.
/// The rest is the answer.
pub fn check(input: &[u8]) {
    let [how, cuts, answer @ ..] = input else { return };
    let (to_head_request, keep_body) = (how & 1 != 0, how & 2 != 0);
    let answer = if how & 4 != 0 { written_out(answer) } else { answer.to_vec() };
    let mut response = Response::default();

    let whole = play(&mut response, to_head_request, keep_body, [answer.as_slice()]);
    sound(&whole, keep_body);
    assert!(!to_head_request || whole.body_bytes == 0, "an answer to HEAD has a body");

    let cut = play(&mut response, to_head_request, keep_body, pieces(&answer, *cuts));
    sound(&cut, keep_body);
    same(&whole, &cut);

    let again = play(&mut response, to_head_request, keep_body, [answer.as_slice()]);
    assert_eq!(whole, again, "an answer depends on the one before it");

    let unkept = play(&mut response, to_head_request, false, [answer.as_slice()]);
    assert_eq!(
        (&whole.verdict, &whole.head, whole.body_bytes, whole.taken),
        (&unkept.verdict, &unkept.head, unkept.body_bytes, unkept.taken),
        "keeping the body changes more than the body"
    );
}

/// Feeds the pieces as a connection does: what was not taken is offered again
/// with more behind it, until the answer is complete or the peer closes.
fn play<'a>(
    response: &mut Response,
    to_head_request: bool,
    keep_body: bool,
    pieces: impl IntoIterator<Item = &'a [u8]>,
) -> Outcome {
    response.begin(to_head_request, keep_body);
    assert!(!response.is_done() && response.body().is_empty() && response.body_bytes() == 0);
    let (mut buffer, mut taken, mut verdict) = (Vec::new(), 0, Ok(()));
    for piece in pieces {
        buffer.extend_from_slice(piece);
        match response.feed(&buffer) {
            Ok(bytes) => {
                assert!(bytes <= buffer.len(), "{bytes} bytes taken of {}", buffer.len());
                buffer.drain(..bytes);
                taken += bytes;
            }
            Err(invalid) => verdict = Err(invalid),
        }
        if verdict.is_err() || response.is_done() {
            break;
        }
    }
    if verdict.is_ok() {
        if response.is_done() {
            assert_eq!(response.feed(&buffer), Ok(0), "a complete answer takes more");
        }
        verdict = response.end();
        assert_eq!(verdict.is_ok(), response.is_done());
    }
    Outcome {
        verdict,
        head: response.head().clone(),
        body: response.body().to_vec(),
        body_bytes: response.body_bytes(),
        taken,
    }
}

/// One answer by itself makes sense.
fn sound(outcome: &Outcome, keep_body: bool) {
    let Outcome { verdict, head, body, body_bytes, taken } = outcome;
    let kept = keep_body || head.gzip || !(200..300).contains(&head.status);
    assert_eq!(body.len() as u64, if kept { *body_bytes } else { 0 }, "of {body_bytes} bytes");
    match verdict {
        Ok(()) => {
            assert!((100..=999).contains(&head.status), "status {}", head.status);
            assert!(*body_bytes <= *taken as u64, "{body_bytes} bytes of body in {taken}");
            let bodiless = head.status < 200 || head.status == 204 || head.status == 304;
            assert!(!bodiless || *body_bytes == 0, "{} with a body", head.status);
        }
        Err(invalid) => assert!(!invalid.to_string().is_empty()),
    }
}

/// The pieces do not matter. Only which fault is named may: the limit on heads
/// is noticed before what is wrong behind it.
fn same(whole: &Outcome, cut: &Outcome) {
    match (&whole.verdict, &cut.verdict) {
        (Err(one), Err(other)) if one != other => {
            assert_eq!(other, &Invalid::HeadTooLong, "in one piece: {one}");
        }
        (Err(_), Err(_)) => {
            let seen = |outcome: &Outcome| (outcome.head.clone(), outcome.body_bytes);
            assert_eq!(seen(whole), seen(cut));
        }
        _ => assert_eq!(whole, cut),
    }
}

/// Pieces of one size (0 to 127), or of sizes that a simple generator draws
/// (128 to 255). The longer an answer, the longer its pieces: a head is looked
/// at anew with each.
fn pieces(answer: &[u8], cuts: u8) -> Vec<&[u8]> {
    let scale = (answer.len() * answer.len() / (1024 * 1024)).max(1);
    let mut drawn = u32::from(cuts);
    let (mut pieces, mut rest) = (Vec::new(), answer);
    while !rest.is_empty() {
        let size = if cuts < 128 {
            usize::from(cuts) + 1
        } else {
            drawn = drawn.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (drawn >> 24) as usize / 4 + 1
        };
        let (piece, behind) = rest.split_at((size * scale).min(rest.len()));
        pieces.push(piece);
        rest = behind;
    }
    pieces
}

fn written_out(answer: &[u8]) -> Vec<u8> {
    let mut written = Vec::with_capacity(answer.len());
    for byte in answer {
        match written.last() {
            Some(last) if *byte == RUN => {
                let run = [*last; RUN_LENGTH];
                written.extend_from_slice(&run);
            }
            _ => written.push(*byte),
        }
        if written.len() > LONGEST {
            break;
        }
    }
    written
}
