//! Cache keys: a hash over everything that a cached entry depends on.

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::Path;

use sha2::{Digest, Sha256};

/// A key under construction. The parts have frames, so that different parts never give the
/// same bytes.
#[derive(Clone, Debug, Default)]
pub struct Key(Sha256);

impl Key {
    /// Adds a named part.
    pub fn add(&mut self, name: &str, bytes: impl AsRef<[u8]>) -> &mut Self {
        for part in [name.as_bytes(), bytes.as_ref()] {
            self.0.update((part.len() as u64).to_le_bytes());
            self.0.update(part);
        }
        self
    }

    /// Adds a file by its name and content; a missing file counts as missing.
    ///
    /// # Errors
    /// It exists but cannot be read, so its content is unknown.
    pub fn add_file(&mut self, name: &str, path: &Path) -> std::io::Result<&mut Self> {
        match digest(path) {
            Ok(digest) => Ok(self.add(name, digest)),
            Err(error) if is_missing(&error) => Ok(self.add(name, "missing")),
            Err(error) => Err(error),
        }
    }

    /// The key as a folder name.
    pub fn finish(&self) -> String {
        let hash = self.0.clone().finalize();
        hash.iter().take(16).map(|byte| format!("{byte:02x}")).collect()
    }
}

/// The SHA-256 of a file's content, which is read in pieces.
///
/// # Errors
/// It cannot be read.
pub fn digest(path: &Path) -> std::io::Result<[u8; 32]> {
    let (mut file, mut hash) = (File::open(path)?, Sha256::new());
    let mut piece = vec![0; 64 * 1024];
    loop {
        match file.read(&mut piece)? {
            0 => return Ok(hash.finalize().into()),
            read => hash.update(piece.get(..read).unwrap_or_default()),
        }
    }
}

/// The SHA-256 of a content.
pub fn digest_of(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

/// Whether a file does not exist.
pub fn is_missing(error: &std::io::Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory)
}
