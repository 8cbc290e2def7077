//! Log files of children: opened for appending, read from the end.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

/// How many bytes at the end of a log are read.
const TAIL_BYTES: u64 = 64 * 1024;

/// Opens a log for appending, so that two writers never overwrite each other.
///
/// # Errors
/// The file cannot be created.
pub fn open(path: &Path) -> std::io::Result<File> {
    File::options().create(true).append(true).open(path)
}

/// Whether a log exists and has any text.
pub fn is_written(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|data| data.is_file() && data.len() > 0)
}

/// A log of this size is cut, so that a server that logs too much does not fill the disk.
const LONGEST: u64 = 16 * 1024 * 1024;
/// How many bytes of its end are saved when it is cut.
const SAVED: u64 = 1024 * 1024;
/// The suffix of the file with the saved end.
const EARLIER: &str = "earlier";

/// Cuts a log that has become too long. Its last megabyte is saved in another file, and its
/// writers, which append, continue at the start.
///
/// # Errors
/// The log or its saved end cannot be written.
pub fn cut_if_long(path: &Path) -> std::io::Result<()> {
    let size = std::fs::metadata(path)?.len();
    if size < LONGEST {
        return Ok(());
    }
    let mut file = File::options().read(true).write(true).open(path)?;
    file.seek(SeekFrom::Start(size.saturating_sub(SAVED)))?;
    let mut bytes = Vec::new();
    (&file).take(SAVED).read_to_end(&mut bytes)?;
    let bytes = from_next_line(&bytes);
    std::fs::write(earlier(path), bytes)?;
    file.set_len(0)
}

/// Where the end of a log is saved when it is cut.
pub fn earlier(path: &Path) -> PathBuf {
    let name = path.file_stem().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!("{name}-{EARLIER}.log"))
}

/// The last `lines` non-empty lines of a log; empty if it cannot be read.
pub fn tail(path: &Path, lines: usize) -> Vec<String> {
    let text = end_of(path).unwrap_or_default();
    let all: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    all.iter().skip(all.len().saturating_sub(lines)).map(|line| (*line).to_owned()).collect()
}

fn end_of(path: &Path) -> std::io::Result<String> {
    let mut file = File::open(path)?;
    let size = file.metadata()?.len();
    file.seek(SeekFrom::Start(size.saturating_sub(TAIL_BYTES)))?;
    let mut bytes = Vec::new();
    file.take(TAIL_BYTES).read_to_end(&mut bytes)?;
    let bytes = if size > TAIL_BYTES { from_next_line(&bytes) } else { &bytes };
    Ok(String::from_utf8_lossy(bytes).into_owned())
}

/// Everything after the first line, whose beginning may be missing, because the end of a
/// secret could not be recognised there. Everything if there is no other line.
pub fn from_next_line(bytes: &[u8]) -> &[u8] {
    let end = bytes.iter().position(|byte| *byte == b'\n');
    end.and_then(|end| bytes.get(end + 1..)).unwrap_or(bytes)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn a_long_log_keeps_its_end_and_goes_on() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("server.log");
        let mut log = open(&path).unwrap();
        log.write_all(b"short\n").unwrap();
        cut_if_long(&path).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"short\n");
        log.write_all(b"x\n".repeat(9 * 1024 * 1024).as_slice()).unwrap();
        log.write_all(b"\nthe last line before\n").unwrap();
        cut_if_long(&path).unwrap();
        log.write_all(b"after\n").unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"after\n");
        let earlier = std::fs::read(folder.path().join("server-earlier.log")).unwrap();
        assert!((1024 * 1024 - 2..=1024 * 1024).contains(&earlier.len()), "{}", earlier.len());
        assert!(earlier.starts_with(b"x\n"));
        assert!(earlier.ends_with(b"the last line before\n"));
    }
}
