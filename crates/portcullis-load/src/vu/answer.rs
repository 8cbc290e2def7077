//! Evaluates an answer: its size, and whether it is what its step expects.

use std::borrow::Cow;
use std::time::Duration;

use portcullis_core::measure::FailureKind;
use portcullis_core::scenario::{Check, Step};

use super::body::{self, BodyError};
use super::check;
use super::shape::{self, StepShapes};
use crate::http::{ExchangeError, Head, Response};
use crate::metrics::Failure;

/// The unpacked body.
///
/// # Errors
/// It is damaged, truncated, or too long.
pub fn unpacked(response: &Response) -> Result<Cow<'_, [u8]>, BodyError> {
    if response.head().gzip && !response.body().is_empty() {
        body::unpack(response.body()).map(Into::into)
    } else {
        Ok(response.body().into())
    }
}

/// What a complete answer amounts to.
#[derive(Debug, Default)]
pub struct Weighed {
    /// The size of the unpacked body: the size that a client sees.
    pub size: u64,
    /// The failure if the answer is not accepted.
    pub failure: Option<Failure>,
    /// The checks of the step that were made, a bit for each.
    pub checked: u64,
    /// The checks that the body does not meet, by their position, with what it has instead.
    pub unmet: Vec<(usize, String)>,
}

/// Evaluates a complete answer. `shapes` are those of the first round; `may_be_unchanged` if
/// the request asked only for what has changed.
pub fn weigh(
    response: &Response,
    step: &Step,
    shapes: Option<&StepShapes>,
    may_be_unchanged: bool,
) -> Weighed {
    let body = match unpacked(response) {
        Ok(body) => body,
        Err(error) => {
            let failure = Some(Failure::new(FailureKind::Body, error.to_string()));
            return Weighed { size: response.body_bytes(), failure, ..Weighed::default() };
        }
    };
    let head = response.head();
    // A body that is not needed was counted, not kept.
    let size = if head.gzip { body.len() as u64 } else { response.body_bytes() };
    let is_unchanged = may_be_unchanged && head.status == 304;
    let failure = if is_unchanged { None } else { refused(head, &body, step) };
    let mut weighed = Weighed { size, failure, ..Weighed::default() };
    if weighed.failure.is_some() {
        return weighed;
    }
    // The body of an accepted answer that is not a success (such as a 404) has nothing to check.
    if !step.checks.is_empty() {
        let is_success = (200..300).contains(&head.status);
        let mut checked = 0;
        let unmet = |(index, made): (usize, &Check)| {
            if !is_success && !made.condition.is_of_head() {
                return None;
            }
            checked |= 1_u64 << (index as u32 % u64::BITS);
            check::unmet_by(&made.condition, response, &body).map(|message| (index, message))
        };
        weighed.unmet = step.checks.iter().enumerate().filter_map(unmet).collect();
        weighed.checked = checked;
        let is_hard = |index: usize| step.checks.get(index).is_some_and(|made| !made.is_soft);
        let hard = weighed.unmet.iter().find(|(index, _)| is_hard(*index));
        weighed.failure =
            hard.map(|(_, message)| Failure::new(FailureKind::Validation, message.clone()));
    }
    if let Some(shapes) = shapes.filter(|_| step.compares_shape && weighed.failure.is_none()) {
        let start = shape::start(response, &body);
        let difference = shapes.difference(head.status, response.media_type(), start);
        weighed.failure = difference.map(|said| Failure::new(FailureKind::Validation, said));
    }
    weighed
}

/// The failure for bytes after the end of an answer: its length was wrong.
pub fn misframed(surplus: usize) -> Option<Failure> {
    let message = || format!("{surplus} bytes follow the answer, beyond its content-length");
    (surplus > 0).then(|| Failure::new(FailureKind::Body, message()))
}

/// The failure for bytes that came behind an answer later, when it counted as a good one.
pub fn misframed_later(bytes: usize) -> Failure {
    let message = format!("{bytes} bytes came behind the answer, beyond its content-length");
    Failure::new(FailureKind::Body, message)
}

/// The failure of an exchange without a complete answer.
pub fn failure_of(error: &ExchangeError, timeout: Duration) -> Failure {
    let kind = match error {
        ExchangeError::Connect(..) => FailureKind::Connect,
        ExchangeError::Closed { .. } | ExchangeError::Cut => FailureKind::Reset,
        ExchangeError::Invalid(_) => FailureKind::Body,
        ExchangeError::Late => {
            let message = format!("no complete answer within {} s", timeout.as_secs_f64());
            return Failure::new(FailureKind::Timeout, message);
        }
    };
    Failure::new(kind, error.to_string())
}

/// The failure if the answer has a status that its step does not accept.
fn refused(head: &Head, body: &[u8], step: &Step) -> Option<Failure> {
    if step.accept.contains(&head.status) {
        return None;
    }
    // Such a body may contain the value to extract, which is a secret.
    let is_secret = !step.extract.is_empty() && head.status < 400;
    let said = if is_secret { "(not shown)".to_owned() } else { body::said(body) };
    if head.status == 429 {
        let retry = head.retry_after_s.map(|s| format!(", retry after {s} s"));
        let message = format!("429 throttled: {said}{}", retry.unwrap_or_default());
        return Some(Failure { kind: FailureKind::Throttled, status: 429, message });
    }
    let accepted: Vec<String> = step.accept.iter().map(u16::to_string).collect();
    let expected = accepted.join(" or ");
    let place = head.location.as_ref().map(|place| format!(", redirected to {place}"));
    let place = place.unwrap_or_default();
    let message = format!("status {} instead of {expected}{place}: {said}", head.status);
    Some(Failure { kind: FailureKind::Status, status: head.status, message })
}
