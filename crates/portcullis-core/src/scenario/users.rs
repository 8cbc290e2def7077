//! Kinds of users: who they are, how many of them there are, and what they do.

use super::{Login, Refresh, Scenario, Wait};

/// One kind of virtual users.
#[derive(Clone, Debug)]
pub struct UserKind {
    /// Its name; `None` if the scenario has one kind only.
    pub name: Option<String>,
    /// Its share of the users, relative to the other kinds.
    pub weight: u32,
    /// How its users log in; `None` without a login.
    pub login: Option<Login>,
    /// The pause between two calls of one user.
    pub wait: Wait,
}

/// The kinds of users in turn, so that of any number of users each kind has its share: the
/// next one is the kind that is furthest behind (smooth weighted round robin, as nginx
/// balances servers).
pub fn turns(weights: &[u32]) -> Vec<usize> {
    let divisor = weights.iter().fold(0, |known, weight| greatest_common_divisor(known, *weight));
    let weights: Vec<i64> =
        weights.iter().map(|weight| i64::from(weight / divisor.max(1))).collect();
    let total: i64 = weights.iter().sum();
    let mut credits = vec![0; weights.len()];
    let next = |_| {
        credits.iter_mut().zip(&weights).for_each(|(credit, weight)| *credit += weight);
        let most = credits.iter().copied().max()?;
        let kind = credits.iter().position(|credit| *credit == most)?;
        credits[kind] -= total;
        Some(kind)
    };
    (0..total).filter_map(next).collect()
}

fn greatest_common_divisor(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { greatest_common_divisor(b, a % b) }
}

impl Scenario {
    /// The kind of the user with this number, from 0.
    pub fn kind_of(&self, user: u32) -> usize {
        let turn = user as usize % self.turns.len().max(1);
        self.turns.get(turn).copied().unwrap_or(0)
    }

    /// The first user of a kind among so many users; `None` if there is none.
    pub fn first_user(&self, kind: usize, users: u32) -> Option<u32> {
        (0..users).find(|user| self.kind_of(*user) == kind)
    }

    /// The login of a kind of users.
    pub fn login_of(&self, kind: usize) -> Option<&Login> {
        self.users.get(kind)?.login.as_ref()
    }

    /// The pause of a kind of users.
    pub fn wait_of(&self, kind: usize) -> Wait {
        let wait = self.users.get(kind).map(|users| users.wait);
        wait.unwrap_or(Wait::Constant(std::time::Duration::ZERO))
    }

    /// The longest mean pause of any kind.
    pub fn longest_wait(&self) -> std::time::Duration {
        self.users.iter().map(|users| users.wait.mean()).max().unwrap_or_default()
    }

    /// The logins of all kinds that make a request.
    pub fn logins(&self) -> impl Iterator<Item = &Login> {
        let logins = self.users.iter().filter_map(|users| users.login.as_ref());
        logins.filter(|login| !login.steps.is_empty())
    }

    /// The requests that refresh tokens.
    pub fn refreshes(&self) -> impl Iterator<Item = &Refresh> {
        self.logins().filter_map(|login| login.refresh.as_ref())
    }

    /// The kinds that have a name.
    pub fn named_kinds(&self) -> impl Iterator<Item = (usize, &str)> {
        let kinds = self.users.iter().enumerate();
        kinds.filter_map(|(kind, users)| Some((kind, users.name.as_deref()?)))
    }

    /// The name of a kind, if it has one.
    pub fn kind_name(&self, kind: usize) -> Option<&str> {
        self.users.get(kind)?.name.as_deref()
    }
}

#[cfg(test)]
mod tests {
    use super::turns;

    #[test]
    fn of_any_number_of_users_each_kind_has_its_share() {
        assert_eq!(turns(&[1]), [0]);
        assert_eq!(turns(&[40, 10]), [0, 0, 1, 0, 0]);
        assert_eq!(turns(&[2, 2]), [0, 1]);
        for weights in [[7, 2, 1], [1, 50, 3], [5, 5, 90]] {
            let (turns, total) = (turns(&weights), f64::from(weights.iter().sum::<u32>()));
            for users in 1..turns.len() {
                for (kind, weight) in weights.iter().enumerate() {
                    let has = turns[..users].iter().filter(|turn| **turn == kind).count() as f64;
                    let due = users as f64 * f64::from(*weight) / total;
                    assert!((has - due).abs() < 2.0, "{weights:?} {users} {kind}: {has} {due}");
                }
            }
        }
    }
}
