//! The values that placeholders stand for: drawn, generated, or taken from a file.

/// Values by the name of their placeholder.
pub type NamedValues = Vec<(String, Values)>;

/// The source of a value; a new one is drawn for each call of a task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Values {
    /// One of these, uniformly distributed; never empty.
    List(Vec<String>),
    /// A whole number between both ends, inclusive, uniformly distributed.
    Range(i64, i64),
    /// A random UUID (version 4).
    Uuid,
    /// The time in milliseconds since 1970.
    Timestamp,
    /// The number of this call among all that use the value: 1, 2, 3.
    Counter,
    /// The number of the user, from 1.
    UserNumber,
    /// This many random letters and digits.
    RandomText(u32),
    /// A column of a data file, in the row of this call.
    Column {
        /// The index of the file among the files of the scenario.
        file: usize,
        /// The name of the column.
        column: String,
    },
}

impl Values {
    /// Whether a JSON text that consists only of this value becomes a number.
    pub fn is_number(&self) -> bool {
        matches!(self, Self::Range(..) | Self::Timestamp | Self::Counter | Self::UserNumber)
    }
}

/// A file whose rows are values: CSV with a header, or one JSON object in each line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataFile {
    /// Its name in templates: `{{ people.email }}`.
    pub name: String,
    /// Its path, relative to the configuration's folder.
    pub path: String,
    /// Which row a call gets.
    pub order: RowOrder,
    /// What happens when all rows were used.
    pub end: RowsEnd,
    /// Its rows, read when the plan is made.
    pub rows: DataRows,
}

/// Which row a call gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowOrder {
    /// The next one, in the order of the file, for all users together.
    Sequential,
    /// Any, uniformly distributed.
    Random,
    /// That of the user: each user has its own, always the same.
    PerUser,
}

/// What happens when all rows of a file were used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowsEnd {
    /// The first row is next.
    Wrap,
    /// The call fails.
    Fail,
    /// The load ends.
    Stop,
}

/// The rows of a data file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DataRows {
    /// The names of the columns.
    pub columns: Vec<String>,
    /// The values, in the order of the columns.
    pub rows: Vec<Vec<String>>,
}

/// Why a data file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DataError {
    /// A line of a CSV file cannot be read.
    #[error("{0}")]
    Csv(#[from] csv::Error),
    /// A line is not a JSON object.
    #[error("line {0} is not a JSON object: {1}")]
    Json(usize, serde_json::Error),
    /// There is no row.
    #[error("it has no row")]
    Empty,
    /// A value cannot be part of a request.
    #[error("row {0}, column \"{1}\" has a control character")]
    Control(usize, String),
}

impl DataRows {
    /// Reads the text of a file; `is_json` for one JSON object in each line.
    ///
    /// # Errors
    /// It is malformed, has no row, or has control characters.
    pub fn read(text: &str, is_json: bool) -> Result<Self, DataError> {
        let rows = if is_json { Self::of_json_lines(text)? } else { Self::of_csv(text)? };
        if rows.rows.is_empty() {
            return Err(DataError::Empty);
        }
        for (index, row) in rows.rows.iter().enumerate() {
            let bad = row.iter().position(|value| value.chars().any(char::is_control));
            if let Some(column) = bad.and_then(|at| rows.columns.get(at)) {
                return Err(DataError::Control(index + 1, column.clone()));
            }
        }
        Ok(rows)
    }

    fn of_csv(text: &str) -> Result<Self, DataError> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let mut reader =
            csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(text.as_bytes());
        let columns = reader.headers()?.iter().map(str::to_owned).collect();
        let mut rows = Vec::new();
        for record in reader.records() {
            rows.push(record?.iter().map(str::to_owned).collect());
        }
        Ok(Self { columns, rows })
    }

    fn of_json_lines(text: &str) -> Result<Self, DataError> {
        let mut read = Self::default();
        for (index, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
            let object: serde_json::Map<String, serde_json::Value> =
                serde_json::from_str(line).map_err(|error| DataError::Json(index + 1, error))?;
            if read.rows.is_empty() {
                read.columns = object.keys().cloned().collect();
            }
            let value = |column: &String| match object.get(column) {
                None | Some(serde_json::Value::Null) => String::new(),
                Some(serde_json::Value::String(text)) => text.clone(),
                Some(other) => other.to_string(),
            };
            read.rows.push(read.columns.iter().map(value).collect());
        }
        Ok(read)
    }

    /// The values of one column.
    pub fn column(&self, name: &str) -> Option<Vec<&str>> {
        let at = self.columns.iter().position(|column| column == name)?;
        Some(self.rows.iter().filter_map(|row| row.get(at)).map(String::as_str).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn csv_and_json_lines_give_the_same_rows() {
        let csv = DataRows::read("\u{feff}mail, n\na@b.c, 1\n\"x, y\",2\n", false).unwrap();
        let json = "{\"mail\": \"a@b.c\", \"n\": 1}\n\n{\"n\": 2, \"mail\": \"x, y\"}\n";
        let json = DataRows::read(json, true).unwrap();
        assert_eq!(csv, json);
        assert_eq!(csv.column("mail").unwrap(), ["a@b.c", "x, y"]);
        assert_eq!(csv.column("other"), None);
    }

    #[test]
    fn files_that_cannot_be_used_are_refused() {
        let error = |text: &str, is_json| DataRows::read(text, is_json).unwrap_err().to_string();
        assert_eq!(error("mail\n", false), "it has no row");
        assert_eq!(error("", true), "it has no row");
        assert!(error("a,b\n1\n", false).contains("2 fields"), "{}", error("a,b\n1\n", false));
        assert!(error("[1]\n", true).starts_with("line 1 is not a JSON object"));
        assert_eq!(error("a\n\"x\ny\"\n", false), "row 1, column \"a\" has a control character");
    }
}
