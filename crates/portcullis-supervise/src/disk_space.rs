//! Space for the files of children: on the disk, and by the limit of a file's size.

use std::path::Path;

use rustix::process::{Resource, getrlimit};

/// The free space in a folder's file system, in bytes; `None` if unknown.
pub fn free_bytes(folder: &Path) -> Option<u64> {
    let disk = rustix::fs::statvfs(folder).ok()?;
    Some(disk.f_bavail.saturating_mul(disk.f_frsize))
}

/// The largest size that this process and its children may give a file (`ulimit -f`), in
/// bytes; `None` without a limit.
pub fn largest_file_bytes() -> Option<u64> {
    getrlimit(Resource::Fsize).current
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn free_space_is_told_of_folders_that_are_there() {
        let folder = tempfile::tempdir().unwrap();
        assert!(free_bytes(folder.path()).unwrap() > 0);
        assert_eq!(free_bytes(&folder.path().join("nothing")), None);
    }
}
