//! How many files this process may hold open: each connection is one.

use std::sync::OnceLock;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// The system allows fewer than are needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{needed} open files are needed, but the limit of this process is {allowed}")]
pub struct TooFew {
    /// What is needed.
    pub needed: u64,
    /// What may be had.
    pub allowed: u64,
}

/// The limit before it was raised: children get that one.
static BEFORE: OnceLock<u64> = OnceLock::new();

/// Whether so many may be had, after the limit was raised if that is necessary.
///
/// # Errors
/// The hard limit is lower.
pub fn check(needed: u64) -> Result<(), TooFew> {
    wanted(getrlimit(Resource::Nofile), needed).map(drop)
}

/// Raises the limit of this process, not that of its children, if so many would
/// not be had without.
///
/// # Errors
/// The hard limit is lower, or the system refuses.
pub fn provide(needed: u64) -> Result<(), TooFew> {
    let limit = getrlimit(Resource::Nofile);
    let Some(raised) = wanted(limit, needed)? else { return Ok(()) };
    let allowed = limit.current.unwrap_or(u64::MAX);
    setrlimit(Resource::Nofile, raised).map_err(|_| TooFew { needed, allowed })?;
    let _ = BEFORE.set(allowed);
    Ok(())
}

/// The limit to set; `None` if the present one will do.
fn wanted(limit: Rlimit, needed: u64) -> Result<Option<Rlimit>, TooFew> {
    let at_least = |bound: Option<u64>| bound.is_none_or(|bound| bound >= needed);
    match limit {
        Rlimit { current, .. } if at_least(current) => Ok(None),
        // To the hard limit, where that is a number that the system takes.
        Rlimit { maximum, .. } if at_least(maximum) => {
            let most = maximum.filter(|_| cfg!(target_os = "linux")).unwrap_or(needed);
            Ok(Some(Rlimit { current: Some(most), maximum }))
        }
        Rlimit { maximum, .. } => Err(TooFew { needed, allowed: maximum.unwrap_or(u64::MAX) }),
    }
}

/// The limit that a child is to have, if this process's was raised.
pub(crate) fn for_children() -> Option<u64> {
    BEFORE.get().copied()
}

/// Sets the limit of a child, in the child.
pub(crate) fn lower(to: u64) {
    let limit = Rlimit { current: Some(to), ..getrlimit(Resource::Nofile) };
    // It would only have more than it was meant to.
    let _ = setrlimit(Resource::Nofile, limit);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_soft_limit_is_raised_and_the_hard_one_is_kept() {
        let limit = |soft, hard| Rlimit { current: soft, maximum: hard };
        assert_eq!(wanted(limit(Some(1024), Some(4096)), 1024), Ok(None));
        assert_eq!(wanted(limit(None, None), 1_000_000), Ok(None));
        let raised = wanted(limit(Some(32), Some(4096)), 264).unwrap().unwrap();
        assert!(raised.current.unwrap() >= 264 && raised.maximum == Some(4096));
        let refused = wanted(limit(Some(32), Some(32)), 264);
        assert_eq!(refused, Err(TooFew { needed: 264, allowed: 32 }));
    }
}
