//! The packages of a lock that are reached from those that the project names, each with the
//! condition under which it is.

use std::collections::BTreeMap;

use super::LockError;
use super::conditions::Condition;

/// A dependency: a package of the lock by its index, the extras of it that are needed, and
/// the condition.
#[derive(Clone, Debug)]
pub struct Edge<'a> {
    /// The package.
    pub to: usize,
    /// Its extras.
    pub extras: Vec<&'a str>,
    /// The condition.
    pub marker: Option<&'a str>,
}

/// What is reached from `first`. `below` tells the dependencies of a package: its own
/// without an extra, else those that the extra adds.
///
/// # Errors
/// The conditions cannot be written down, or a dependency is not in the lock.
pub fn reach<'a>(
    first: Vec<Edge<'a>>,
    below: impl Fn(usize, Option<&'a str>) -> Result<Vec<Edge<'a>>, LockError>,
) -> Result<BTreeMap<usize, Condition>, LockError> {
    let mut reached: BTreeMap<(usize, Option<&str>), Condition> = BTreeMap::new();
    let mut open: Vec<(Edge<'_>, Condition)> =
        first.into_iter().map(|edge| (edge, Condition::always())).collect();
    while let Some((edge, above)) = open.pop() {
        let condition = above.and(edge.marker);
        for extra in std::iter::once(None).chain(edge.extras.iter().copied().map(Some)) {
            let known = reached.entry((edge.to, extra)).or_default();
            let is_wider = known.widen(&condition);
            let too_many = "its conditions are too many to be written as requirements";
            if is_wider.ok_or(LockError::Beyond(too_many))? {
                let edges = below(edge.to, extra)?;
                open.extend(edges.into_iter().map(|edge| (edge, condition.clone())));
            }
        }
    }
    let packages = reached.into_iter().filter(|((_, extra), _)| extra.is_none());
    Ok(packages.map(|((package, _), condition)| (package, condition)).collect())
}
