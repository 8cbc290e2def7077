//! Which commit the base is.

use crate::host::git::Git;

/// The word for the last commit in common with the branch that this one goes to.
const MERGE_BASE: &str = "merge-base";

/// A commit that was found.
pub struct Found {
    /// The commit.
    pub commit: String,
    /// How it was asked for.
    pub words: String,
}

/// Why there is no such commit.
#[derive(Debug, thiserror::Error)]
pub enum RevisionError {
    /// There is no repository.
    #[error("--against compares commits, but this is not a git repository")]
    NoRepository,
    /// Git does not know it.
    #[error("--against {0}: unknown commit{1}")]
    Unknown(String, Shallow),
    /// No branch that this one may go to is known.
    #[error("--against merge-base: none of {0} exists here: name a revision{1}")]
    NoBranch(String, Shallow),
    /// Two histories.
    #[error("--against merge-base: HEAD and {0} have no commit in common here{1}")]
    NothingInCommon(String, Shallow),
}

/// Whether a history ends too early, which may be why a commit is not in it.
#[derive(Clone, Copy, Debug)]
pub struct Shallow(bool);

impl std::fmt::Display for Shallow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            true => f.write_str(
                "; this clone is shallow: fetch the whole history (actions/checkout: \
                 fetch-depth: 0)",
            ),
            false => Ok(()),
        }
    }
}

/// Finds the commit that was asked for.
///
/// # Errors
/// No such revision, no repository, a history that is cut off.
pub fn find(git: &Git<'_>, asked: &str) -> Result<Found, RevisionError> {
    if git.top().is_none() {
        return Err(RevisionError::NoRepository);
    }
    let shallow = || Shallow(git.is_shallow());
    if asked != MERGE_BASE {
        return match git.commit_of(asked) {
            Some(commit) => Ok(Found { commit, words: asked.to_owned() }),
            None => Err(RevisionError::Unknown(asked.to_owned(), shallow())),
        };
    }
    let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    // GitLab says the commit itself; GitHub names the branch that is merged into.
    let named = variable("CI_MERGE_REQUEST_DIFF_BASE_SHA");
    let branch = variable("GITHUB_BASE_REF").map(|branch| format!("origin/{branch}"));
    let usual = ["origin/HEAD", "origin/main", "origin/master", "main", "master"];
    let candidates: Vec<String> =
        named.into_iter().chain(branch).chain(usual.map(str::to_owned)).collect();
    let Some(target) = candidates.iter().find(|name| git.commit_of(name).is_some()) else {
        return Err(RevisionError::NoBranch(candidates.join(", "), shallow()));
    };
    match git.merge_base("HEAD", target) {
        Some(commit) => Ok(Found { commit, words: format!("merge base of HEAD and {target}") }),
        None => Err(RevisionError::NothingInCommon(target.clone(), shallow())),
    }
}
