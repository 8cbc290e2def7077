//! Each task once, with its answer.

use portcullis_core::engine::{Content, FirstAnswer, LoginFailure};
use portcullis_core::measure::FailureKind;
use portcullis_core::units::{show_bytes, show_ms};

use super::{Diagnosis, fine, problem, warning};

const NAME: &str = "task";

/// Judges the answers of the first round.
pub fn check(answers: &[FirstAnswer]) -> Vec<Diagnosis> {
    let json = answers.iter().filter(|answer| answer.content == Content::Json).count();
    answers.iter().map(|answer| one(answer, json * 2 > answers.len())).collect()
}

/// Judges an answer; `is_api` if most tasks answer with JSON.
fn one(answer: &FirstAnswer, is_api: bool) -> Diagnosis {
    let FirstAnswer { task, request, status, bytes, latency, content, items, failure } = answer;
    let Some(failure) = failure else {
        let kind = match content {
            Content::None => "nothing",
            Content::Json => "JSON",
            Content::Html => "a page",
            Content::Other => "other",
        };
        let size = show_bytes(*bytes as f64);
        let items = match items {
            Some(1) => ", 1 item".to_owned(),
            Some(items) => format!(", {items} items"),
            None => String::new(),
        };
        let time = show_ms(latency.as_secs_f64() * 1e3);
        let message = format!("{task}: {request}: {status}, {kind}, {size}{items}, {time}");
        return match (content, answer.items) {
            (_, Some(0)) => warning(NAME, message, EMPTY),
            (Content::Html, ..) if is_api => warning(NAME, message, PAGE),
            _ => fine(NAME, message),
        };
    };
    let message = format!("{task}: {request}: {}", failure.message);
    let remedy = match (failure.kind, status) {
        (FailureKind::Validation, _) => "let the seed make rows for it, or change its check",
        (FailureKind::Throttled, _) => "raise the rate in [django.overrides]; see the throttles",
        (_, 401 | 403) => "set [scenario.login], or give the seeded user the permission",
        (_, 404) => "correct its path, or let the seed make this object",
        (_, 405) => "correct its method",
        (_, 400) => "set ALLOWED_HOSTS to [\"127.0.0.1\"] in [django.overrides], or mend its query",
        (_, 301 | 302 | 307 | 308) => {
            "name the path that it redirects to, or turn SECURE_SSL_REDIRECT off in [django.overrides]"
        }
        (_, 500..) => "the service's own log says why: see server.log of a run",
        _ => "call it by hand, and compare",
    };
    problem(NAME, message, remedy)
}

const EMPTY: &str = "the list is empty: let the seed fill it for the user that logs in, then add \
                     check = { min_items = 1 }";
const PAGE: &str = "the other tasks answer with JSON, this one with a page: look whether it is a \
                    login or an error page";

/// Judges a login that gave no token.
pub fn login(failure: &LoginFailure) -> Diagnosis {
    let remedy = if failure.throttled {
        "set scenario.login.shared = true, or raise the rate in [django.overrides]"
    } else {
        "check path, body and token of [scenario.login], and that the seed makes this user"
    };
    problem("login", failure.message.clone(), remedy)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use portcullis_core::engine::FirstFailure;

    use super::super::Level;
    use super::*;

    #[test]
    fn an_answer_is_shown_and_a_failure_has_its_remedy() {
        let answer = |status, failure: Option<FailureKind>| FirstAnswer {
            task: "a".to_owned(),
            request: "GET /a/".to_owned(),
            latency: Duration::from_millis(12),
            status,
            bytes: 2048,
            content: Content::Json,
            items: Some(0),
            failure: failure.map(|kind| FirstFailure {
                kind,
                status,
                message: "why".to_owned(),
                answer: String::new(),
            }),
        };
        let answer_with = |items, content| FirstAnswer { items, content, ..answer(200, None) };
        let good = one(&answer_with(Some(3), Content::Json), true);
        assert!(
            good.level == Level::Ok
                && good.message.contains("a: GET /a/: 200, JSON, 2.05 kB, 3 items"),
            "{good:?}"
        );
        for (items, content, is_api, level) in [
            (Some(0), Content::Json, true, Level::Warning),
            (None, Content::Html, true, Level::Warning),
            (None, Content::Html, false, Level::Ok),
            (None, Content::Json, true, Level::Ok),
        ] {
            let found = one(&answer_with(items, content), is_api);
            assert_eq!(found.level, level, "{found:?}");
        }
        for (status, part) in [(403, "login"), (404, "path"), (302, "SSL"), (502, "log")] {
            let bad = one(&answer(status, Some(FailureKind::Status)), true);
            assert!(bad.level == Level::Problem && bad.remedy.unwrap().contains(part), "{status}");
        }
        let empty = one(&answer(200, Some(FailureKind::Validation)), true);
        assert!(empty.remedy.unwrap().contains("seed"));
    }
}
