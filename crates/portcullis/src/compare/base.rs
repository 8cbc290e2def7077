//! The base: finds its commit, and extracts its files, once for each tree.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use portcullis_core::compare::Sides;
use portcullis_core::config::ProjectKind;
use portcullis_core::judge::Finding;
use portcullis_core::plan::ServePlan;

use super::revision::{self, Found};
use crate::cache::{self, Entry, Hold};
use crate::host::git::Git;
use crate::host::git::tree::TreeError;
use crate::project;
use crate::run::{BaseName, Extracted, RunContext, StageFailure, StageOutput};

/// The extracted base of a comparison.
#[derive(Debug)]
pub struct Base {
    /// The revision that the user asked for.
    pub asked: String,
    /// Its commit and tree.
    pub name: BaseName,
    /// Locked while the files are used.
    _entry: Entry,
    /// The plan of each version.
    pub plans: Sides<ServePlan>,
    /// Where the base's configuration file is, if it is in the repository.
    pub configuration: Option<PathBuf>,
}

/// Bases without use for this time are extracted again.
const OLDEST: Duration = Duration::from_secs(14 * 24 * 3600);
const KIND: &str = "base-files";
/// The layout of an entry: with submodules, and with the list of all files.
const FORMAT: &str = "-2";
/// The folder of the files in an entry.
const FILES: &str = "files";
/// The list of the files in an entry, each ended by a zero byte.
const LIST: &str = "list";

const SAME: &str = "earlier changes are not compared; --against HEAD~1 is the commit before";

/// Finds the base and extracts it.
///
/// # Errors
/// No such revision, no repository, a truncated history; or the files cannot be written.
pub fn extract(
    context: &RunContext<'_>,
    plan: &ServePlan,
    asked: &str,
) -> Result<StageOutput<Base>, StageFailure> {
    let scratch = context.folder.scratch();
    let git = context.git(&plan.root, &scratch);
    let found = revision::find(&git, asked)
        .map_err(|refused| StageFailure::new(Finding::refused(refused.to_string())))?;
    let Found { commit, words } = found;
    let failed = |what: &str| {
        let message = format!("the base ({commit}): {what}");
        StageFailure::new(Finding::preparation(message))
    };
    let (Some(tree), Some(top)) = (git.tree_of(&commit), git.top()) else {
        return Err(failed("git does not report its tree"));
    };
    // Bytecode, logs and messages contain the path, so each tree has its own.
    let key = format!("{tree}{FORMAT}");
    let waiting = |who| context.note(format!("waiting for {who}, which is using the base's files"));
    let open = |hold| {
        cache::open(&context.cache, KIND, &key, hold, (context.interrupts, context.left()), waiting)
            .map_err(|error| failed(&error.to_string()))
    };
    let entry = open(Hold::Shared)?;
    let cached = entry.age().is_some();
    let entry = if cached {
        entry
    } else {
        drop(entry);
        cache::prune(&context.cache, KIND, OLDEST);
        let entry = open(Hold::Alone)?;
        // The whole repository, because requirements, a seed or a library may be beside the
        // project.
        write_out(&context.git(&top, &scratch), &commit, &entry)
            .map_err(|why| failed(&why.to_string()))?;
        entry
    };
    let extracted = extracted(&entry).map_err(|error| failed(&error.to_string()))?;
    let short = commit.get(..10).unwrap_or(&commit).to_owned();
    let detail = match context.commit.as_ref() == Some(&commit) {
        true => {
            context.warn(format!("the working tree is {short} itself: {SAME}"));
            format!("{short} ({words}), the working tree itself")
        }
        false => format!("{short} ({words})"),
    };
    // The same settings for both versions, and any free port.
    let mut common = plan.clone();
    common.django.overrides.extend(context.planned.plan.against.overrides.iter().cloned());
    common.server.port = 0;
    let place = Place { top: &top, files: &extracted.top };
    if let Some(leak) = project::leaking(&common)?
        && !place.of(&leak.path).is_ok_and(|own| own.is_file())
    {
        let (path, names) = (leak.path.display(), leak.names());
        context.note(format!("{path} is not in the base: {names} is set for both versions"));
        common.env.set.extend(leak.values);
    }
    let mut lent = Vec::new();
    let own = place.plan(&common, &mut lent).map_err(|why| failed(&why.to_string()))?;
    if !lent.is_empty() {
        let lent = lent.join(", ");
        context.note(format!("the base ({short}) lacks {lent}: the candidate's is used for both"));
    }
    let pairs = own.seeds.iter().zip(&common.seeds);
    if pairs.into_iter().any(|(one, other)| has_other(one.file(), other.file())) {
        context.warn(format!(
            "the base ({short}) has a different seed: each version uses its own, so \
             differences in data are part of the comparison"
        ));
    }
    let plans = Sides { base: own, candidate: common };
    let configuration = place.of(&context.planned.file).ok();
    let name = BaseName { commit, extracted };
    let base = Base { asked: asked.to_owned(), name, plans, configuration, _entry: entry };
    Ok(StageOutput { value: base, cached, detail })
}

/// Whether both have this file, with different content.
fn has_other(one: Option<&Path>, other: Option<&Path>) -> bool {
    let read = |path: Option<&Path>| std::fs::read(path?).ok();
    read(one).zip(read(other)).is_some_and(|(one, other)| one != other)
}

/// Why the base cannot be prepared; the text follows its name.
#[derive(Debug, thiserror::Error)]
enum BaseError {
    #[error("its files cannot be written: {0}")]
    Unwritable(std::io::Error),
    #[error(transparent)]
    NotExtracted(#[from] TreeError),
    #[error("it has no {0}")]
    NoManage(String),
    #[error("{0} is outside the repository {1}")]
    Outside(String, String),
}

fn write_out(git: &Git<'_>, commit: &str, entry: &Entry) -> Result<(), BaseError> {
    let cannot = BaseError::Unwritable;
    entry.clear().map_err(cannot)?;
    let folder = entry.path().join(FILES);
    std::fs::create_dir_all(&folder).map_err(cannot)?;
    let mut list = Vec::new();
    for path in git.write_out(commit, &folder)? {
        list.extend_from_slice(path.as_os_str().as_bytes());
        list.push(0);
    }
    std::fs::write(entry.path().join(LIST), list).map_err(cannot)?;
    entry.complete().map_err(cannot)?;
    entry.share().map_err(cannot)
}

fn extracted(entry: &Entry) -> std::io::Result<Extracted> {
    let list = std::fs::read(entry.path().join(LIST))?;
    let paths = list.split(|byte| *byte == 0).filter(|path| !path.is_empty());
    let files = paths.map(|path| OsStr::from_bytes(path).into()).collect();
    Ok(Extracted { top: entry.path().join(FILES), files })
}

/// The path of the repository, and the path of the base's files.
struct Place<'a> {
    top: &'a Path,
    files: &'a Path,
}

impl Place<'_> {
    /// The plan of the candidate with the base's files. A file that is missing in the base is
    /// taken from the candidate: a newer seed still fills both databases in the same way.
    ///
    /// # Errors
    /// A file is missing.
    fn plan(&self, plan: &ServePlan, lent: &mut Vec<String>) -> Result<ServePlan, BaseError> {
        let root = self.of(&plan.root)?;
        let is_django = plan.kind == ProjectKind::Django;
        if is_django && !root.join(&plan.django.manage).is_file() {
            let wanted = root.join(&plan.django.manage);
            let shown = wanted.strip_prefix(self.files).unwrap_or(&wanted);
            return Err(BaseError::NoManage(shown.display().to_string()));
        }
        let mut or_lent = |path: &PathBuf, what: &str| match self.of(path) {
            Ok(own) if own.is_file() => own,
            _ => {
                lent.push(what.to_owned());
                path.clone()
            }
        };
        // What is outside of the repository is the same for both.
        let inputs = plan.inputs.iter().map(|p| self.of(p).unwrap_or_else(|_| p.clone()));
        Ok(ServePlan {
            inputs: inputs.collect(),
            top: self.of(&plan.top).unwrap_or(root.clone()),
            requirements: plan
                .requirements
                .as_ref()
                .map(|files| files.iter().map(|path| or_lent(path, "requirements")).collect()),
            root,
            env_example: plan.env_example.as_ref().map(|p| or_lent(p, "env.example")),
            seeds: plan.seeds.iter().map(|seed| seed.with(|p| or_lent(p, "the seed"))).collect(),
            ..plan.clone()
        })
    }

    /// The path in the base that corresponds to a path in the working tree.
    fn of(&self, path: &Path) -> Result<PathBuf, BaseError> {
        let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
        let (path, top) = (real(path), real(self.top));
        let inside = path.strip_prefix(&top).map_err(|_| {
            BaseError::Outside(path.display().to_string(), top.display().to_string())
        })?;
        Ok(self.files.join(inside))
    }
}
