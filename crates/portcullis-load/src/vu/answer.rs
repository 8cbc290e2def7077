//! Evaluates an answer: its size, whether it is what its step expects, and the values that
//! the step extracts.

use std::borrow::Cow;
use std::time::Duration;

use portcullis_core::measure::FailureKind;
use portcullis_core::scenario::{Check, Extract, Step};

use super::body::{self, BodyError};
use super::json;
use super::page;
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

/// The size of a complete answer's unpacked body (the size that a client sees), and the
/// failure if the answer is not accepted.
pub fn weigh(response: &Response, step: &Step) -> (u64, Option<Failure>) {
    match unpacked(response) {
        Ok(body) => {
            // A body that is not needed was counted, not kept.
            let size = if response.head().gzip { body.len() as u64 } else { response.body_bytes() };
            (size, unexpected(response.head(), &body, step))
        }
        Err(error) => {
            let failure = Failure::new(FailureKind::Body, error.to_string());
            (response.body_bytes(), Some(failure))
        }
    }
}

/// The failure for bytes after the end of an answer: its length was wrong.
pub fn misframed(surplus: usize) -> Option<Failure> {
    let message = || format!("{surplus} bytes follow the answer, beyond its content-length");
    (surplus > 0).then(|| Failure::new(FailureKind::Body, message()))
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

/// Extracts the values of a step from a good answer, by name.
///
/// # Errors
/// A value is missing, or cannot be part of a later request.
pub fn extract<'s>(
    response: &Response,
    wanted: &'s [Extract],
) -> Result<Vec<(&'s str, String)>, BodyError> {
    let body = unpacked(response)?;
    let one = |extract: &'s Extract| {
        let text = body::text_at(&body, &extract.path)?;
        // The value is put into a header, where a line break would forge another header.
        match text.bytes().all(|b| b.is_ascii_graphic()) {
            true => Ok((extract.name.as_str(), text)),
            false => Err(BodyError::Impossible(extract.name.clone())),
        }
    };
    wanted.iter().map(one).collect()
}

/// The failure if the answer is not what its step expects.
fn unexpected(head: &Head, body: &[u8], step: &Step) -> Option<Failure> {
    if !step.accept.contains(&head.status) {
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
        return Some(Failure { kind: FailureKind::Status, status: head.status, message });
    }
    // An accepted answer that is not a success (such as a 404) has nothing to check.
    if !(200..300).contains(&head.status) {
        return None;
    }
    let broken = step.checks.iter().find_map(|check| broken(check, body));
    broken.map(|message| Failure::new(FailureKind::Validation, message))
}

/// How a body fails a check, if it does.
fn broken(check: &Check, body: &[u8]) -> Option<String> {
    let Check::MinItems { array, min_items } = check;
    match json::items(body, array) {
        Ok(Some(items)) if items >= *min_items => return None,
        Err(json::Malformed { at }) => {
            let length = body.len();
            if let Some(page) = page::described(body) {
                return Some(format!("the body is not JSON but {page}"));
            }
            return Some(match at < length {
                true => format!("the body is not JSON (at byte {} of {length})", at + 1),
                false => format!("the body is not JSON (it ends after {length} bytes)"),
            });
        }
        // The key may be written with escapes.
        Ok(_) => {}
    }
    match body::array_length(body, array) {
        Ok(items) if items >= *min_items => None,
        Ok(items) => Some(format!("{items} items, expected at least {min_items}")),
        Err(error) => Some(error.to_string()),
    }
}
