//! Takes the values of a step from its answer.

use portcullis_core::scenario::{Extract, Source};

use super::answer::unpacked;
use super::body::{self, BodyError};
use super::cookies::Jar;
use super::forms;
use super::prepared::Slot;
use crate::http::Response;

/// Takes the wanted values from an answer into `slots`, at their `places`; a missing optional
/// one is `None`.
///
/// # Errors
/// A value is missing, or cannot be part of a later request.
pub fn take(
    response: &Response,
    jar: &Jar,
    wanted: &[Extract],
    places: &[usize],
    slots: &mut [Slot],
) -> Result<(), BodyError> {
    let body = match wanted.iter().any(|extract| extract.from.is_in_body()) {
        true => unpacked(response)?,
        false => (&[][..]).into(),
    };
    for (extract, place) in wanted.iter().zip(places) {
        let Some(slot) = slots.get_mut(*place) else { continue };
        let found = one(response, &body, jar, &extract.from);
        *slot = match found {
            // The value may be put into a header, where a line break would forge another header.
            Ok(Some(text)) if text.chars().any(char::is_control) => {
                return Err(BodyError::Impossible(extract.name.clone()));
            }
            Ok(Some(text)) => Some(text.into_boxed_str()),
            Ok(None) if extract.optional => None,
            Err(_) if extract.optional => None,
            Ok(None) => {
                return Err(BodyError::Missing(extract.from.describe()));
            }
            Err(error) => return Err(error),
        };
    }
    Ok(())
}

/// The value at one place; `None` if there is none.
fn one(
    response: &Response,
    body: &[u8],
    jar: &Jar,
    from: &Source,
) -> Result<Option<String>, BodyError> {
    let text = |found: Option<&str>| found.filter(|text| !text.is_empty()).map(str::to_owned);
    Ok(match from {
        Source::Key(path) => Some(body::scalar_at(body, path)?),
        Source::Json(path) => {
            let document: serde_json::Value = serde_json::from_slice(body)?;
            match path.query(&document).first() {
                None | Some(serde_json::Value::Null) => None,
                Some(serde_json::Value::String(found)) => text(Some(found)),
                Some(serde_json::Value::Array(_) | serde_json::Value::Object(_)) => {
                    return Err(BodyError::NotText(path.to_string(), String::new()));
                }
                Some(other) => Some(other.to_string()),
            }
        }
        Source::Header(name) => text(response.field(name).as_deref()),
        Source::Cookie(name) => text(jar.get(name)),
        Source::Regex(regex) => {
            let body = String::from_utf8_lossy(body);
            let found = regex.captures(&body);
            let found = found.as_ref().and_then(|found| found.get(1).or_else(|| found.get(0)));
            text(found.map(|found| found.as_str()))
        }
        Source::Field(name) => text(forms::field(body, name).as_deref()),
    })
}
