//! Whether the service still answered when the load ended. If not, a run is neither red nor
//! green by what it answered before.

use crate::measure::Summary;

/// Why a service that left every user waiting at the end was not measured, if it did.
/// `users_at_end` is the number of users that were active until then; `None` in the open
/// model, where it is every user that ran.
pub fn unanswered_fault(summary: &Summary, users_at_end: Option<u32>) -> Option<String> {
    let users = users_at_end.unwrap_or(summary.users_ran).min(summary.users_ran);
    let stuck = summary.stuck_users;
    (users > 0 && stuck >= users).then(|| match stuck {
        1 => "the service stopped answering: the only user still waited when the load and its \
              grace had ended"
            .to_owned(),
        _ => format!(
            "the service stopped answering: all {stuck} users still waited when the load and its \
             grace had ended"
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_that_leaves_every_user_waiting_has_stopped_answering() {
        let fault = |stuck_users, users_ran, users_at_end| {
            let summary = Summary { stuck_users, users_ran, ..Summary::default() };
            unanswered_fault(&summary, users_at_end).is_some()
        };
        assert!(fault(5, 5, Some(5)) && fault(1, 1, Some(1)) && fault(4, 4, None));
        assert!(fault(2, 8, Some(2)), "the others had left before");
        assert!(!fault(4, 5, Some(5)) && !fault(1, 5, None));
        assert!(!fault(0, 0, Some(0)) && !fault(0, 0, None));
    }
}
