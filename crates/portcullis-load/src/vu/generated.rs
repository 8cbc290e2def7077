//! The values of one call: drawn from lists and ranges, generated, or taken from the row of
//! a data file.

use std::io::Write;
use std::sync::atomic::{AtomicU64, Ordering};

use portcullis_core::rng::{Domain, Rng};
use portcullis_core::scenario::{DataFile, MAX_VALUES, RowOrder, RowsEnd, Values};

use super::encoding::{Context, in_contexts};
use crate::metrics::unix_ms;

/// A value, ready to be written.
#[derive(Debug)]
pub struct PreparedValues {
    name: String,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Range(i64, i64),
    /// Each value in three forms: for a URL, a header, and a JSON text.
    List(Vec<[Vec<u8>; 3]>),
    /// A column of the file with this index.
    Column(usize, Vec<[Vec<u8>; 3]>),
    Uuid,
    Timestamp,
    Counter(AtomicU64),
    UserNumber,
    RandomText(u32),
}

/// A data file, and how many of its rows were used.
#[derive(Debug)]
pub struct PreparedFile {
    name: String,
    order: RowOrder,
    end: RowsEnd,
    rows: u64,
    used: AtomicU64,
}

/// The values of one call, the same in all its requests.
pub struct Drawn<'a> {
    values: &'a [PreparedValues],
    picks: [u64; MAX_VALUES],
}

/// All rows of a data file were used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exhausted {
    /// Whether the load ends.
    pub stops: bool,
    /// What happened.
    pub message: String,
}

impl PreparedFile {
    /// A file of which nothing was used.
    pub fn new(file: &DataFile) -> Self {
        Self {
            name: file.name.clone(),
            order: file.order,
            end: file.end,
            rows: file.rows.rows.len() as u64,
            used: AtomicU64::new(0),
        }
    }

    /// The row of a call of this user, from 0.
    fn row(&self, user: u32, rng: &mut Rng) -> Result<u64, Exhausted> {
        let row = match self.order {
            RowOrder::Random => rng.below(self.rows),
            RowOrder::Sequential => self.used.fetch_add(1, Ordering::Relaxed),
            RowOrder::PerUser => u64::from(user),
        };
        if row < self.rows {
            return Ok(row);
        }
        let used = match self.order {
            RowOrder::PerUser => format!("has {} rows, too few for user {}", self.rows, user + 1),
            _ => format!("has {} rows, and all were used", self.rows),
        };
        let message = format!("the data file \"{}\" {used}", self.name);
        match self.end {
            RowsEnd::Wrap => Ok(row % self.rows.max(1)),
            RowsEnd::Fail => Err(Exhausted { stops: false, message }),
            RowsEnd::Stop => Err(Exhausted { stops: true, message }),
        }
    }
}

impl PreparedValues {
    /// Prepares the values with a name.
    pub fn new(name: &str, values: &Values, files: &[DataFile]) -> Self {
        let each = |items: &[&str]| items.iter().map(|item| in_contexts(item)).collect();
        let kind = match values {
            Values::Range(from, to) => Kind::Range(*from, *to),
            Values::List(items) => Kind::List(items.iter().map(|i| in_contexts(i)).collect()),
            Values::Column { file, column } => {
                let rows = files.get(*file).and_then(|file| file.rows.column(column));
                Kind::Column(*file, each(&rows.unwrap_or_default()))
            }
            Values::Uuid => Kind::Uuid,
            Values::Timestamp => Kind::Timestamp,
            Values::Counter => Kind::Counter(AtomicU64::new(1)),
            Values::UserNumber => Kind::UserNumber,
            Values::RandomText(length) => Kind::RandomText(*length),
        };
        Self { name: name.to_owned(), kind }
    }

    fn write(&self, pick: u64, context: Context, out: &mut Vec<u8>) {
        // Writing to memory cannot fail.
        let _ = match &self.kind {
            Kind::Range(from, _) => write!(out, "{}", from.wrapping_add_unsigned(pick)),
            Kind::List(items) | Kind::Column(_, items) => {
                let item = usize::try_from(pick).ok().and_then(|pick| items.get(pick));
                out.write_all(item.map_or(&[], |item| item[context as usize].as_slice()))
            }
            Kind::Timestamp | Kind::Counter(_) => write!(out, "{pick}"),
            Kind::UserNumber => write!(out, "{}", pick + 1),
            Kind::Uuid => write_uuid(pick, out),
            Kind::RandomText(length) => write_text(pick, *length, out),
        };
    }
}

/// A UUID of version 4 (RFC 9562, section 5.4), whose bits follow from a random number.
fn write_uuid(pick: u64, out: &mut Vec<u8>) -> std::io::Result<()> {
    let mut bits = Rng::stream(pick, Domain::Values, 0);
    let (high, low) = (bits.next_u64(), bits.next_u64());
    let (a, b, c) = (high >> 32, (high >> 16) & 0xFFFF, high & 0xFFF);
    let (d, e) = ((low >> 48) & 0x3FFF | 0x8000, low & 0xFFFF_FFFF_FFFF);
    write!(out, "{a:08x}-{b:04x}-4{c:03x}-{d:04x}-{e:012x}")
}

fn write_text(pick: u64, length: u32, out: &mut Vec<u8>) -> std::io::Result<()> {
    const LETTERS: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    let mut rng = Rng::stream(pick, Domain::Values, 1);
    for _ in 0..length {
        let letter = LETTERS.get(rng.below(LETTERS.len() as u64) as usize).copied();
        out.extend(letter);
    }
    Ok(())
}

/// Draws the values of one call of a user, in the order in which the task names them. They
/// are drawn before anything is written, because the order of the placeholders must not
/// change the meaning of a seed. All columns of a file are of one row.
///
/// # Errors
/// All rows of a data file were used.
pub fn draw<'a>(
    values: &'a [PreparedValues],
    files: &[PreparedFile],
    user: u32,
    rng: &mut Rng,
) -> Result<Drawn<'a>, Exhausted> {
    let mut picks = [0u64; MAX_VALUES];
    for (index, value) in values.iter().enumerate().take(MAX_VALUES) {
        picks[index] = match &value.kind {
            Kind::Range(from, to) => rng.below(to.abs_diff(*from).saturating_add(1)),
            Kind::List(items) => rng.below(items.len() as u64),
            Kind::Uuid | Kind::RandomText(_) => rng.next_u64(),
            Kind::Timestamp => unix_ms(),
            Kind::Counter(next) => next.fetch_add(1, Ordering::Relaxed),
            Kind::UserNumber => u64::from(user),
            Kind::Column(file, _) => {
                let is_same =
                    |other: &PreparedValues| matches!(other.kind, Kind::Column(f, _) if f == *file);
                match (values[..index].iter().position(is_same), files.get(*file)) {
                    (Some(before), _) => picks[before],
                    (None, Some(rows)) => rows.row(user, rng)?,
                    (None, None) => 0,
                }
            }
        };
    }
    Ok(Drawn { values, picks })
}

impl Drawn<'_> {
    /// Writes the value with this index.
    pub fn write(&self, index: usize, context: Context, out: &mut Vec<u8>) {
        if let (Some(values), Some(pick)) = (self.values.get(index), self.picks.get(index)) {
            values.write(*pick, context, out);
        }
    }

    /// The value with this name as text.
    pub fn text(&self, name: &str) -> Option<String> {
        let index = self.values.iter().position(|values| values.name == name)?;
        let mut text = Vec::new();
        self.write(index, Context::Header, &mut text);
        String::from_utf8(text).ok()
    }
}

#[cfg(test)]
mod tests {
    use portcullis_core::scenario::DataRows;

    use super::*;

    fn file(order: RowOrder, end: RowsEnd) -> DataFile {
        let text = "mail,name\na@x,Ann\nb@x,Bob\n";
        let rows = DataRows::read(text, false).unwrap();
        DataFile { name: "people".into(), path: "people.csv".into(), order, end, rows }
    }

    fn texts(file: &DataFile, users: &[u32]) -> Vec<Result<String, Exhausted>> {
        let column = |column: &str| Values::Column { file: 0, column: column.to_owned() };
        let values = ["mail", "name"]
            .map(|name| PreparedValues::new(name, &column(name), std::slice::from_ref(file)));
        let files = [PreparedFile::new(file)];
        let mut rng = Rng::stream(1, Domain::Values, 0);
        let one = |user: &u32| {
            let drawn = draw(&values, &files, *user, &mut rng)?;
            Ok(format!("{} {}", drawn.text("mail").unwrap(), drawn.text("name").unwrap()))
        };
        users.iter().map(one).collect()
    }

    #[test]
    fn all_columns_of_a_call_are_of_one_row_and_rows_end_as_they_should() {
        let ok = |text: &str| Ok(text.to_owned());
        let wrap = texts(&file(RowOrder::Sequential, RowsEnd::Wrap), &[0, 0, 0]);
        assert_eq!(wrap, [ok("a@x Ann"), ok("b@x Bob"), ok("a@x Ann")]);
        let own = texts(&file(RowOrder::PerUser, RowsEnd::Stop), &[1, 1, 2]);
        assert_eq!(own[..2], [ok("b@x Bob"), ok("b@x Bob")]);
        let out = own[2].clone().unwrap_err();
        assert!(out.stops && out.message.contains("2 rows, too few for user 3"), "{out:?}");
        let fail = texts(&file(RowOrder::Sequential, RowsEnd::Fail), &[0, 0, 0]);
        assert!(fail[2].as_ref().is_err_and(|out| !out.stops));
        let any = texts(&file(RowOrder::Random, RowsEnd::Fail), &[0; 20]);
        assert!(any.iter().all(Result::is_ok) && any.contains(&ok("b@x Bob")));
    }

    #[test]
    fn generated_values_have_their_form() {
        let text = |values: Values, pick| {
            let mut out = Vec::new();
            PreparedValues::new("x", &values, &[]).write(pick, Context::Header, &mut out);
            String::from_utf8(out).unwrap()
        };
        let (a, b) = (text(Values::Uuid, 1), text(Values::Uuid, 2));
        assert_ne!(a, b);
        let lengths: Vec<usize> = a.split('-').map(str::len).collect();
        assert_eq!(lengths, [8, 4, 4, 4, 12]);
        assert!(a.as_bytes()[14] == b'4' && b"89ab".contains(&a.as_bytes()[19]), "{a}");
        let word = text(Values::RandomText(12), 7);
        assert!(word.len() == 12 && word.bytes().all(|b| b.is_ascii_alphanumeric()), "{word}");
        assert_eq!(text(Values::UserNumber, 4), "5");
        assert_eq!(text(Values::Range(i64::MIN + 1, 0), 1), (i64::MIN + 2).to_string());
    }
}
