//! Where the files of a run are: one private folder, readable by its owner alone, and in
//! it one for each side of a comparison.

use std::io;
use std::path::{Path, PathBuf};

use portcullis_core::compare::Side;
use portcullis_core::judge::Finding;
use portcullis_supervise::guard;
use tempfile::TempDir;

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

/// Whose files a folder holds.
#[derive(Clone, Debug)]
pub enum Role {
    /// The ordinary load's.
    Load,
    /// The base's, in a comparison.
    Base(BaseName),
    /// The candidate's, in a comparison.
    Candidate,
}

/// The folder of the ordinary load, or of one side of a comparison: its database, its
/// settings, the names of its logs.
#[derive(Debug)]
pub struct RunFolder {
    path: PathBuf,
    /// The whole run's: logs of all sides lie there, and answers that are read at once.
    whole: PathBuf,
    role: Role,
}

impl RunFolder {
    /// The private folder of a run, which is removed with the first value.
    ///
    /// # Errors
    /// The system's reason.
    pub fn private(run_id: &str) -> io::Result<(TempDir, Self)> {
        let private = std::os::unix::fs::PermissionsExt::from_mode(0o700);
        let name = format!("{}{run_id}", guard::PRIVATE);
        let folder =
            tempfile::Builder::new().prefix(&name).rand_bytes(0).permissions(private).tempdir()?;
        make_folders(folder.path())?;
        let path = folder.path().to_owned();
        Ok((folder, Self { whole: path.clone(), path, role: Role::Load }))
    }

    /// The folder of one side of a comparison, within this one.
    pub fn side(&self, role: Role) -> Self {
        let path = match &role {
            Role::Load => self.whole.clone(),
            // Of equal length, so that nothing else differs by it.
            Role::Base(_) => self.whole.join("base"),
            Role::Candidate => self.whole.join("cand"),
        };
        // A folder that cannot be made fails whoever writes into it first.
        let _ = make_folders(&path);
        Self { path, whole: self.whole.clone(), role }
    }

    /// Whose it is.
    pub fn role(&self) -> &Role {
        &self.role
    }

    /// Which side of a comparison it belongs to; `None` for the ordinary load.
    pub fn of_side(&self) -> Option<Side> {
        match self.role {
            Role::Load => None,
            Role::Base(_) => Some(Side::Base),
            Role::Candidate => Some(Side::Candidate),
        }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where its databases are.
    pub fn databases(&self) -> PathBuf {
        self.path.join("db")
    }

    /// Where processes leave a trace that have loaded its settings.
    pub fn loaded(&self) -> PathBuf {
        self.path.join("loaded")
    }

    /// Where its generated settings are.
    pub fn settings(&self) -> PathBuf {
        self.path.join("settings")
    }

    /// A script of our own.
    pub fn script(&self, name: &str) -> PathBuf {
        self.path.join("scratch").join(name)
    }

    /// Where answers of small commands are kept while they are read.
    pub fn scratch(&self) -> PathBuf {
        self.whole.join("scratch")
    }

    /// Where the raw logs of the whole run are.
    pub fn logs(&self) -> PathBuf {
        self.whole.join("logs")
    }

    /// The raw log of a stage.
    pub fn log(&self, name: &str) -> PathBuf {
        let prefix = match self.role {
            Role::Load => "",
            Role::Base(_) => "base-",
            Role::Candidate => "pairs-",
        };
        self.logs().join(format!("{prefix}{name}.log"))
    }
}

fn make_folders(folder: &Path) -> io::Result<()> {
    let own = ["logs", "settings", "loaded", "db", "scratch", "tmp"];
    let projects = ["project-logs", "media", "static", "sessions", "mail", "caches", "storages"];
    own.iter().chain(&projects).try_for_each(|name| std::fs::create_dir_all(folder.join(name)))
}
