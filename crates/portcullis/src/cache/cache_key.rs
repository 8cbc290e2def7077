//! Cache keys: a hash over everything that a cached entry depends on.

use std::io::ErrorKind;
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
    /// It exists but cannot be read (a nested repository is a folder), so its content is
    /// unknown.
    pub fn add_file(&mut self, name: &str, path: &Path) -> std::io::Result<&mut Self> {
        match std::fs::read(path) {
            Ok(bytes) => Ok(self.add(name, bytes)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(self.add(name, "missing")),
            Err(error) => Err(error),
        }
    }

    /// The key as a folder name.
    pub fn finish(&self) -> String {
        let hash = self.0.clone().finalize();
        hash.iter().take(16).map(|byte| format!("{byte:02x}")).collect()
    }
}
