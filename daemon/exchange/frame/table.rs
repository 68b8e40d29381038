//! Tables as every format writes them: columns that say what they hold, and rows that are made one at a time.
//!
//! No format keeps a table's rows: each goes through them for itself, so that a large frame needs little memory.

use super::ExportError;
use crate::record::vocabulary::Vocabulary;
use jiff::civil::Date;
use std::borrow::Cow;

/// What a cell of a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Text.
    Text,
    /// A whole number, 0 or more.
    Whole,
    /// A number.
    Number,
    /// Yes or no.
    Yes,
    /// A day.
    Day,
}

/// A value that a column may have, with what it means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Value {
    /// As it stands in the cell.
    pub id: String,
    /// In words.
    pub label: String,
}

impl Value {
    /// From its two parts.
    pub fn new(id: &str, label: &str) -> Value {
        Value { id: id.to_owned(), label: label.to_owned() }
    }

    /// A term as its vocabulary words it; the id itself where it has none.
    pub fn of(id: &str, vocabulary: &Vocabulary) -> Value {
        Value::new(id, vocabulary.get(id).map_or(id, |term| &term.label))
    }
}

/// Between several values in one cell. The same stands in the names of strata.
pub const AND: &str = " + ";

/// A column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Its name: small letters, digits and `_`, as every statistics program takes it.
    pub name: String,
    /// Its name for people.
    pub title: String,
    /// What it says, whole sentences.
    pub about: String,
    /// What its cells hold.
    pub kind: Kind,
    /// Whether every row has a value.
    pub required: bool,
    /// All values there can be; empty where they are not counted.
    pub values: Vec<Value>,
    /// Whether a cell may hold several of them, joined by [`AND`].
    pub several: bool,
}

impl Column {
    /// A column of which cells may be empty.
    pub fn new(kind: Kind, name: &str, title: &str, about: &str) -> Column {
        Column {
            name: name.to_owned(),
            title: title.to_owned(),
            about: about.to_owned(),
            kind,
            required: false,
            values: Vec::new(),
            several: false,
        }
    }

    /// A column of text.
    pub fn text(name: &str, title: &str, about: &str) -> Column {
        Column::new(Kind::Text, name, title, about)
    }

    /// No cell is empty.
    pub fn required(self) -> Column {
        Column { required: true, ..self }
    }

    /// These values and no others.
    pub fn one_of(self, values: Vec<Value>) -> Column {
        Column { values, ..self }
    }

    /// One or several of these values, and no others.
    pub fn some_of(self, values: Vec<Value>) -> Column {
        Column { values, several: true, ..self }
    }
}

/// A cell.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell<'a> {
    /// Nothing is known.
    Empty,
    /// Text.
    Text(Cow<'a, str>),
    /// A whole number.
    Whole(usize),
    /// A number.
    Number(f64),
    /// Yes or no.
    Yes(bool),
    /// A day.
    Day(Date),
}

impl<'a> Cell<'a> {
    /// Text; nothing where it is empty.
    pub fn text(text: impl Into<Cow<'a, str>>) -> Cell<'a> {
        let text = text.into();
        if text.is_empty() { Cell::Empty } else { Cell::Text(text) }
    }

    /// A day, where there is one.
    pub fn day(day: Option<Date>) -> Cell<'a> {
        day.map_or(Cell::Empty, Cell::Day)
    }

    /// A number, where there is one.
    pub fn number(number: Option<f64>) -> Cell<'a> {
        number.map_or(Cell::Empty, Cell::Number)
    }

    /// Several values as one cell.
    pub fn several<'b>(values: impl IntoIterator<Item = &'b str>) -> Cell<'a> {
        Cell::text(values.into_iter().collect::<Vec<_>>().join(AND))
    }
}

/// What a format does with a row.
pub type Visit<'v> = &'v mut dyn FnMut(&[Cell<'_>]) -> Result<(), ExportError>;
type Rows<'a> = Box<dyn Fn(Visit) -> Result<(), ExportError> + 'a>;

/// A column whose values are another table's key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Link {
    /// The column here.
    pub column: &'static str,
    /// The table there.
    pub table: &'static str,
    /// Its column.
    pub to: &'static str,
}

/// A table.
pub struct Table<'a> {
    /// Its name, and that of its file without the ending.
    pub name: &'static str,
    /// Its name for people.
    pub title: &'static str,
    /// What a row is, whole sentences.
    pub about: &'static str,
    /// Its columns.
    pub columns: Vec<Column>,
    /// The columns by which a row is known.
    pub key: &'static [&'static str],
    /// Columns that lead to other tables.
    pub links: Vec<Link>,
    /// How many rows it has.
    pub count: usize,
    rows: Rows<'a>,
}

impl<'a> Table<'a> {
    /// A table of items, each of which `fill` makes a row: as many cells as there are columns.
    pub fn new<T: 'a>(
        (name, title, about): (&'static str, &'static str, &'static str),
        columns: Vec<Column>,
        key: &'static [&'static str],
        items: Vec<T>,
        fill: impl for<'c> Fn(&'c T, &mut Vec<Cell<'c>>) + 'a,
    ) -> Table<'a> {
        let (count, width) = (items.len(), columns.len());
        let rows = move |visit: Visit| {
            items.iter().try_for_each(|item| {
                let mut cells = Vec::with_capacity(width);
                fill(item, &mut cells);
                debug_assert_eq!(cells.len(), width, "{name}");
                visit(&cells)
            })
        };
        Table { name, title, about, columns, key, links: Vec::new(), count, rows: Box::new(rows) }
    }

    /// With a column that leads to another table.
    pub fn linked(mut self, column: &'static str, table: &'static str, to: &'static str) -> Table<'a> {
        self.links.push(Link { column, table, to });
        self
    }

    /// Goes through the rows in their order.
    ///
    /// # Errors
    /// The first error of `visit`.
    pub fn each(&self, visit: Visit) -> Result<(), ExportError> {
        (self.rows)(visit)
    }
}
