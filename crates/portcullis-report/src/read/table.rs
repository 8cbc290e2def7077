//! Tables of Locust, read strictly: known columns, complete lines, and cells with the form
//! of their column.

use super::ReadError;
use crate::results::number;

/// A table with known columns.
#[derive(Debug)]
pub struct Table<'a> {
    bytes: &'a [u8],
    columns: Vec<String>,
    records: Vec<csv::StringRecord>,
}

/// One line of it.
#[derive(Clone, Copy, Debug)]
pub struct Line<'a> {
    bytes: &'a [u8],
    columns: &'a [String],
    record: &'a csv::StringRecord,
}

/// Reads a table with one of these sets of columns. `what` is its name.
///
/// # Errors
/// Other columns, a line of another length, or a missing end.
pub fn read<'a>(bytes: &'a [u8], what: &str, sets: &[Vec<&str>]) -> Result<Table<'a>, ReadError> {
    read_with(bytes, what, sets, |reader| reader.records().collect())
}

/// The same for a table with messages of the system. On Windows, Locust writes them in the
/// code page of the system. Cells that are not UTF-8 are read as Latin-1: the figures and the
/// structure are the same in all code pages.
///
/// # Errors
/// As [`read`], except for the encoding.
pub fn read_messages<'a>(
    bytes: &'a [u8],
    what: &str,
    sets: &[Vec<&str>],
) -> Result<Table<'a>, ReadError> {
    read_with(bytes, what, sets, |reader| {
        reader.byte_records().map(|record| record.map(decoded)).collect()
    })
}

fn read_with<'a>(
    bytes: &'a [u8],
    what: &str,
    sets: &[Vec<&str>],
    records: impl Fn(&mut csv::Reader<&[u8]>) -> csv::Result<Vec<csv::StringRecord>>,
) -> Result<Table<'a>, ReadError> {
    if bytes.trim_ascii().is_empty() {
        return Err(ReadError::Empty);
    }
    let header_end = bytes.iter().position(|byte| *byte == b'\n');
    let header = bytes.get(..header_end.unwrap_or(bytes.len())).unwrap_or_default();
    known_header(header, header_end.is_some(), what, sets)?;
    // The last line must have the same line end as the first one.
    let end: &[u8] = if header.ends_with(b"\r") { b"\r\n" } else { b"\n" };
    if !bytes.ends_with(end) {
        return Err(ReadError::Cut("the last line has no line end".to_owned()));
    }
    let malformed = |error| malformed(bytes, error);
    let mut reader = csv::Reader::from_reader(bytes);
    let columns = reader.headers().map_err(malformed)?.iter().map(str::to_owned).collect();
    let records = records(&mut reader).map_err(malformed)?;
    Ok(Table { bytes, columns, records })
}

fn decoded(record: csv::ByteRecord) -> csv::StringRecord {
    let position = record.position().cloned();
    let mut text = csv::StringRecord::from_byte_record(record).unwrap_or_else(|error| {
        let fields = error.into_byte_record();
        let latin = |field: &[u8]| match std::str::from_utf8(field) {
            Ok(text) => text.to_owned(),
            Err(_) => field.iter().map(|byte| char::from(*byte)).collect(),
        };
        fields.iter().map(latin).collect()
    });
    text.set_position(position);
    text
}

/// The number of the line in which a record begins, from 1. The reader's own count can miss
/// a part of a line end that it has not read yet.
fn line_number(bytes: &[u8], position: Option<&csv::Position>) -> u64 {
    let start = position.and_then(|position| usize::try_from(position.byte()).ok()).unwrap_or(0);
    let rest = bytes.get(start..).unwrap_or_default();
    let ends = rest.iter().take_while(|byte| b"\r\n".contains(byte)).count();
    let before = bytes.get(..start + ends).unwrap_or(bytes);
    before.iter().filter(|byte| **byte == b'\n').count() as u64 + 1
}

fn malformed(bytes: &[u8], error: csv::Error) -> ReadError {
    let line = line_number(bytes, error.position());
    match error.kind() {
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => ReadError::inconsistent(
            format!("line {line} has {len} columns, but the header has {expected_len}"),
        ),
        csv::ErrorKind::Utf8 { .. } => ReadError::Foreign(format!("line {line} is not UTF-8")),
        _ => ReadError::Foreign(error.to_string()),
    }
}

fn known_header(
    header: &[u8],
    is_whole: bool,
    what: &str,
    sets: &[Vec<&str>],
) -> Result<(), ReadError> {
    let text = String::from_utf8_lossy(header);
    let text = text.trim_end_matches('\r');
    let is_begun = |set: &Vec<&str>| set.join(",").starts_with(text);
    if !is_whole && sets.iter().any(is_begun) {
        return Err(ReadError::Cut("the header has no line end".to_owned()));
    }
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(text.as_bytes());
    let record = reader.records().next().and_then(Result::ok).unwrap_or_default();
    let fits = |set: &&Vec<&str>| record.iter().eq(set.iter().copied());
    if is_whole && sets.iter().any(|set| fits(&set)) {
        return Ok(());
    }
    let Some(nearest) = sets.iter().max_by_key(|set| in_common(&record, set)) else {
        return Err(ReadError::Foreign(what.to_owned()));
    };
    let at = in_common(&record, nearest);
    let found = record.get(at).map_or("nothing".to_owned(), |name| format!("\"{}\"", short(name)));
    let wanted = nearest.get(at).map_or("nothing".to_owned(), |name| format!("\"{name}\""));
    let at = at + 1;
    Err(ReadError::Foreign(format!("line 1, column {at} is {found}, where {what} has {wanted}")))
}

/// The number of equal columns from the first on.
fn in_common(record: &csv::StringRecord, set: &[&str]) -> usize {
    record.iter().zip(set).take_while(|(found, wanted)| found == *wanted).count()
}

fn short(name: &str) -> String {
    name.chars().take(40).collect()
}

impl Table<'_> {
    /// Its lines, without the header.
    pub fn lines(&self) -> impl Iterator<Item = Line<'_>> {
        self.records.iter().map(|record| Line { bytes: self.bytes, columns: &self.columns, record })
    }
}

impl<'a> Line<'a> {
    /// The number of the line in which it begins, from 1.
    pub fn number(self) -> u64 {
        line_number(self.bytes, self.record.position())
    }

    /// A cell; empty if the column is unknown.
    pub fn text(self, column: &str) -> &'a str {
        let index = self.columns.iter().position(|known| known == column);
        index.and_then(|index| self.record.get(index)).unwrap_or_default()
    }

    /// A cell with a count.
    ///
    /// # Errors
    /// It is something else.
    pub fn count(self, column: &str) -> Result<u64, ReadError> {
        number::count(self.text(column)).map_err(|why| self.wrong(column, why.to_string()))
    }

    /// A cell with a number of 0 or more.
    ///
    /// # Errors
    /// It is something else.
    pub fn decimal(self, column: &str) -> Result<f64, ReadError> {
        number::number(self.text(column)).map_err(|why| self.wrong(column, why.to_string()))
    }

    /// A cell with a latency in milliseconds.
    ///
    /// # Errors
    /// It is something else.
    pub fn latency_ms(self, column: &str) -> Result<f64, ReadError> {
        let number = self.decimal(column)?;
        number::latency_ms(number).map_err(|why| self.wrong(column, why.to_string()))
    }

    /// The error of a cell.
    pub fn wrong(self, column: &str, message: impl Into<String>) -> ReadError {
        ReadError::Cell { line: self.number(), column: column.to_owned(), message: message.into() }
    }
}
