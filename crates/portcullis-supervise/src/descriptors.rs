//! The limit of open files of this process: each connection needs one.

use std::sync::OnceLock;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// The system allows fewer open files than needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{needed} open files are needed, but the limit of this process is {allowed}")]
pub struct TooFew {
    /// The needed number.
    pub needed: u64,
    /// The allowed number.
    pub allowed: u64,
}

/// The limit before it was raised; children get this one.
static BEFORE: OnceLock<u64> = OnceLock::new();

/// Checks whether this number of files can be opened, after raising the limit if necessary.
///
/// # Errors
/// The hard limit is lower.
pub fn check(needed: u64) -> Result<(), TooFew> {
    wanted(getrlimit(Resource::Nofile), needed).map(drop)
}

/// Raises the limit of this process, but not of its children, if the present limit is too
/// low.
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

/// The limit to set; `None` if the present one is enough.
fn wanted(limit: Rlimit, needed: u64) -> Result<Option<Rlimit>, TooFew> {
    let at_least = |bound: Option<u64>| bound.is_none_or(|bound| bound >= needed);
    match limit {
        Rlimit { current, .. } if at_least(current) => Ok(None),
        // Up to the hard limit, if that is a number that the system accepts.
        Rlimit { maximum, .. } if at_least(maximum) => {
            let most = maximum.filter(|_| cfg!(target_os = "linux")).unwrap_or(needed);
            Ok(Some(Rlimit { current: Some(most), maximum }))
        }
        Rlimit { maximum, .. } => Err(TooFew { needed, allowed: maximum.unwrap_or(u64::MAX) }),
    }
}

/// The limit for a child, if that of this process was raised.
pub(crate) fn for_children() -> Option<u64> {
    BEFORE.get().copied()
}

/// Sets the limit; called in the child.
pub(crate) fn lower(to: u64) {
    let limit = Rlimit { current: Some(to), ..getrlimit(Resource::Nofile) };
    // If this fails, the child only has a higher limit than intended.
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
