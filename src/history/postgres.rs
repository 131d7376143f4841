//! The history in PostgreSQL, for teams with several runners. Tables live in a schema of their own, `portcullis`. The
//! server's certificate is verified always, and a server that is not on this machine has to offer TLS.

use std::sync::Arc;

use bytes::BytesMut;
use postgres::types::{IsNull, ToSql, Type, to_sql_checked};
use postgres::{Client, Config, NoTls};
use rustls::ClientConfig;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls_platform_verifier::Verifier;
use tokio_postgres_rustls::MakeRustlsConnect;

use super::address::{Server, Tls};
use super::database::{Database, Row, Trouble, Value};

/// One writer at a time, whatever it writes: `PCLS`.
const LOCK: i64 = 0x5043_4c53;

pub struct Postgres {
    client: Client,
    server: Server,
}

impl Postgres {
    pub fn open(server: &Server) -> Result<Self, Trouble> {
        let config: Config = server
            .url
            .parse()
            .map_err(|error: postgres::Error| fault(server, &error))?;
        let client = match server.tls {
            Tls::Never => config.connect(NoTls),
            Tls::Always => config.connect(tls(server)?),
        };
        let client = client.map_err(|error| fault(server, &error))?;
        let mut postgres = Postgres {
            client,
            server: server.clone(),
        };
        postgres.prepare()?;
        Ok(postgres)
    }

    fn prepare(&mut self) -> Result<(), Trouble> {
        self.batch("SET client_min_messages TO warning; SET lock_timeout TO '120s'; SET timezone TO 'UTC'")?;
        // Asked first, because creating it where it is needs rights that a runner need not have.
        let known = "SELECT CASE WHEN to_regnamespace('portcullis') IS NULL THEN 0 ELSE 1 END::BIGINT";
        if !self.ask(known, &[])?.first().is_some_and(|row| row.holds(0)) {
            self.batch("CREATE SCHEMA IF NOT EXISTS portcullis")?;
        }
        self.batch("SET search_path TO portcullis")
    }

    fn batch(&mut self, statements: &str) -> Result<(), Trouble> {
        let done = self.client.batch_execute(statements);
        done.map_err(|error| fault(&self.server, &error))
    }
}

fn tls(server: &Server) -> Result<MakeRustlsConnect, Trouble> {
    let unfit = |why: String| Trouble(format!("history `{}`: {why}", server.shown()));
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut extra: Vec<CertificateDer<'static>> = Vec::new();
    if let Some(path) = &server.root_certificate {
        let read = CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
        extra = read.map_err(|error| unfit(format!("`sslrootcert={path}` holds no certificates in PEM: {error}")))?;
    }
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| unfit(error.to_string()))?;
    let verifier = Verifier::new_with_extra_roots(extra, provider).map_err(|error| unfit(error.to_string()))?;
    let config = builder
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    Ok(MakeRustlsConnect::new(config))
}

/// What the server or the network said, with its causes; the password is cut out should a message ever hold it.
fn fault(server: &Server, error: &postgres::Error) -> Trouble {
    let mut words = match error.as_db_error() {
        Some(said) => said.message().to_owned(),
        None => {
            let causes = std::iter::successors(Some(error as &dyn std::error::Error), |error| error.source());
            causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
        }
    };
    if let Some(password) = server.password().filter(|password| !password.is_empty()) {
        words = words.replace(&password, "***");
    }
    Trouble(format!("history `{}`: {words}", server.shown()))
}

impl ToSql for Value {
    fn to_sql(&self, kind: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
        match self {
            Value::Null => Ok(IsNull::Yes),
            Value::Number(number) => number.to_sql(kind, out),
            Value::Text(text) => text.to_sql(kind, out),
            Value::Bytes(bytes) => bytes.to_sql(kind, out),
        }
    }

    fn accepts(kind: &Type) -> bool {
        matches!(*kind, Type::INT8 | Type::TEXT | Type::BYTEA)
    }

    to_sql_checked!();
}

fn value(row: &postgres::Row, column: usize, kind: &Type) -> Result<Value, postgres::Error> {
    let number = || Ok(row.try_get::<_, Option<i64>>(column)?.map(Value::Number));
    let found = match *kind {
        Type::INT8 => number(),
        Type::BYTEA => row
            .try_get::<_, Option<Vec<u8>>>(column)
            .map(|bytes| bytes.map(Value::Bytes)),
        _ => row
            .try_get::<_, Option<String>>(column)
            .map(|text| text.map(Value::Text)),
    };
    Ok(found?.unwrap_or(Value::Null))
}

impl Database for Postgres {
    fn run(&mut self, statement: &str, values: &[Value]) -> Result<u64, Trouble> {
        let values: Vec<&(dyn ToSql + Sync)> = values.iter().map(|value| value as _).collect();
        let touched = self.client.execute(statement, &values);
        touched.map_err(|error| fault(&self.server, &error))
    }

    fn ask(&mut self, question: &str, values: &[Value]) -> Result<Vec<Row>, Trouble> {
        let values: Vec<&(dyn ToSql + Sync)> = values.iter().map(|value| value as _).collect();
        let rows = self.client.query(question, &values);
        let rows = rows.map_err(|error| fault(&self.server, &error))?;
        let cells = |row: &postgres::Row| {
            let columns = row.columns().iter().enumerate();
            let cells = columns.map(|(column, described)| value(row, column, described.type_()));
            cells.collect::<Result<Vec<Value>, postgres::Error>>().map(Row)
        };
        let read: Result<Vec<Row>, postgres::Error> = rows.iter().map(cells).collect();
        read.map_err(|error| fault(&self.server, &error))
    }

    fn begin_writing(&mut self) -> Result<(), Trouble> {
        self.batch("BEGIN")?;
        self.ask("SELECT CAST(pg_advisory_xact_lock($1) AS TEXT)", &[LOCK.into()])
            .map(drop)
    }

    fn begin_reading(&mut self) -> Result<(), Trouble> {
        self.batch("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
    }

    fn bytes_type(&self) -> &'static str {
        "BYTEA"
    }

    fn version(&mut self) -> Result<i64, Trouble> {
        let question = "SELECT CASE WHEN to_regclass('portcullis.schema_version') IS NULL THEN 0 ELSE 1 END::BIGINT";
        let known = self.ask(question, &[])?.first().is_some_and(|row| row.holds(0));
        super::schema::stated(self, known)
    }

    /// The server does that by itself.
    fn compact(&mut self) -> Result<(), Trouble> {
        Ok(())
    }
}
