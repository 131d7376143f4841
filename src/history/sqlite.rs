//! The history in one SQLite file. A rollback journal and not a write-ahead log, because that one needs shared memory,
//! which network file systems do not have.

use std::fs::OpenOptions;
use std::path::Path;
use std::time::Duration;

use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, ErrorCode, OpenFlags, ToSql, params_from_iter};

use super::database::{Database, Row, Trouble, Value};

/// `PCLS`: tells our files from other SQLite databases.
const APPLICATION: i64 = 0x5043_4c53;

/// How long a run waits for another one that writes.
const PATIENCE: Duration = Duration::from_secs(120);

pub struct Sqlite {
    connection: Connection,
    name: String,
}

impl Sqlite {
    /// `create`: make the file where there is none; others cannot read it.
    pub fn open(path: &Path, create: bool) -> Result<Self, Trouble> {
        let name = path.display().to_string();
        if !path.exists() {
            if !create {
                return Err(Trouble(format!(
                    "there is no history `{name}`; `portcullis scan --history {name}` begins one"
                )));
            }
            private(path).map_err(|error| Trouble(format!("cannot create the history `{name}`: {error}")))?;
        }
        let flags = OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_READ_WRITE;
        let connection = Connection::open_with_flags(path, flags).map_err(|error| trouble(&name, &error))?;
        let mut sqlite = Sqlite { connection, name };
        sqlite.prepare()?;
        Ok(sqlite)
    }

    fn prepare(&mut self) -> Result<(), Trouble> {
        self.guard(|connection| {
            connection.busy_timeout(PATIENCE)?;
            connection
                .execute_batch("PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF; PRAGMA synchronous = FULL;")
        })?;
        let application = self.pragma("application_id")?;
        let tables = self.ask("SELECT COUNT(*) FROM sqlite_master", &[])?;
        let is_empty = tables.first().is_none_or(|row| row.number(0) == 0);
        match (application == APPLICATION, is_empty) {
            (true, _) => Ok(()),
            (false, true) => self.guard(|connection| connection.pragma_update(None, "application_id", APPLICATION)),
            (false, false) => Err(Trouble(format!(
                "`{}` is a database of something else; name another file",
                self.name
            ))),
        }
    }

    fn pragma(&mut self, name: &str) -> Result<i64, Trouble> {
        self.guard(|connection| connection.pragma_query_value(None, name, |row| row.get(0)))
    }

    fn guard<T>(&mut self, act: impl FnOnce(&mut Connection) -> rusqlite::Result<T>) -> Result<T, Trouble> {
        act(&mut self.connection).map_err(|error| trouble(&self.name, &error))
    }
}

fn private(path: &Path) -> std::io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop)
}

fn trouble(name: &str, error: &rusqlite::Error) -> Trouble {
    let help = match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            "; another run has been writing to it for two minutes"
        }
        Some(ErrorCode::NotADatabase) => "; name a file that a scan with `--history` made",
        Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => {
            "; the file and its directory have to be writable, for reading too"
        }
        Some(ErrorCode::DiskFull) => "; make room on the disk, nothing was recorded",
        _ => "",
    };
    Trouble(format!("history `{name}`: {error}{help}"))
}

impl ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Value::Null => ValueRef::Null,
            Value::Number(number) => ValueRef::Integer(*number),
            Value::Text(text) => ValueRef::Text(text.as_bytes()),
            Value::Bytes(bytes) => ValueRef::Blob(bytes),
        }))
    }
}

fn value(cell: ValueRef<'_>) -> Value {
    match cell {
        ValueRef::Null | ValueRef::Real(_) => Value::Null,
        ValueRef::Integer(number) => Value::Number(number),
        ValueRef::Text(text) => Value::Text(String::from_utf8_lossy(text).into_owned()),
        ValueRef::Blob(bytes) => Value::Bytes(bytes.to_vec()),
    }
}

/// SQLite writes numbered parameters as `?1`.
fn numbered(statement: &str) -> String {
    statement.replace('$', "?")
}

impl Database for Sqlite {
    fn run(&mut self, statement: &str, values: &[Value]) -> Result<u64, Trouble> {
        let touched = self.guard(|connection| connection.execute(&numbered(statement), params_from_iter(values)))?;
        Ok(touched as u64)
    }

    fn ask(&mut self, question: &str, values: &[Value]) -> Result<Vec<Row>, Trouble> {
        self.guard(|connection| {
            let mut prepared = connection.prepare(&numbered(question))?;
            let width = prepared.column_count();
            let row = |row: &rusqlite::Row<'_>| {
                let cells = (0..width).map(|column| row.get_ref(column).map(value));
                cells.collect::<rusqlite::Result<Vec<Value>>>().map(Row)
            };
            prepared.query_map(params_from_iter(values), row)?.collect()
        })
    }

    fn begin_writing(&mut self) -> Result<(), Trouble> {
        self.run("BEGIN IMMEDIATE", &[]).map(drop)
    }

    fn begin_reading(&mut self) -> Result<(), Trouble> {
        self.run("BEGIN", &[]).map(drop)
    }

    fn bytes_type(&self) -> &'static str {
        "BLOB"
    }

    fn version(&mut self) -> Result<i64, Trouble> {
        let question = "SELECT COUNT(*) FROM sqlite_master WHERE type = 'table' AND name = 'schema_version'";
        let known = self.ask(question, &[])?.first().is_some_and(|row| row.holds(0));
        super::schema::stated(self, known)
    }

    fn compact(&mut self) -> Result<(), Trouble> {
        self.run("VACUUM", &[]).map(drop)
    }
}
