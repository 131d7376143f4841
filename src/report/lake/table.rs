//! One Parquet table: named, typed columns, rows gathered into row groups of bounded size, compressed with zstd. Must not
//! know what the columns mean.

use std::io::Write;
use std::sync::Arc;

use parquet::basic::{Compression, ZstdLevel};
use parquet::data_type::{BoolType, ByteArray, ByteArrayType, DataType, Int32Type, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::parser::parse_message_type;

/// Rows of a group at most.
const MOST_ROWS: usize = 65_536;
/// Bytes of text of a group at most, before compression: names and sentences of an estate may be long.
const MOST_BYTES: usize = 32 << 20;
/// Level of compression: what comes every night is nearly the same text.
const LEVEL: i32 = 6;

/// Why a table could not be written.
#[derive(Debug, thiserror::Error)]
pub enum LakeError {
    #[error("{0}")]
    Parquet(#[from] ParquetError),
    #[error("the history holds no value that fits the column `{0}`")]
    Missing(&'static str),
}

/// The type of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Text,
    /// A text that holds JSON.
    Json,
    Number,
    /// A moment in UTC, in milliseconds.
    Time,
    Day,
    Flag,
}

/// A column.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    pub name: &'static str,
    pub kind: Kind,
    /// Whether it may be null.
    pub optional: bool,
}

impl Column {
    pub const fn of(name: &'static str, kind: Kind) -> Column {
        Column {
            name,
            kind,
            optional: false,
        }
    }

    pub const fn optional(name: &'static str, kind: Kind) -> Column {
        Column {
            name,
            kind,
            optional: true,
        }
    }

    /// The line of the schema.
    fn line(&self) -> String {
        let kind = match self.kind {
            Kind::Text => ("binary", " (STRING)"),
            Kind::Json => ("binary", " (JSON)"),
            Kind::Number => ("int64", ""),
            Kind::Time => ("int64", " (TIMESTAMP(MILLIS,true))"),
            Kind::Day => ("int32", " (DATE)"),
            Kind::Flag => ("boolean", ""),
        };
        let presence = if self.optional { "optional" } else { "required" };
        format!("{presence} {} {}{};\n", kind.0, self.name, kind.1)
    }
}

/// A value; times are milliseconds and days are days since 1970.
#[derive(Clone, Debug)]
pub enum Cell {
    Null,
    Text(String),
    Number(i64),
    Flag(bool),
}

/// The values of a column in the present group; where it may be null, `levels` says which rows have one.
#[derive(Default)]
struct Gathered {
    levels: Vec<i16>,
    texts: Vec<ByteArray>,
    numbers: Vec<i64>,
    days: Vec<i32>,
    flags: Vec<bool>,
}

/// A table that is being written.
pub struct Table<W: Write + Send> {
    columns: &'static [Column],
    writer: SerializedFileWriter<W>,
    gathered: Vec<Gathered>,
    rows: usize,
    bytes: usize,
}

impl<W: Write + Send> Table<W> {
    /// Begins a table; `maker` is written into its footer.
    pub fn new(name: &str, columns: &'static [Column], maker: &str, out: W) -> Result<Self, LakeError> {
        let lines: String = columns.iter().map(Column::line).collect();
        let schema = Arc::new(parse_message_type(&format!("message {name} {{\n{lines}}}"))?);
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::try_new(LEVEL)?))
            .set_created_by(maker.to_owned())
            .build();
        Ok(Table {
            columns,
            writer: SerializedFileWriter::new(out, schema, Arc::new(properties))?,
            gathered: columns.iter().map(|_| Gathered::default()).collect(),
            rows: 0,
            bytes: 0,
        })
    }

    /// Adds a row, with its cells in the order of the columns.
    pub fn row(&mut self, cells: Vec<Cell>) -> Result<(), LakeError> {
        let mut cells = cells.into_iter();
        for (column, gathered) in self.columns.iter().zip(&mut self.gathered) {
            let cell = cells.next().unwrap_or(Cell::Null);
            if let Cell::Text(text) = &cell {
                self.bytes += text.len();
            }
            gathered.add(column, cell)?;
        }
        self.rows += 1;
        if self.rows >= MOST_ROWS || self.bytes >= MOST_BYTES {
            self.flush()?;
        }
        Ok(())
    }

    /// Writes what was gathered as one row group.
    fn flush(&mut self) -> Result<(), LakeError> {
        if self.rows == 0 {
            return Ok(());
        }
        let mut group = self.writer.next_row_group()?;
        for (column, gathered) in self.columns.iter().zip(&mut self.gathered) {
            gathered.write(column, &mut group)?;
            *gathered = Gathered::default();
        }
        group.close()?;
        (self.rows, self.bytes) = (0, 0);
        Ok(())
    }

    /// Ends the table and gives back what it was written to.
    pub fn finish(mut self) -> Result<W, LakeError> {
        self.flush()?;
        Ok(self.writer.into_inner()?)
    }
}

impl Gathered {
    fn add(&mut self, column: &Column, cell: Cell) -> Result<(), LakeError> {
        let is_null = matches!(cell, Cell::Null);
        match (column.kind, cell) {
            (_, Cell::Null) if column.optional => {}
            (Kind::Text | Kind::Json, Cell::Text(text)) => self.texts.push(ByteArray::from(text.into_bytes())),
            (Kind::Number | Kind::Time, Cell::Number(number)) => self.numbers.push(number),
            (Kind::Day, Cell::Number(day)) => {
                let day = i32::try_from(day).map_err(|_| LakeError::Missing(column.name))?;
                self.days.push(day);
            }
            (Kind::Flag, Cell::Flag(flag)) => self.flags.push(flag),
            _ => return Err(LakeError::Missing(column.name)),
        }
        self.levels.push(i16::from(!is_null));
        Ok(())
    }

    fn write<W: Write + Send>(
        &self,
        column: &Column,
        group: &mut SerializedRowGroupWriter<'_, W>,
    ) -> Result<(), LakeError> {
        match column.kind {
            Kind::Text | Kind::Json => self.column::<ByteArrayType, W>(column, &self.texts, group),
            Kind::Number | Kind::Time => self.column::<Int64Type, W>(column, &self.numbers, group),
            Kind::Day => self.column::<Int32Type, W>(column, &self.days, group),
            Kind::Flag => self.column::<BoolType, W>(column, &self.flags, group),
        }
    }

    fn column<T: DataType, W: Write + Send>(
        &self,
        column: &Column,
        values: &[T::T],
        group: &mut SerializedRowGroupWriter<'_, W>,
    ) -> Result<(), LakeError> {
        let mut writer = group.next_column()?.ok_or(LakeError::Missing(column.name))?;
        let levels = column.optional.then_some(self.levels.as_slice());
        writer.typed::<T>().write_batch(values, levels, None)?;
        Ok(writer.close()?)
    }
}
