//! The base: which commit it is, and its files, extracted once for each tree.

use std::path::{Path, PathBuf};
use std::time::Duration;

use portcullis_core::outcome::Finding;
use portcullis_core::pairs::Sides;
use portcullis_core::plan::ServePlan;

use crate::cache::{self, Entry, Hold};
use crate::host::git::Git;
use crate::project::django as project;
use crate::run::{Done, Failure, Run};

/// How the base of a comparison is named.
#[derive(Clone, Debug)]
pub struct BaseName {
    /// Its commit.
    pub commit: String,
    /// The tree of that commit: the same tree is the same base.
    pub tree: String,
}

impl BaseName {
    /// The first characters of the commit.
    pub fn short(&self) -> &str {
        self.commit.get(..10).unwrap_or(&self.commit)
    }

    /// A failure of the base: preparation, never the candidate's.
    pub fn charge(&self, why: &str) -> Finding {
        Finding::Preparation(format!("the base ({}): {why}", self.short()))
    }
}

/// The base of a comparison, extracted.
#[derive(Debug)]
pub struct Base {
    /// What was asked for.
    pub asked: String,
    /// Its commit and tree.
    pub name: BaseName,
    /// Held while they are used.
    _entry: Entry,
    /// How each side comes to be.
    pub plans: Sides<ServePlan>,
}

/// Bases that nobody asked for in so long are extracted anew.
const OLDEST: Duration = Duration::from_secs(14 * 24 * 3600);
const KIND: &str = "base-files";

const SAME: &str = "what changed before it is not compared; --against HEAD~1 is the commit before";

/// The word for the last commit in common with the branch that this one goes to.
pub const MERGE_BASE: &str = "merge-base";

/// Finds the base and extracts it.
///
/// # Errors
/// No such revision, no repository, a history that is cut off; or the files
/// cannot be written.
pub fn extract(run: &Run<'_>, plan: &ServePlan, asked: &str) -> Result<Done<Base>, Failure> {
    let scratch = run.scratch();
    let git = run.git(&plan.root, &scratch);
    let found = find(&git, asked).map_err(|refused| Failure::new(Finding::Refused(refused)))?;
    let Found { commit, words } = found;
    let failed = |what: &str| {
        let message = format!("the base ({commit}): {what}");
        Failure::new(Finding::Preparation(message))
    };
    let (Some(tree), Some(top)) = (git.tree_of(&commit), git.top()) else {
        return Err(failed("git does not tell its tree"));
    };
    // Bytecode, logs and messages name it: a path of its own for each tree.
    let waiting = |who| run.note(format!("waiting for {who}, which has the base's files"));
    let open = |hold| {
        cache::open(&run.cache, KIND, &tree, hold, (run.interrupts, run.left()), waiting)
            .map_err(|error| failed(&error.to_string()))
    };
    let entry = open(Hold::Shared)?;
    let cached = entry.age().is_some();
    let entry = if cached {
        entry
    } else {
        drop(entry);
        cache::prune(&run.cache, KIND, OLDEST);
        let entry = open(Hold::Alone)?;
        // From the top: requirements, a seed, a library may lie beside the project.
        write_out(
            &run.git(&top, &scratch),
            &commit,
            &entry,
            &run.folder().join("scratch/base.index"),
        )
        .map_err(|why| failed(&why))?;
        entry
    };
    let files = entry.path().join("files");
    let short = commit.get(..10).unwrap_or(&commit).to_owned();
    let detail = match run.commit() == Some(&commit) {
        true => {
            run.warn(format!("the working tree is {short} itself: {SAME}"));
            format!("{short} ({words}), the working tree itself")
        }
        false => format!("{short} ({words})"),
    };
    // The same settings for both, and any free port.
    let mut common = plan.clone();
    common.django.overrides.extend(run.planned.plan.against.overrides.iter().cloned());
    common.server.port = 0;
    let place = Place { top: &top, files: &files };
    if let Some(leak) = project::leaking(&common)?
        && !place.of(&leak.path).is_ok_and(|own| own.is_file())
    {
        let (path, names) = (leak.path.display(), leak.names());
        run.note(format!("{path} is not in the base: {names} is set for both versions"));
        common.env.set.extend(leak.values);
    }
    let mut lent = Vec::new();
    let own = place.plan(&common, &mut lent).map_err(|why| failed(&why))?;
    if !lent.is_empty() {
        let lent = lent.join(", ");
        run.note(format!("the base ({short}) lacks {lent}: the candidate's is used for both"));
    }
    if has_other(&own.seed_script, &common.seed_script) {
        run.warn(format!(
            "the base ({short}) has another seed script: each version's database is filled by its \
             own, and what differs in their data is part of the comparison"
        ));
    }
    let plans = Sides { base: own, candidate: common };
    let name = BaseName { commit, tree };
    let base = Base { asked: asked.to_owned(), name, plans, _entry: entry };
    Ok(Done { value: base, cached, detail })
}

/// Whether both have a file, with another content.
fn has_other(one: &Option<PathBuf>, other: &Option<PathBuf>) -> bool {
    let read = |path: &Option<PathBuf>| std::fs::read(path.as_ref()?).ok();
    read(one).zip(read(other)).is_some_and(|(one, other)| one != other)
}

fn write_out(git: &Git<'_>, commit: &str, entry: &Entry, index: &Path) -> Result<(), String> {
    let cannot = |error: std::io::Error| format!("its files cannot be written: {error}");
    entry.clear().map_err(cannot)?;
    let files = entry.path().join("files");
    std::fs::create_dir_all(&files).map_err(cannot)?;
    git.write_out(commit, index, &files)
        .ok_or("git cannot extract its files: is the disk full?".to_owned())?;
    entry.complete().map_err(cannot)?;
    entry.share().map_err(cannot)
}

struct Found {
    commit: String,
    words: String,
}

fn find(git: &Git<'_>, asked: &str) -> Result<Found, String> {
    if git.top().is_none() {
        return Err("--against compares commits, but this is no git repository".to_owned());
    }
    if asked != MERGE_BASE {
        return match git.commit_of(asked) {
            Some(commit) => Ok(Found { commit, words: asked.to_owned() }),
            None => Err(format!("--against {asked}: git knows no such commit{}", shallow(git))),
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
        return Err(format!(
            "--against merge-base: none of {} is known here: name a revision{}",
            candidates.join(", "),
            shallow(git)
        ));
    };
    match git.merge_base("HEAD", target) {
        Some(commit) => Ok(Found { commit, words: format!("merge base of HEAD and {target}") }),
        None => Err(format!(
            "--against merge-base: HEAD and {target} have no commit in common here{}",
            shallow(git)
        )),
    }
}

/// What is wrong if a history ends too early.
fn shallow(git: &Git<'_>) -> &'static str {
    match git.is_shallow() {
        true => {
            "; this clone is shallow: fetch the whole history (actions/checkout: fetch-depth: 0)"
        }
        false => "",
    }
}

/// Where the repository is, and where the base's files are.
struct Place<'a> {
    top: &'a Path,
    files: &'a Path,
}

impl Place<'_> {
    /// The plan of the candidate, for the base's files. What is not there in the
    /// base, the candidate lends: a seed that is newer than the base still fills
    /// both databases alike.
    ///
    /// # Errors
    /// A sentence on what is missing.
    fn plan(&self, plan: &ServePlan, lent: &mut Vec<String>) -> Result<ServePlan, String> {
        let root = self.of(&plan.root)?;
        if !root.join(&plan.django.manage).is_file() {
            let wanted = root.join(&plan.django.manage);
            let shown = wanted.strip_prefix(self.files).unwrap_or(&wanted);
            return Err(format!("it has no {}", shown.display()));
        }
        let mut or_lent = |path: &PathBuf, what: &str| match self.of(path) {
            Ok(own) if own.is_file() => own,
            _ => {
                lent.push(what.to_owned());
                path.clone()
            }
        };
        Ok(ServePlan {
            root,
            requirements: plan.requirements.iter().map(|p| or_lent(p, "requirements")).collect(),
            env_example: plan.env_example.as_ref().map(|p| or_lent(p, "env.example")),
            seed_script: plan.seed_script.as_ref().map(|p| or_lent(p, "the seed script")),
            ..plan.clone()
        })
    }

    /// Where the base has what the working tree has at a path.
    fn of(&self, path: &Path) -> Result<PathBuf, String> {
        let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
        let (path, top) = (real(path), real(self.top));
        let inside = path.strip_prefix(&top).map_err(|_| {
            format!("{} lies outside of the repository {}", path.display(), top.display())
        })?;
        Ok(self.files.join(inside))
    }
}
