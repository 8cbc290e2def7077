//! The folders of a run: one private folder, readable only by its owner, and in it one for
//! each version of a comparison.

use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

use portcullis_core::compare::Side;
use portcullis_core::judge::Finding;
use portcullis_supervise::{abandoned, guard};
use tempfile::TempDir;

/// The name of the base of a comparison.
#[derive(Clone, Debug)]
pub struct BaseName {
    /// Its commit.
    pub commit: String,
    /// Its files, as they were extracted.
    pub extracted: Extracted,
}

/// The extracted files of a commit, with those of its submodules.
#[derive(Clone, Debug)]
pub struct Extracted {
    /// The folder that corresponds to the top of the repository.
    pub top: PathBuf,
    /// All files and links relative to it, sorted: not what a service has written beside them.
    pub files: Vec<PathBuf>,
}

impl BaseName {
    /// The first characters of the commit.
    pub fn short(&self) -> &str {
        self.commit.get(..10).unwrap_or(&self.commit)
    }

    /// A failure of the base: a preparation finding, never one of the candidate.
    pub fn charge(&self, why: &str) -> Finding {
        Finding::preparation(format!("the base ({}): {why}", self.short()))
    }
}

/// The owner of a folder's files.
#[derive(Clone, Debug)]
pub enum Role {
    /// The ordinary load.
    Load,
    /// The base in a comparison.
    Base(BaseName),
    /// The candidate in a comparison.
    Candidate,
    /// The base again, for the same load as the candidate's.
    BaseLoad(BaseName),
}

/// The private folder of a run: removed when this is dropped, and locked until then, so that
/// the next run knows whose run has ended.
#[derive(Debug)]
pub struct PrivateFolder {
    _folder: TempDir,
    _alive: File,
}

/// The folder of the ordinary load, or of one version of a comparison: its database, its
/// settings, the names of its logs.
#[derive(Debug)]
pub struct RunFolder {
    path: PathBuf,
    /// The folder of the whole run, with the logs of all versions and short-lived output.
    whole: PathBuf,
    role: Role,
}

impl RunFolder {
    /// The private folder of a run; dropping the first value removes it.
    ///
    /// # Errors
    /// The system refuses.
    pub fn private(run_id: &str) -> io::Result<(PrivateFolder, Self)> {
        let private = PermissionsExt::from_mode(0o700);
        let name = format!("{}{run_id}", guard::PRIVATE);
        let folder =
            tempfile::Builder::new().prefix(&name).rand_bytes(0).permissions(private).tempdir()?;
        let alive = abandoned::claim(folder.path())?;
        make_folders(folder.path())?;
        let path = folder.path().to_owned();
        let run = Self { whole: path.clone(), path, role: Role::Load };
        Ok((PrivateFolder { _folder: folder, _alive: alive }, run))
    }

    /// The folder of one version of a comparison, inside this one.
    pub fn side(&self, role: Role) -> Self {
        let path = match &role {
            Role::Load => self.whole.clone(),
            // Paths of equal length, so that they cause no difference.
            Role::Base(_) => self.whole.join("base"),
            Role::Candidate => self.whole.join("cand"),
            Role::BaseLoad(_) => self.whole.join("base-load"),
        };
        // If it cannot be created, the first file in it fails.
        let _ = make_folders(&path);
        Self { path, whole: self.whole.clone(), role }
    }

    /// Its owner.
    pub fn role(&self) -> &Role {
        &self.role
    }

    /// The version of a comparison that it belongs to; `None` for the ordinary load.
    pub fn of_side(&self) -> Option<Side> {
        match self.role {
            Role::Load => None,
            Role::Base(_) | Role::BaseLoad(_) => Some(Side::Base),
            Role::Candidate => Some(Side::Candidate),
        }
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The folder of its databases.
    pub fn databases(&self) -> PathBuf {
        self.path.join("db")
    }

    /// The folder of its services, such as a database server.
    pub fn services(&self) -> PathBuf {
        self.path.join(SERVICES)
    }

    /// Lets every account enter the folder of services, because a service may run as another
    /// one. Nobody can list the folders on the way, or enter those beside it.
    ///
    /// # Errors
    /// The system refuses.
    pub fn open_services(&self) -> io::Result<()> {
        let way = [self.whole.clone(), self.path.clone(), self.services()];
        let open = <std::fs::Permissions as PermissionsExt>::from_mode(0o711);
        way.iter().try_for_each(|folder| std::fs::set_permissions(folder, open.clone()))
    }

    /// What belongs to the project in it: databases, and the folders of files that its
    /// commands make. Not our own files, and not logs.
    ///
    /// # Errors
    /// The system refuses.
    pub fn data(&self) -> io::Result<Vec<PathBuf>> {
        let entries = std::fs::read_dir(&self.path)?.map(|entry| Ok(entry?.path()));
        let mut paths = entries.collect::<io::Result<Vec<PathBuf>>>()?;
        paths.retain(|path| {
            let name = path.file_name().unwrap_or_default();
            !OWN.iter().chain(&OTHERS).any(|own| name == *own)
        });
        paths.sort_unstable();
        Ok(paths)
    }

    /// Removes what belongs to the project in it.
    ///
    /// # Errors
    /// The system refuses.
    pub fn clear_data(&self) -> io::Result<()> {
        for path in self.data()? {
            match path.symlink_metadata()?.is_dir() {
                true => std::fs::remove_dir_all(&path)?,
                false => std::fs::remove_file(&path)?,
            }
        }
        make_folders(&self.path)
    }

    /// The name of the folder of the whole run, which no other run has.
    pub fn name(&self) -> &OsStr {
        self.whole.file_name().unwrap_or_default()
    }

    /// The folder of traces by processes that have loaded its settings.
    pub fn loaded(&self) -> PathBuf {
        self.path.join("loaded")
    }

    /// The folder of its generated settings.
    pub fn settings(&self) -> PathBuf {
        self.path.join("settings")
    }

    /// The path of a generated script.
    pub fn script(&self, name: &str) -> PathBuf {
        self.path.join("scratch").join(name)
    }

    /// The folder for the output of small commands while it is read.
    pub fn scratch(&self) -> PathBuf {
        self.whole.join("scratch")
    }

    /// The folder of the raw logs of the whole run.
    pub fn logs(&self) -> PathBuf {
        self.whole.join("logs")
    }

    /// The path of a stage's raw log.
    pub fn log(&self, name: &str) -> PathBuf {
        let prefix = match self.role {
            Role::Load => "",
            Role::Base(_) => "base-",
            Role::Candidate => "pairs-",
            Role::BaseLoad(_) => "base-load-",
        };
        self.logs().join(format!("{prefix}{name}.log"))
    }
}

/// Folders of our own.
const OWN: [&str; 6] = ["logs", "settings", "loaded", "scratch", "tmp", SERVICES];
/// The folder of services. In a template it has the databases of a server.
pub const SERVICES: &str = "services";
/// What else is no data of the project: its logs, the versions of a comparison, an
/// environment of the run's own, and the file that says that the run is alive.
const OTHERS: [&str; 6] = ["project-logs", "base", "cand", "base-load", "venv", abandoned::ALIVE];
/// Folders of the project, which its settings refer to.
const PROJECTS: [&str; 7] = ["db", "media", "static", "sessions", "mail", "caches", "storages"];

fn make_folders(folder: &Path) -> io::Result<()> {
    let names = OWN.iter().chain(&OTHERS[..1]).chain(&PROJECTS);
    let mut private = std::fs::DirBuilder::new();
    private.recursive(true).mode(0o700);
    names.into_iter().try_for_each(|name| private.create(folder.join(name)))
}
