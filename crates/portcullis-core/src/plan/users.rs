//! What must be true of the kinds of users, so that each of them is measured.

use super::LoadPlan;
use crate::config::{Place, Problem};

/// A kind of users without a user, and a load to which kinds do not apply.
pub fn problems(load: &LoadPlan) -> Vec<Problem> {
    let kinds: Vec<(usize, &str)> = load.scenario.named_kinds().collect();
    let mut messages = Vec::new();
    if load.is_open() && kinds.len() > 1 {
        messages.push(
            "several [[scenario.user]] need a load of users: with load.arrival_rate requests \
             arrive for any free user, so the kinds would have no shares"
                .to_owned(),
        );
    }
    for (kind, name) in kinds {
        if load.scenario.first_user(kind, load.users).is_none() {
            messages.push(format!(
                "load.users = {}: none of them is a \"{name}\" ([[scenario.user]]); use more \
                 users, or change the weights",
                load.users
            ));
        }
    }
    messages.into_iter().map(|message| Problem { at: Place::Default, message }).collect()
}
