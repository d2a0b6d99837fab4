//! One connection to one of TiDB's addresses.

use std::path::Path;
use std::time::Duration;

use mysql_async::prelude::Queryable;
use mysql_async::{ClientIdentity, Conn, Opts, OptsBuilder, Row, SslOpts, Value};
use ti_proto::plan;
use tokio::time::timeout;

use super::{error, Secret};
use crate::error::{Error, ErrorKind, Result};
use crate::session::tls_config;

/// Times of TIMESTAMP defaults are written in UTC, and texts with backslashes as escapes; what does not fit is an error.
const SETTINGS: &str = "SET SESSION time_zone = '+00:00', sql_mode = \
    'ONLY_FULL_GROUP_BY,STRICT_TRANS_TABLES,NO_ZERO_IN_DATE,NO_ZERO_DATE,ERROR_FOR_DIVISION_BY_ZERO,NO_AUTO_CREATE_USER,NO_ENGINE_SUBSTITUTION'";

/// Shown by TiDB among its sessions.
const PROGRAM: &str = "tidb-spark";

/// An open connection.
pub(super) struct Connection {
    conn: Conn,
    address: String,
    limit: Duration,
}

impl Connection {
    /// Tries the addresses in turn until one accepts the user.
    ///
    /// # Errors
    /// `InvalidArgument` for settings that cannot work; `AccessDenied` and `Tls` as soon as one address says so, because the others belong to
    /// the same cluster; `Unavailable` names all addresses and what came of each.
    pub(super) async fn open(endpoint: &plan::SqlEndpoint, password: &Secret) -> Result<Self> {
        let millis = |key: &str, value: u64| match value {
            0 => Err(invalid(format!(
                "{key} is 0: it must be a positive number of milliseconds"
            ))),
            value => Ok(Duration::from_millis(value)),
        };
        let limit = millis("deadline.ddl", endpoint.statement_timeout_ms)?;
        let patience = millis("connect.timeout", endpoint.connect_timeout_ms)?;
        if endpoint.addresses.is_empty() {
            return Err(invalid(
                "tidb.addresses is not set: give host:port of at least one TiDB server".into(),
            ));
        }
        let tls = endpoint.tls.clone().map(ssl).transpose()?;
        let mut failures = Vec::new();
        for address in &endpoint.addresses {
            let options = options(address, endpoint, password, tls.clone())?;
            let attempt = async {
                let mut conn = Conn::new(options).await?;
                conn.query_drop(SETTINGS).await?;
                Ok::<Conn, mysql_async::Error>(conn)
            };
            match timeout(patience, attempt).await {
                Ok(Ok(conn)) => {
                    return Ok(Self {
                        conn,
                        address: address.clone(),
                        limit,
                    })
                }
                Ok(Err(failure)) => match error::fatal(&failure, address) {
                    Some(fatal) => return Err(fatal),
                    None => failures.push(format!("{address} ({failure})")),
                },
                Err(_) => failures.push(format!("{address} (no answer within {} ms)", patience.as_millis())),
            }
        }
        Err(Error {
            kind: ErrorKind::Unavailable,
            message: format!(
                "TiDB cannot be reached at {}; check tidb.addresses and that TiDB is up",
                failures.join(", ")
            ),
            retryable: true,
        })
    }

    /// Runs a statement of ours.
    pub(super) async fn run(&mut self, statement: &str) -> Result<()> {
        tracing::info!(address = %self.address, statement, "DDL");
        let done = timeout(self.limit, self.conn.query_drop(statement)).await;
        match done {
            Ok(result) => result.map_err(|e| error::of_statement(&e, &self.address, Some(statement))),
            Err(_) => Err(self.too_long(Some(statement))),
        }
    }

    /// Runs a statement of the user's and gives its answer, all of it.
    pub(super) async fn query(&mut self, statement: &str) -> Result<plan::DdlResult> {
        let asked = async {
            let mut result = self.conn.query_iter(statement).await?;
            let columns = result.columns_ref().iter().map(|c| c.name_str().into_owned()).collect();
            let rows: Vec<Row> = result.collect().await?;
            result.drop_result().await?;
            Ok::<(Vec<String>, Vec<Row>), mysql_async::Error>((columns, rows))
        };
        let (columns, rows) = match timeout(self.limit, asked).await {
            Ok(result) => result.map_err(|e| error::of_statement(&e, &self.address, None))?,
            Err(_) => return Err(self.too_long(None)),
        };
        let value = |value: Value| plan::TextValue {
            text: match value {
                Value::NULL => None,
                Value::Bytes(bytes) => Some(String::from_utf8_lossy(&bytes).into_owned()),
                other => Some(other.as_sql(true)),
            },
        };
        Ok(plan::DdlResult {
            statements: Vec::new(),
            answer: Some(plan::TextRows {
                columns,
                rows: rows
                    .into_iter()
                    .map(|row| plan::TextRow {
                        values: row
                            .unwrap_raw()
                            .into_iter()
                            .map(|v| value(v.unwrap_or(Value::NULL)))
                            .collect(),
                    })
                    .collect(),
            }),
        })
    }

    /// SHOW CREATE TABLE's answer. `table` is quoted.
    pub(super) async fn create_statement(&mut self, table: &str) -> Result<String> {
        let statement = format!("SHOW CREATE TABLE {table}");
        let row: Option<Row> = match timeout(self.limit, self.conn.query_first(&statement)).await {
            Ok(result) => result.map_err(|e| error::of_statement(&e, &self.address, Some(&statement)))?,
            Err(_) => return Err(self.too_long(Some(&statement))),
        };
        row.and_then(|row| row.get_opt::<String, usize>(1))
            .and_then(|text| text.ok())
            .ok_or_else(|| {
                Error::new(
                    ErrorKind::Sql,
                    format!("TiDB's answer to {statement} is not understood"),
                )
            })
    }

    /// Says good-bye; whether the server hears it does not matter.
    pub(super) async fn close(self) {
        let _ = timeout(Duration::from_secs(1), self.conn.disconnect()).await;
    }

    fn too_long(&self, statement: Option<&str>) -> Error {
        let quoted = statement.map_or(String::new(), |s| {
            format!(": {}", s.chars().take(200).collect::<String>())
        });
        Error::new(
            ErrorKind::Timeout,
            format!(
                "TiDB at {} did not answer a statement within deadline.ddl ({} ms); it may still be at work, ADMIN SHOW DDL JOBS tells{quoted}",
                self.address,
                self.limit.as_millis()
            ),
        )
    }
}

fn invalid(message: String) -> Error {
    Error::new(ErrorKind::InvalidArgument, message)
}

fn options(address: &str, endpoint: &plan::SqlEndpoint, password: &Secret, tls: Option<SslOpts>) -> Result<Opts> {
    let bad = || invalid(format!("tidb.addresses: '{address}' is not host:port"));
    let (host, port) = address.trim().rsplit_once(':').ok_or_else(bad)?;
    let port: u16 = port.parse().map_err(|_| bad())?;
    let host = host.strip_prefix('[').and_then(|h| h.strip_suffix(']')).unwrap_or(host);
    if host.is_empty() || port == 0 {
        return Err(bad());
    }
    let password = password.reveal();
    Ok(OptsBuilder::default()
        .ip_or_hostname(host)
        .tcp_port(port)
        // A Unix socket of the same machine would be another way round TLS.
        .prefer_socket(false)
        .tcp_nodelay(true)
        .stmt_cache_size(0)
        .user(Some(endpoint.user.as_str()))
        .pass((!password.is_empty()).then_some(password))
        .connect_attribute("program_name", PROGRAM)
        .ssl_opts(tls)
        .into())
}

/// The CA alone, or mutual TLS. The authorities of browsers are not trusted besides it.
fn ssl(tls: plan::Tls) -> Result<SslOpts> {
    let tls = tls_config(tls)?;
    let read = |name: &str, path: &Path| {
        std::fs::read(path)
            .map_err(|e| Error::new(ErrorKind::Tls, format!("{name}: cannot read {}: {e}", path.display())))
    };
    let mut options = SslOpts::default().with_disable_built_in_roots(true);
    if let Some(ca) = &tls.ca {
        let pem = read("tls.ca", ca)?;
        if !pem.windows(11).any(|w| w == b"-----BEGIN ") {
            return Err(Error::new(
                ErrorKind::Tls,
                format!("tls.ca: {} is not a PEM file with a certificate", ca.display()),
            ));
        }
        options = options.with_root_certs(vec![pem.into()]);
    }
    if let (Some(cert), Some(key)) = (&tls.cert, &tls.key) {
        let identity = ClientIdentity::new(read("tls.cert", cert)?.into(), read("tls.key", key)?.into());
        options = options.with_client_identity(Some(identity));
    }
    Ok(options)
}
