//! Parquet: the same columns with their types, some ten thousand rows at a time.

use super::table::{Cell, Column, Kind, Table};
use super::{Counted, ExportError};
use jiff::civil::Date;
use parquet::basic::{Compression, LogicalType, Repetition, Type as Physical};
use parquet::column::writer::ColumnWriterImpl;
use parquet::data_type::{BoolType, ByteArray, ByteArrayType, DataType, DoubleType, Int32Type, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::Type;
use std::sync::Arc;

/// Rows that are held before they are written.
const TOGETHER: usize = 1 << 15;

impl From<ParquetError> for ExportError {
    fn from(error: ParquetError) -> ExportError {
        ExportError::Parquet(error.to_string())
    }
}

/// The cells of a column that are held.
enum Held {
    Text(Vec<ByteArray>),
    Whole(Vec<i64>),
    Number(Vec<f64>),
    Yes(Vec<bool>),
    Day(Vec<i32>),
}

struct Gathered {
    held: Held,
    /// 1 where there is a value, 0 where there is none.
    levels: Vec<i16>,
    required: bool,
}

impl Gathered {
    fn of(column: &Column) -> Gathered {
        let held = match column.kind {
            Kind::Text => Held::Text(Vec::new()),
            Kind::Whole => Held::Whole(Vec::new()),
            Kind::Number => Held::Number(Vec::new()),
            Kind::Yes => Held::Yes(Vec::new()),
            Kind::Day => Held::Day(Vec::new()),
        };
        Gathered { held, levels: Vec::new(), required: column.required }
    }

    fn push(&mut self, cell: &Cell) {
        match (&mut self.held, cell) {
            (Held::Text(held), Cell::Text(text)) => held.push(ByteArray::from(text.as_bytes().to_vec())),
            (Held::Whole(held), Cell::Whole(number)) => held.push(i64::try_from(*number).unwrap_or(i64::MAX)),
            (Held::Number(held), Cell::Number(number)) => held.push(*number),
            (Held::Yes(held), Cell::Yes(yes)) => held.push(*yes),
            (Held::Day(held), Cell::Day(day)) => held.push(since_1970(*day)),
            _ => return self.levels.push(0),
        }
        self.levels.push(1);
    }

    fn clear(&mut self) {
        self.levels.clear();
        match &mut self.held {
            Held::Text(held) => held.clear(),
            Held::Whole(held) => held.clear(),
            Held::Number(held) => held.clear(),
            Held::Yes(held) => held.clear(),
            Held::Day(held) => held.clear(),
        }
    }
}

fn since_1970(day: Date) -> i32 {
    const FIRST: Date = jiff::civil::date(1970, 1, 1);
    day.since(FIRST).map_or(0, |span| span.get_days())
}

/// Writes a table.
pub fn write(table: &Table, to: &mut Counted) -> Result<(), ExportError> {
    let fields = table.columns.iter().map(field).collect::<Result<Vec<_>, _>>()?;
    let schema = Type::group_type_builder(table.name).with_fields(fields).build()?;
    let properties =
        WriterProperties::builder().set_compression(Compression::SNAPPY).set_created_by("mutuald".to_owned()).build();
    let mut file = SerializedFileWriter::new(to, Arc::new(schema), Arc::new(properties))?;
    let mut columns: Vec<Gathered> = table.columns.iter().map(Gathered::of).collect();
    let mut rows = 0;
    table.each(&mut |cells| {
        cells.iter().zip(&mut columns).for_each(|(cell, column)| column.push(cell));
        rows += 1;
        if rows % TOGETHER == 0 {
            flush(&mut file, &mut columns)?;
        }
        Ok(())
    })?;
    flush(&mut file, &mut columns)?;
    file.close()?;
    Ok(())
}

fn field(column: &Column) -> Result<Arc<Type>, ParquetError> {
    let (physical, logical) = match column.kind {
        Kind::Text => (Physical::BYTE_ARRAY, Some(LogicalType::String)),
        Kind::Whole => (Physical::INT64, None),
        Kind::Number => (Physical::DOUBLE, None),
        Kind::Yes => (Physical::BOOLEAN, None),
        Kind::Day => (Physical::INT32, Some(LogicalType::Date)),
    };
    let repetition = if column.required { Repetition::REQUIRED } else { Repetition::OPTIONAL };
    let built = Type::primitive_type_builder(&column.name, physical).with_repetition(repetition);
    Ok(Arc::new(built.with_logical_type(logical).build()?))
}

/// Writes the rows that are held as one group.
fn flush(file: &mut SerializedFileWriter<&mut Counted>, columns: &mut [Gathered]) -> Result<(), ExportError> {
    if columns.first().is_none_or(|column| column.levels.is_empty()) {
        return Ok(());
    }
    let mut group = file.next_row_group()?;
    for column in columns {
        let Some(mut to) = group.next_column()? else { break };
        let levels = (!column.required).then_some(&*column.levels);
        match &column.held {
            Held::Text(held) => put::<ByteArrayType>(to.typed(), held, levels)?,
            Held::Whole(held) => put::<Int64Type>(to.typed(), held, levels)?,
            Held::Number(held) => put::<DoubleType>(to.typed(), held, levels)?,
            Held::Yes(held) => put::<BoolType>(to.typed(), held, levels)?,
            Held::Day(held) => put::<Int32Type>(to.typed(), held, levels)?,
        }
        to.close()?;
        column.clear();
    }
    group.close()?;
    Ok(())
}

fn put<T: DataType>(to: &mut ColumnWriterImpl<T>, held: &[T::T], levels: Option<&[i16]>) -> Result<(), ParquetError> {
    to.write_batch(held, levels, None).map(drop)
}
