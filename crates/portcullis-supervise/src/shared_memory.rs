//! Shared memory (System V) that outlives its process: a killed PostgreSQL server leaves a
//! segment, which no removed folder takes along.

use std::path::Path;

use crate::system_tool;

/// The file in which PostgreSQL notes its segment; line 7 is its key and its number.
const PID_FILE: &str = "postmaster.pid";
/// How deep below a private folder a data directory may be.
const DEEPEST: usize = 4;

/// Removes the segments of killed servers whose data directories are below a folder. A
/// segment that a process still uses stays.
pub fn remove_below(folder: &Path) {
    let segments = std::fs::read_to_string("/proc/sysvipc/shm").unwrap_or_default();
    for (key, id) in noted_below(folder, DEEPEST) {
        if is_abandoned(&segments, key, id) {
            system_tool::output(&["ipcrm", "-m", &id.to_string()]);
        }
    }
}

/// Key and number of every segment that is noted below a folder.
fn noted_below(folder: &Path, depth: usize) -> Vec<(i64, i64)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
        if is_folder && depth > 0 {
            found.extend(noted_below(&entry.path(), depth - 1));
        } else if entry.file_name() == PID_FILE {
            found.extend(noted(&std::fs::read_to_string(entry.path()).unwrap_or_default()));
        }
    }
    found
}

/// The segment of one `postmaster.pid`.
fn noted(text: &str) -> Option<(i64, i64)> {
    let mut fields = text.lines().nth(6)?.split_whitespace().map(str::parse);
    Some((fields.next()?.ok()?, fields.next()?.ok()?))
}

/// Whether the table of segments (proc(5): key, shmid, perms, size, cpid, lpid, nattch) has
/// this one, and no process is attached to it.
fn is_abandoned(segments: &str, key: i64, id: i64) -> bool {
    segments.lines().skip(1).any(|line| {
        let fields: Vec<i64> = line.split_whitespace().map_while(|f| f.parse().ok()).collect();
        fields.first() == Some(&key) && fields.get(1) == Some(&id) && fields.get(6) == Some(&0)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "       key      shmid perms                  size  cpid  lpid nattch\n\
                         \x20   5432001          7   600                    56    10    10      0\n\
                         \x20   5432002          8   600                    56    11    11      6\n";

    #[test]
    fn only_a_noted_segment_without_processes_is_abandoned() {
        assert!(is_abandoned(TABLE, 5_432_001, 7));
        assert!(!is_abandoned(TABLE, 5_432_002, 8), "still attached");
        assert!(!is_abandoned(TABLE, 5_432_009, 7), "the number was given to another one");
        assert!(!is_abandoned("", 5_432_001, 7));
    }

    #[test]
    fn segments_are_found_where_servers_note_them() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("base/services/postgres");
        std::fs::create_dir_all(&data).unwrap();
        let text = "42\n/data\n1\n5432\n\n127.0.0.1\n  5432001         7\nready\n";
        std::fs::write(data.join(PID_FILE), text).unwrap();
        std::fs::write(folder.path().join(PID_FILE), "42\n/data\n").unwrap();
        assert_eq!(noted_below(folder.path(), DEEPEST), [(5_432_001, 7)]);
        assert_eq!(noted_below(&folder.path().join("nothing"), DEEPEST), []);
    }
}
