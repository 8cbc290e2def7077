//! The pictures of the documentation: each is shown somewhere, each that is shown is
//! there, and none is large.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

const MOST_BYTES: u64 = 300_000;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// The pictures that a folder's pages show, by their paths.
fn shown(folder: &Path, found: &mut BTreeSet<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() && path.starts_with(root().join("docs")) {
            shown(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "md") {
            let text = std::fs::read_to_string(&path).unwrap();
            for part in text.split("![").skip(1) {
                // Code holds these signs too.
                let Some((says, rest)) = part.split_once("](") else { continue };
                if says.contains(['\n', '`']) {
                    continue;
                }
                assert!(says.len() > 20, "{}: {says:?} says too little", path.display());
                let (target, _) = rest.split_once(')').unwrap();
                let target = path.parent().unwrap().join(target);
                let file = target.canonicalize();
                found.insert(file.unwrap_or_else(|_| {
                    panic!("{} shows no file: {}", path.display(), target.display())
                }));
            }
        }
    }
}

#[test]
fn pictures_are_there_shown_and_small() {
    let mut found = BTreeSet::new();
    shown(&root(), &mut found);
    let folder = root().join("docs/pictures").canonicalize().unwrap();
    let pictures: Vec<PathBuf> =
        std::fs::read_dir(&folder).unwrap().flatten().map(|entry| entry.path()).collect();
    assert!(pictures.len() >= 4, "{pictures:?}");
    for picture in pictures {
        assert!(found.contains(&picture), "no page shows {}", picture.display());
        let bytes = std::fs::metadata(&picture).unwrap().len();
        assert!(bytes <= MOST_BYTES, "{} has {bytes} bytes", picture.display());
    }
}
