//! The environment that this program was installed into (`uvx`, `pipx`, a folder of a CI
//! action): its interpreter is the installer's choice, not the project's.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

/// The search path for the project's programs: without the environment of this program,
/// unless the user activated it, or no other folder has a `python3`.
pub fn search_path(path: &OsStr) -> Option<OsString> {
    let program = std::env::current_exe().ok()?;
    let activated = std::env::var_os("VIRTUAL_ENV").map(PathBuf::from);
    without(path, program.parent()?, activated.as_deref())
}

fn without(path: &OsStr, own: &Path, activated: Option<&Path>) -> Option<OsString> {
    let environment = own.parent().filter(|folder| folder.join("pyvenv.cfg").is_file())?;
    let is_same = |one: &Path, other: &Path| {
        one == other
            || matches!((one.canonicalize(), other.canonicalize()), (Ok(a), Ok(b)) if a == b)
    };
    if activated.is_some_and(|folder| is_same(folder, environment)) {
        return None;
    }
    let others: Vec<_> =
        std::env::split_paths(path).filter(|folder| !is_same(folder, own)).collect();
    let has_python = others.iter().any(|folder| folder.join("python3").exists());
    has_python.then(|| std::env::join_paths(others).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_of_this_program_is_not_the_projects() {
        let folder = tempfile::tempdir().unwrap();
        let (own, system) = (folder.path().join("tool/bin"), folder.path().join("system"));
        for bin in [&own, &system] {
            std::fs::create_dir_all(bin).unwrap();
            std::fs::write(bin.join("python3"), "").unwrap();
        }
        let path = std::env::join_paths([&own, &system]).unwrap();
        // A folder that is no environment, such as /usr/local/bin, stays.
        assert_eq!(without(&path, &own, None), None);
        std::fs::write(folder.path().join("tool/pyvenv.cfg"), "").unwrap();
        assert_eq!(without(&path, &own, None), Some(system.into()));
        // Activated: the user's own choice.
        assert_eq!(without(&path, &own, Some(&folder.path().join("tool"))), None);
        // The only interpreter is better than none.
        assert_eq!(without(own.as_os_str(), &own, None), None);
    }
}
