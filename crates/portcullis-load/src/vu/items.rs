//! The length of the list in an answer, for the first round: whether the service has data.

use serde_json::Value;

/// Keys under which lists usually are, the best first.
const USUAL: [&str; 5] = ["results", "data", "items", "objects", "edges"];
/// Not deeper than this.
const DEEPEST: u32 = 3;

/// The items of the first list in a JSON body: the body itself, else the one below the usual
/// keys, else the first other one. `None` if there is no list.
pub fn of(body: &[u8]) -> Option<u64> {
    let value: Value = serde_json::from_slice(body).ok()?;
    within(&value, DEEPEST)
}

fn within(value: &Value, depth: u32) -> Option<u64> {
    match value {
        Value::Array(items) => Some(items.len() as u64),
        Value::Object(fields) if depth > 0 => {
            let usual = USUAL.iter().filter_map(|key| fields.get(*key));
            let direct = |value: &Value| value.as_array().map(|items| items.len() as u64);
            usual
                .clone()
                .find_map(direct)
                .or_else(|| usual.clone().find_map(|value| within(value, depth - 1)))
                .or_else(|| fields.values().find_map(direct))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_found_below_the_usual_keys() {
        for (body, items) in [
            ("[]", Some(0)),
            ("[1, 2]", Some(2)),
            (r#"{"count": 1, "results": [1], "links": []}"#, Some(1)),
            (r#"{"data": {"people": [1, 2, 3]}}"#, Some(3)),
            (r#"{"links": [1, 2]}"#, Some(2)),
            (r#"{"a": {"b": [1]}}"#, None),
            ("{}", None),
            ("<p>", None),
            ("", None),
        ] {
            assert_eq!(of(body.as_bytes()), items, "{body}");
        }
    }
}
