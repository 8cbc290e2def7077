//! The part of the isolation in a virtual environment: a module that Python loads at every
//! start. It loads the run's hook, or refuses every database without one. It is the same
//! for all runs, and part of the environment's key.

use std::io;
use std::path::{Path, PathBuf};

/// The text of the module, which loads [`super::hook`].
pub const STUB: &str = include_str!("stub.py");
/// The beginning of its message in a log, if a process has lost the run's environment.
pub const REFUSED: &str = "this environment belongs to Portcullis";

/// Python executes the `import` lines of `.pth` files at every start (module `site`); from
/// Python 3.15 on, `.start` files name a function to call instead.
const FILES: [(&str, &str); 3] = [
    ("portcullis_isolation.py", STUB),
    ("portcullis.pth", "import portcullis_isolation\n"),
    ("portcullis.start", "portcullis_isolation:install\n"),
];

/// Installs the module into an environment.
///
/// # Errors
/// The system refuses.
pub fn install(environment: &Path) -> io::Result<()> {
    let folder = site_packages(environment)?;
    FILES.iter().try_for_each(|(name, text)| std::fs::write(folder.join(name), text))
}

/// Makes the code in a folder importable, as an editable installation does.
///
/// # Errors
/// The system refuses.
pub fn add_path(environment: &Path, code: &Path) -> io::Result<()> {
    let mut line = code.as_os_str().as_encoded_bytes().to_vec();
    line.push(b'\n');
    std::fs::write(site_packages(environment)?.join("portcullis_project.pth"), line)
}

fn site_packages(environment: &Path) -> io::Result<PathBuf> {
    let folders = std::fs::read_dir(environment.join("lib"))?.flatten();
    let mut folders = folders.map(|folder| folder.path().join("site-packages"));
    let missing = || io::Error::new(io::ErrorKind::NotFound, "it has no site-packages");
    folders.find(|folder| folder.is_dir()).ok_or_else(missing)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_module_says_what_is_looked_for() {
        assert!(STUB.contains(REFUSED));
    }
}
