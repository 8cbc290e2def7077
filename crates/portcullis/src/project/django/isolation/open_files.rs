//! The proof that a running server uses no other databases: its open files. The hook sees
//! only what is opened through Python's own module.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use portcullis_core::plan::ServePlan;
use portcullis_supervise::server::Server;
use portcullis_supervise::tree;

use super::super::refusal;
use crate::run::{RunFolder, StageFailure};

/// Checks that the server has refused no database so far, and that none of its open files is
/// a SQLite database of anybody else.
///
/// # Errors
/// There is one.
pub fn keeps_to(folder: &RunFolder, plan: &ServePlan, server: &Server) -> Result<(), StageFailure> {
    if let Some(refused) = refusal::refused(folder, "server") {
        return Err(refused);
    }
    let declared = plan.django.sqlite_files.iter().map(|file| plan.root.join(file));
    let own: Vec<PathBuf> = std::iter::once(folder.path().to_owned())
        .chain(declared)
        .map(|path| path.canonicalize().unwrap_or(path))
        .collect();
    let open = tree::open_files(server.pid());
    match open.iter().find(|path| is_foreign(path, &own)) {
        Some(path) => Err(refusal::foreign(&format!("the server has {} open", path.display()))),
        None => Ok(()),
    }
}

fn is_foreign(path: &Path, own: &[PathBuf]) -> bool {
    !own.iter().any(|own| path.starts_with(own)) && is_sqlite(path)
}

/// Whether a file is a SQLite database, by the first bytes of its header
/// (<https://sqlite.org/fileformat.html>).
pub fn is_sqlite(path: &Path) -> bool {
    let mut head = [0; 16];
    // Pipes and devices would block.
    path.is_file()
        && File::open(path).and_then(|mut file| file.read_exact(&mut head)).is_ok()
        && head == *b"SQLite format 3\0"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_databases_of_others_are_foreign() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str, text: &[u8]| {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, text).unwrap();
            path
        };
        let database = b"SQLite format 3\0 and the rest";
        let own = [folder.path().join("run"), folder.path().join("declared")];
        assert!(is_foreign(&file("theirs", database), &own));
        assert!(is_foreign(&file("run-of-others/a", database), &own));
        assert!(!is_foreign(&file("run/a", database), &own));
        assert!(!is_foreign(&file("declared", database), &own));
        assert!(!is_foreign(&file("a.log", b"SQLite"), &own));
        assert!(!is_foreign(Path::new("/dev/null"), &own));
    }
}
