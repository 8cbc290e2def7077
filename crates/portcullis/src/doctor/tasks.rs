//! Each task once, with its answer.

use portcullis_core::engine::{FirstAnswer, LoginFailure};
use portcullis_core::measure::FailureKind;
use portcullis_core::units::{show_bytes, show_ms};

use super::{Diagnosis, fine, problem};

const NAME: &str = "task";

/// Judges the answers of the first round.
pub fn check(answers: &[FirstAnswer]) -> Vec<Diagnosis> {
    answers.iter().map(one).collect()
}

fn one(answer: &FirstAnswer) -> Diagnosis {
    let FirstAnswer { task, request, status, bytes, latency, failure, .. } = answer;
    let time = show_ms(latency.as_secs_f64() * 1e3);
    let Some(failure) = failure else {
        let size = show_bytes(*bytes as f64);
        return fine(NAME, format!("{task}: {request}: {status}, {size}, {time}"));
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

    use portcullis_core::engine::{Content, FirstFailure};

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
            failure: failure.map(|kind| FirstFailure {
                kind,
                status,
                message: "why".to_owned(),
                answer: String::new(),
            }),
        };
        let good = one(&answer(200, None));
        assert!(
            good.level == Level::Ok && good.message.starts_with("a: GET /a/: 200, "),
            "{good:?}"
        );
        for (status, part) in [(403, "login"), (404, "path"), (302, "SSL"), (502, "log")] {
            let bad = one(&answer(status, Some(FailureKind::Status)));
            assert!(bad.level == Level::Problem && bad.remedy.unwrap().contains(part), "{status}");
        }
        let empty = one(&answer(200, Some(FailureKind::Validation)));
        assert!(empty.remedy.unwrap().contains("seed"));
    }
}
