//! The replay of a corpus: every file of a folder through one check.

use std::path::Path;

/// Puts every file of `fuzz/corpus/<target>/` through the check, and names the
/// first that does not hold.
pub fn corpus(target: &str, check: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus").join(target);
    let mut files: Vec<_> = std::fs::read_dir(&folder).into_iter().flatten().flatten().collect();
    assert!(!files.is_empty(), "{} holds nothing to replay", folder.display());
    files.sort_by_key(std::fs::DirEntry::path);
    for path in files.iter().map(std::fs::DirEntry::path) {
        let input = std::fs::read(&path);
        assert!(input.is_ok(), "{}: {:?}", path.display(), input.err());
        let input = input.unwrap_or_default();
        let outcome = std::panic::catch_unwind(|| check(&input));
        assert!(outcome.is_ok(), "{} does not hold", path.display());
    }
}
