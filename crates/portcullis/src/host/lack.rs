//! What a run needs of its system, and cannot do without.

use std::path::Path;

use portcullis_supervise::disk_space;

/// Something that is missing, with a remedy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Lack {
    /// The table of processes.
    #[error(
        "/proc is missing: without it no process can be supervised; mount it (`mount -t proc proc \
         /proc`), or let the container have it"
    )]
    Proc,
    /// Files may not become large enough.
    #[error(
        "a file may have at most {} KiB here (`ulimit -f`), but a log or a database may need {} \
         MiB",
        allowed / 1024,
        LARGEST >> 20
    )]
    SmallFiles {
        /// The limit in bytes.
        allowed: u64,
    },
}

/// Logs are cut at 16 MiB, and packages and databases are of that order.
const LARGEST: u64 = 64 << 20;

/// What is missing for supervision: without it nothing can be started.
pub fn lacking() -> Option<Lack> {
    let is_there = !cfg!(target_os = "linux") || Path::new("/proc/self/stat").exists();
    (!is_there).then_some(Lack::Proc)
}

/// Whether the limit of a file's size is too low to prepare a project.
pub fn small_files() -> Option<Lack> {
    too_small(disk_space::largest_file_bytes())
}

fn too_small(limit: Option<u64>) -> Option<Lack> {
    limit.filter(|allowed| *allowed < LARGEST).map(|allowed| Lack::SmallFiles { allowed })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_limit_is_named_with_its_number() {
        assert_eq!(too_small(None), None);
        assert_eq!(too_small(Some(LARGEST)), None);
        let text = too_small(Some(512 * 1024)).unwrap().to_string();
        assert!(text.contains("at most 512 KiB") && text.contains("need 64 MiB"), "{text}");
    }
}
